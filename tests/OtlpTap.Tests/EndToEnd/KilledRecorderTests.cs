using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.EndToEnd;

using OtlpTap.Recorder;

/// <summary>
/// SIGKILL at any moment, with the recorder in files: every trace whose failing span was acknowledged and lies in the
/// recorder has its case after the restart. <c>OTLPTAP_KILLS</c> says how many; 50 is the figure to hold.
/// </summary>
public sealed partial class KilledRecorderTests : IDisposable
{
    private const int Agents = 4;
    private const int Seed = 7;

    /// <summary>Requests between two kills, at the most: some tenths of a second of what the agents send.</summary>
    private const int RequestsMax = 80;

    private readonly TapFiles _files = new();
    private readonly ConcurrentDictionary<long, bool> _acknowledged = new();
    private long _last;

    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("OTLPTAP_KILLS"), CultureInfo.InvariantCulture, out var kills) ? kills : 6;

    private string Ring => Path.Combine(_files.Directory, "ring");

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_killed_taps_no_case_is_lost_whose_failing_span_was_acknowledged_and_lies_in_the_recorder(bool hasUpstream)
    {
        var random = new Random(Seed);
        await using var upstream = await UnreliableUpstream.StartAsync(new DeliveryLedger(Seed));
        await File.WriteAllTextAsync(
            _files.ConfigFile,
            $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
            processors:
              tap:
                recorder: { directory: '{{Ring}}', max_size_mib: 256 }
                corpus: { directory: '{{_files.Cases}}', settle: 100ms, cases_per_hour: 0 }
                rules: [ { name: number_failed, failure: tool_error, condition: 'span.name == "failed"' } ]
                packs: []
            {{(hasUpstream ? $$"""exporters: { otlp_grpc/upstream: { endpoint: "{{upstream.Endpoint}}", tls: { insecure: true }, timeout: 1s } }""" : "")}}
            service: { admin: { endpoint: "127.0.0.1:0" } }
            """,
            TestContext.Current.CancellationToken);

        ExportClient? client = null;
        using var stop = new CancellationTokenSource();
        var agents = Enumerable.Range(0, Agents).Select(agent => SendAsync(new Random(agent), () => Volatile.Read(ref client), stop.Token)).ToList();
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var tap = await TapProcess.ListeningAsync(TapProgram.Fastest, ["--config", _files.ConfigFile]);
            using var agentsClient = new ExportClient(tap.GrpcEndpoint);
            Volatile.Write(ref client, agentsClient);
            await KillMoment.Next(random, RequestsMax).ReachedAsync(kill, () => Interlocked.Read(ref _last), () => _acknowledged.Count);
            tap.Kill();
            await tap.ExitCodeAsync();
            Volatile.Write(ref client, null);
        }

        await stop.CancelAsync();
        await Task.WhenAll(agents);

        // With an upstream the sender's answer waits for nothing behind the tee: what had not reached the ring is not in it.
        var acknowledged = _acknowledged.Keys.Order().ToList();
        var recorded = InTheRing(acknowledged);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {Seed}: sent {_last}, acknowledged {acknowledged.Count}, of those in the recorder {recorded.Count}");
        if (!hasUpstream)
        {
            Assert.Equal(acknowledged, recorded);
        }

        await using var last = await TapProcess.ListeningAsync(TapProgram.Fastest, ["--config", _files.ConfigFile]);
        await Deadline.UntilNoneIsLeftAsync(() => Without(recorded).Count, $"each of {recorded.Count} recorded traces has its case");
        Assert.True(recorded.Count > Kills, $"seed {Seed}: {recorded.Count} recorded traces of {Kills} taps");
    }

    [Fact]
    public async Task A_second_tap_does_not_get_the_recorders_directory()
    {
        await File.WriteAllTextAsync(
            _files.ConfigFile,
            $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { recorder: { directory: '{{Ring}}' }, corpus: { directory: '{{_files.Cases}}' } } }
            service: { admin: { endpoint: "127.0.0.1:0" } }
            """,
            TestContext.Current.CancellationToken);
        await using var first = await TapProcess.ListeningAsync(TapProgram.Fastest, ["--config", _files.ConfigFile]);

        var (exitCode, _, error) = await TapProgram.Fastest.RunAsync(["--config", _files.ConfigFile]);

        Assert.Equal(1, exitCode);
        Assert.Contains($"otlptap: recorder.directory {Ring} is in use by another process", error, StringComparison.Ordinal);
    }

    /// <summary>Those of which no case has the trace.</summary>
    private List<long> Without(List<long> numbers)
    {
        var cases = _files.CaseFiles("case.json").Select(File.ReadAllText).SelectMany(text => TraceIds().Matches(text)).Select(match => match.Value).ToHashSet();
        return [.. numbers.Where(number => !cases.Contains(TraceOf(number).ToString()))];
    }

    /// <summary>As the next process would find them, from a copy: looking must not be what repairs it.</summary>
    private List<long> InTheRing(IEnumerable<long> numbers)
    {
        var copy = Directory.CreateDirectory(Path.Combine(_files.Directory, "copy")).FullName;
        foreach (var file in Directory.GetFiles(Ring, "*.ring"))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        var registry = Prometheus.Metrics.NewCustomRegistry();
        var metrics = new OtlpTap.Metrics.RecorderMetrics(Prometheus.Metrics.WithCustomRegistry(registry));
        using var recorder = new Recorder(new RecorderOptions { Directory = copy }, metrics, TimeProvider.System, NullLogger.Instance);
        Assert.Equal(0, MetricText.Value(registry, "otlptap_recorder_set_aside_segments_total"));
        Assert.Equal(0, MetricText.Value(registry, "otlptap_recorder_damaged_requests_total"));
        return [.. numbers.Where(number => recorder.Find(TraceOf(number)).Count > 0)];
    }

    private async Task SendAsync(Random random, Func<ExportClient?> client, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (client() is not { } tap)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5), CancellationToken.None);
                continue;
            }

            var number = Interlocked.Increment(ref _last);
            var bytes = random.Next(8) == 0 ? random.Next(20_000, 80_000) : random.Next(10, 2_000);
            try
            {
                await tap.Export(Signal.Traces, RequestOf(number, bytes), deadline: DateTime.UtcNow.AddSeconds(10), cancellation: CancellationToken.None);
                _acknowledged[number] = true;

                // A case is a few synced files: what comes faster than they can be written only fills the queue.
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(2, 20)), CancellationToken.None);
            }
            catch (Exception refused) when (refused is RpcException or ObjectDisposedException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(5, 30)), CancellationToken.None);
            }
        }
    }

    private static TraceId TraceOf(long number) => new(0x7a9, (ulong)number);

    private static byte[] RequestOf(long number, int bytes)
    {
        // Each fails in a tool of its own, so that each is a case of its own. In letters: digits are left out of what cases are told apart by.
        var tool = string.Concat(number.ToString(CultureInfo.InvariantCulture).Select(digit => (char)(digit - '0' + 'a')));
        var builder = new TraceBuilder().Span("failed", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", tool), ("text", new string('x', bytes)));
        var id = new byte[TraceId.Length];
        TraceOf(number).WriteTo(id);
        builder.LastSpan.SpanId = ByteString.CopyFrom(BitConverter.GetBytes(number));
        builder.LastSpan.TraceId = ByteString.CopyFrom(id);
        return builder.ToBytes();
    }

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex TraceIds();
}
