using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Forward.Files;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Tests.Proto;
using Prometheus;
using ZstdSharp;

namespace OtlpTap.Tests.Forward;

public sealed class FileExporterTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("otlptap-file-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 23, 8, 0, 0, TimeSpan.Zero));
    private readonly PayloadBooks _books = new();
    private readonly ListLogger<FileExporter> _log = new();
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private int _isFull;

    private string File => Path.Combine(_directory, "telemetry.json");

    [Fact]
    public async Task Each_request_is_a_line_of_OTLP_JSON_whatever_its_signal_and_is_there_when_its_sender_is_told()
    {
        await using var exporter = Exporter(Options());
        var requests = Requests(12);

        foreach (var (signal, message) in requests)
        {
            Assert.Same(ExportReply.Accepted, await SendAsync(exporter, signal, message));
            Assert.EndsWith("\n", await ReadAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(requests.Select(request => Canonical(request.Signal, request.Message)), Lines(await ReadAsync()));
        Assert.Equal(4, MetricText.Value(_registry, "otelcol_exporter_sent_log_records_total{exporter=\"file\"}"));
        await _books.AllCameBackAsync();
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task Messages_that_are_no_lines_stand_behind_their_length(bool isProto, bool isZstd)
    {
        var requests = Requests(6);
        await using (var exporter = Exporter(Options() with { IsProto = isProto, IsZstd = isZstd }))
        {
            await Task.WhenAll(requests.Select(request => SendAsync(exporter, request.Signal, request.Message)));
        }

        var messages = Messages(await System.IO.File.ReadAllBytesAsync(File, TestContext.Current.CancellationToken)).Select(message => isZstd ? Unzstd(message) : message);
        var read = messages.Select(message => isProto ? Convert.ToHexString(message) : Encoding.UTF8.GetString(message));
        var sent = requests.Select(request => isProto ? Convert.ToHexString(request.Message) : Canonical(request.Signal, request.Message));
        Assert.Equal(sent.Order(), read.Order());
    }

    [Fact]
    public async Task Lines_of_many_senders_never_mix()
    {
        await using var exporter = Exporter(Options());
        var requests = Requests(600);

        var replies = await Task.WhenAll(requests.Select(request => Task.Run(() => SendAsync(exporter, request.Signal, request.Message)))).InTime();

        Assert.All(replies, reply => Assert.Same(ExportReply.Accepted, reply));
        Assert.Equal(requests.Select(request => Canonical(request.Signal, request.Message)).Order(), Lines(await ReadAsync()).Order());
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task A_full_disk_refuses_with_a_time_to_come_again_leaves_no_half_line_and_recovers()
    {
        await using var exporter = new FileExporter(Options(), Metrics(), _time, _log, open: (path, mode) => new FlakyStream(ExportFile.OpenStream(path, mode), () => Volatile.Read(ref _isFull) != 0));
        var requests = Requests(3);
        await SendAsync(exporter, requests[0].Signal, requests[0].Message);
        Assert.True(exporter.IsReachable);

        Volatile.Write(ref _isFull, 1);
        var refused = await SendAsync(exporter, requests[1].Signal, requests[1].Message);
        await SendAsync(exporter, requests[1].Signal, requests[1].Message);

        Assert.Equal((StatusCode.Unavailable, $"exporter file: cannot write {File}: No space left on device"), (refused.Status, refused.Message));
        Assert.True(FailureKind.IsRetryable(refused) && FailureKind.TryGetRetryDelay(refused, out var delay) && delay > TimeSpan.Zero);
        Assert.False(exporter.IsReachable);
        Assert.Single(Lines(await ReadAsync()));

        Volatile.Write(ref _isFull, 0);
        Assert.Same(ExportReply.Accepted, await SendAsync(exporter, requests[2].Signal, requests[2].Message));
        Assert.True(exporter.IsReachable);
        Assert.Equal(new[] { requests[0], requests[2] }.Select(request => Canonical(request.Signal, request.Message)), Lines(await ReadAsync()));
        Assert.Equal(
            [$"Error: Exporter file: cannot write {File}: No space left on device; requests are refused until it can be written.", $"Information: Exporter file: {File} is written again."],
            _log.Messages);
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task A_directory_that_is_not_there_is_told_at_the_start_and_written_to_once_it_is()
    {
        var options = Options() with { Path = Path.Combine(_directory, "later", "telemetry.json") };
        await using var exporter = Exporter(options);
        await Deadline.UntilAsync(() => _log.Messages.Count == 1, "the wrong path is told");
        Assert.Equal(StatusCode.Unavailable, (await SendAsync(exporter, Signal.Traces, Requests(1)[0].Message)).Status);
        Assert.False(await exporter.ProbeAsync(TestContext.Current.CancellationToken));

        Directory.CreateDirectory(Path.Combine(_directory, "later"));
        Assert.True(await exporter.ProbeAsync(TestContext.Current.CancellationToken));
        Assert.Same(ExportReply.Accepted, await SendAsync(exporter, Signal.Traces, Requests(1)[0].Message));
    }

    [Fact]
    public async Task The_directory_is_created_where_that_is_asked_for()
    {
        var options = Options() with { Path = Path.Combine(_directory, "a", "b", "telemetry.json"), CreateDirectory = true };
        await using var exporter = Exporter(options);

        Assert.Same(ExportReply.Accepted, await SendAsync(exporter, Signal.Traces, Requests(1)[0].Message));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public async Task A_file_that_is_there_is_emptied_or_gone_on_with(bool append, int lines)
    {
        await System.IO.File.WriteAllTextAsync(File, "{\"resourceSpans\":[]}\n{\"resourceSp", TestContext.Current.CancellationToken);
        await using var exporter = Exporter(Options() with { Append = append });

        await SendAsync(exporter, Signal.Traces, Requests(1)[0].Message);

        Assert.Equal(lines, Lines(await ReadAsync()).Length);
        Assert.Equal(append ? [$"Warning: Exporter file: the end of {File} was cut off by 12 bytes: it was not written whole."] : [], _log.Messages);
    }

    [Fact]
    public async Task A_message_that_was_not_written_whole_is_cut_off_before_the_next()
    {
        var message = Requests(1)[0].Message;
        await System.IO.File.WriteAllBytesAsync(File, [0, 0, 0, 3, 1, 2, 3, 0, 0, 1, 0, 9, 9], TestContext.Current.CancellationToken);
        await using (var exporter = Exporter(Options() with { Append = true, IsProto = true }))
        {
            await SendAsync(exporter, Signal.Traces, message);
        }

        Assert.Equal([[1, 2, 3], message], Messages(await System.IO.File.ReadAllBytesAsync(File, TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task A_file_that_would_pass_its_size_is_put_aside_under_its_time_and_the_oldest_beyond_the_limit_is_deleted()
    {
        var options = Options() with { Rotation = new FileRotationOptions { MegabytesMax = 1, BackupsMax = 2 } };
        await System.IO.File.WriteAllTextAsync(Path.Combine(_directory, "telemetry-notes.json"), "not a backup", TestContext.Current.CancellationToken);
        await using var exporter = Exporter(options);
        var message = new TraceBuilder().Span("large", ("text", new string('x', 700_000))).ToBytes();

        for (var i = 0; i < 4; i++)
        {
            await SendAsync(exporter, Signal.Traces, message);
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(
            ["telemetry-2026-11-23T08-02-00.000.json", "telemetry-2026-11-23T08-03-00.000.json", "telemetry-notes.json", "telemetry.json"],
            Directory.GetFiles(_directory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetFiles(_directory, "telemetry*-2*.json"), file => Assert.Single(System.IO.File.ReadAllLines(file)));
    }

    [Fact]
    public async Task Files_rotated_within_a_millisecond_and_one_larger_than_the_limit_each_keep_their_lines()
    {
        var options = Options() with { Rotation = new FileRotationOptions { MegabytesMax = 1, BackupsMax = 0 } };
        await using var exporter = Exporter(options);
        var small = Requests(1)[0].Message;
        var huge = new TraceBuilder().Span("huge", ("text", new string('x', 1_500_000))).ToBytes();

        await Task.WhenAll(new[] { small, huge, huge, small, huge, small }.Select(message => SendAsync(exporter, Signal.Traces, message))).InTime();

        var lines = Directory.GetFiles(_directory).SelectMany(System.IO.File.ReadAllLines).ToList();
        Assert.Equal(new[] { small, small, small, huge, huge, huge }.Select(message => Canonical(Signal.Traces, message)).Order(), lines.Order());
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task Backups_older_than_the_days_to_keep_are_deleted()
    {
        await System.IO.File.WriteAllTextAsync(Path.Combine(_directory, "telemetry-2026-11-20T07-59-59.999.json"), "", TestContext.Current.CancellationToken);
        await System.IO.File.WriteAllTextAsync(Path.Combine(_directory, "telemetry-2026-11-20T08-00-00.000.json"), "", TestContext.Current.CancellationToken);
        await using var exporter = Exporter(Options() with { Rotation = new FileRotationOptions { DaysMax = 3 } });

        await SendAsync(exporter, Signal.Traces, Requests(1)[0].Message);

        Assert.Equal(["telemetry-2026-11-20T08-00-00.000.json", "telemetry.json"], Directory.GetFiles(_directory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_JSON_cannot_hold_whole_is_refused_for_good_and_harms_no_neighbour()
    {
        var deep = new OpenTelemetry.Proto.Common.V1.AnyValue { StringValue = "bottom" };
        for (var i = 0; i < OtlpJson.AnyValueDepthMax + 1; i++)
        {
            deep = new OpenTelemetry.Proto.Common.V1.AnyValue { ArrayValue = new OpenTelemetry.Proto.Common.V1.ArrayValue { Values = { deep } } };
        }

        var tooDeep = new TraceBuilder().Span("deep");
        tooDeep.LastSpan.Attributes.Add(new OpenTelemetry.Proto.Common.V1.KeyValue { Key = "deep", Value = deep });
        await using var exporter = Exporter(Options());

        var replies = await Task.WhenAll(SendAsync(exporter, Signal.Traces, tooDeep.ToBytes()), SendAsync(exporter, Signal.Traces, Requests(1)[0].Message));

        Assert.Equal([StatusCode.InvalidArgument, StatusCode.OK], replies.Select(reply => reply.Status));
        Assert.Single(Lines(await ReadAsync()));
    }

    [Fact]
    public async Task The_next_exporter_of_a_file_waits_for_the_end_of_the_former_and_goes_on_behind_it()
    {
        var ended = new TaskCompletionSource();
        var former = Exporter(Options());
        await SendAsync(former, Signal.Traces, Requests(1)[0].Message);
        await using var next = new FileExporter(Options(), Metrics(), _time, _log, ended.Task);

        var waiting = SendAsync(next, Signal.Traces, Requests(1)[0].Message);
        Assert.False(waiting.IsCompleted);
        await SendAsync(former, Signal.Traces, Requests(1)[0].Message);
        await former.DisposeAsync();
        ended.SetResult();

        Assert.Same(ExportReply.Accepted, await waiting.InTime());
        Assert.Equal(3, Lines(await ReadAsync()).Length);
    }

    [Fact]
    public async Task A_sender_that_leaves_gets_its_bytes_back_and_after_the_end_everybody_is_refused()
    {
        var started = new TaskCompletionSource();
        var exporter = new FileExporter(Options(), Metrics(), _time, _log, started.Task);
        using var leaving = new CancellationTokenSource();
        var left = exporter.ExportAsync(Signal.Traces, _books.Lend(Requests(1)[0].Message), RequestMetadata.Empty, leaving.Token);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        started.SetResult();
        await exporter.DrainAsync(Deadline.Token());
        await exporter.DisposeAsync();

        Assert.Equal("", await ReadAsync());
        Assert.Equal(StatusCode.Unavailable, (await SendAsync(exporter, Signal.Traces, Requests(1)[0].Message)).Status);
        await _books.AllCameBackAsync();
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static string Canonical(Signal signal, byte[] message)
    {
        using var format = new FileFormat(isProto: false, isZstd: false);
        var buffer = new GrowingBuffer();
        Assert.True(format.TryWrite(signal, message, buffer));
        var line = buffer.Span;

        // What is compared with is no invention of the writer: it reads back as the message.
        var read = new ArrayBufferWriter<byte>();
        Assert.True(OtlpJson.TryRead(signal, line, read, out var error), error.ToString());
        var parser = CapturedPayloads.ParserFor(signal);
        Assert.Equal(parser.ParseFrom(message), parser.ParseFrom(read.WrittenSpan.ToArray()));
        return Encoding.UTF8.GetString(line[..^1]);
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static List<byte[]> Messages(byte[] file)
    {
        var messages = new List<byte[]>();
        for (var at = 0; at < file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            messages.Add(file[(at + 4)..(at + 4 + length)]);
            at += 4 + length;
        }

        return messages;
    }

    private static byte[] Unzstd(byte[] message)
    {
        using var decompressor = new Decompressor();
        return decompressor.Unwrap(message).ToArray();
    }

    private static List<(Signal Signal, byte[] Message)> Requests(int count) =>
        [.. Enumerable.Range(0, count).Select(i => (Signal)(i % 3)).Select((signal, i) => (signal, MessageOf(signal, i)))];

    private static byte[] MessageOf(Signal signal, int i) => signal switch
    {
        Signal.Traces => new TraceBuilder().Span($"span {i}", ("line", "one\ntwo"), ("padding", new string('é', i * 7 % 2000))).ToBytes(),
        Signal.Logs => new OpenTelemetry.Proto.Collector.Logs.V1.ExportLogsServiceRequest
        {
            ResourceLogs = { new OpenTelemetry.Proto.Logs.V1.ResourceLogs { ScopeLogs = { new OpenTelemetry.Proto.Logs.V1.ScopeLogs { LogRecords = { new OpenTelemetry.Proto.Logs.V1.LogRecord { Body = TraceBuilder.ValueOf($"log {i}") } } } } } },
        }.ToByteArray(),
        _ => new OpenTelemetry.Proto.Collector.Metrics.V1.ExportMetricsServiceRequest
        {
            ResourceMetrics = { new OpenTelemetry.Proto.Metrics.V1.ResourceMetrics { ScopeMetrics = { new OpenTelemetry.Proto.Metrics.V1.ScopeMetrics { Metrics = { new OpenTelemetry.Proto.Metrics.V1.Metric { Name = $"metric {i}" } } } } } },
        }.ToByteArray(),
    };

    private FileExporterOptions Options() => new("file") { Path = File };

    private FileExporter Exporter(FileExporterOptions options) => new(options, Metrics(), _time, _log);

    private ExporterMetrics Metrics() => new(Prometheus.Metrics.WithCustomRegistry(_registry), "file");

    private Task<ExportReply> SendAsync(FileExporter exporter, Signal signal, byte[] message) =>
        exporter.ExportAsync(signal, _books.Lend(message), RequestMetadata.Empty, CancellationToken.None).InTime();

    private async Task<string> ReadAsync()
    {
        using var reader = new StreamReader(ExportFile.OpenStream(File, FileMode.Open));
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }
}
