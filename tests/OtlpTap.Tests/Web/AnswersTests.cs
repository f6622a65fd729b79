using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Metrics;
using OtlpTap.Tests.Forward;
using OtlpTap.Web;

namespace OtlpTap.Tests.Web;

/// <summary>Large answers to clients that do not read them, over real sockets from several addresses of this machine.</summary>
public sealed class AnswersTests : IAsyncLifetime
{
    private const int LargeBytes = 8 << 20;

    private readonly Prometheus.CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly FakeTimeProvider _time = new();
    private readonly TapMetrics _metrics = new("1.2.3", TimeProvider.System);
    private readonly List<Socket> _readers = [];
    private readonly WebApplication _server;
    private readonly Answers _answers;

    public AnswersTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            // Kestrel would end those that read nothing in its own time.
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        });
        _server = builder.Build();
        _answers = new Answers(new ApiMetrics(Prometheus.Metrics.WithCustomRegistry(_registry)), _time);
        _server.Use(next => _answers.Over(next));
        _server.MapMetrics(_metrics, _time);
        _server.Map("/large", http => Answers.WriteAsync(http, StatusCodes.Status200OK, json => WriteTexts(json, LargeBytes)));
        _server.Map("/whole", http => Answers.WriteAsync(http, StatusCodes.Status200OK, new byte[LargeBytes]));
        _server.Map("/small", http => Answers.WriteAsync(http, StatusCodes.Status200OK, json => WriteTexts(json, 1000)));
    }

    public async ValueTask InitializeAsync() => await _server.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        _readers.ForEach(reader => reader.Dispose());
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("/large")]
    [InlineData("/whole")]
    public async Task However_many_read_nothing_what_they_hold_is_bounded_and_others_still_get_answers(string path)
    {
        await AskUntilRefusedAsync(path, times: 40, from: ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);

        Assert.InRange(_answers.Bytes, Answers.BytesMax / 2, Answers.BytesMax);
        await Deadline.UntilAsync(
            async () =>
            {
                await AskAsync(path, "127.0.0.3");
                return await IsRefusedAsync(path);
            },
            "another one is refused and told when to try again");
        Assert.StartsWith("HTTP/1.1 200 OK", await ReadAllAsync("/small", "127.0.0.4"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_address_leaves_half_of_it_to_the_others()
    {
        await AskUntilRefusedAsync("/large", times: 20, from: ["127.0.0.1"]);

        Assert.InRange(_answers.Bytes, Answers.BytesOfClientMax / 2, Answers.BytesOfClientMax);
        Assert.True((await ReadAllAsync("/large", "127.0.0.2")).Length > LargeBytes);
    }

    [Fact]
    public async Task Who_reads_too_slowly_is_cut_off_and_counted()
    {
        await AskAsync("/large", "127.0.0.1");
        await Deadline.UntilAsync(() => _answers.Bytes > 0, "it is under way");

        await Deadline.UntilAsync(
            () =>
            {
                _time.Advance(Answers.Patience);
                return _answers.Bytes == 0;
            },
            "nothing of it is held");
        Assert.Equal(1, MetricText.Value(_registry, "otlptap_api_answers_cut_off_total"));
    }

    [Fact]
    public async Task Who_goes_away_holds_nothing()
    {
        await AskAsync("/large", "127.0.0.1");
        await Deadline.UntilAsync(() => _answers.Bytes > 0, "it is under way");

        _readers[0].Dispose();

        await Deadline.UntilAsync(() => _answers.Bytes == 0, "nothing of it is held");
        Assert.Equal(0, MetricText.Value(_registry, "otlptap_api_answers_cut_off_total"));
    }

    [Fact]
    public async Task What_readers_of_the_API_hold_keeps_no_metrics_from_a_scraper()
    {
        Fill();
        await AskUntilRefusedAsync("/large", times: 20, from: ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);

        var scrape = await ReadAllAsync("/metrics", "127.0.0.1");

        Assert.StartsWith("HTTP/1.1 200 OK", scrape, StringComparison.Ordinal);
        Assert.Contains("\notlptap_build_info{", scrape, StringComparison.Ordinal);
    }

    [Fact]
    public async Task However_many_metrics_there_are_only_a_piece_of_them_waits_for_who_reads()
    {
        Fill();
        var reader = new StoppedStream();
        using var end = new CancellationTokenSource();

        var scrape = _metrics.WriteAsync(reader, end.Token);
        await Deadline.UntilAsync(() => reader.Bytes > 0, "some are written");

        Assert.InRange(reader.Bytes, 1, 64 << 10);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scrape);
    }

    [Fact]
    public async Task Who_has_not_read_the_metrics_in_time_is_cut_off_and_counted()
    {
        Fill();
        await AskAsync("/metrics", "127.0.0.1");

        await Deadline.UntilAsync(
            async () =>
            {
                _time.Advance(AdminEndpoints.ScrapePatience);
                return (await MetricsAsync()).Contains("\notlptap_scrapes_cut_off_total 1\n", StringComparison.Ordinal);
            },
            "it is cut off");
    }

    private async Task<string> MetricsAsync()
    {
        using var text = new MemoryStream();
        await _metrics.WriteAsync(text, Deadline.Token());
        return Encoding.UTF8.GetString(text.ToArray());
    }

    // More than the system takes of them for one that does not read.
    private void Fill()
    {
        var filler = _metrics.Factory.CreateGauge("otlptap_filler", "Fills.", ["text"]);
        for (var i = 0; i < LargeBytes / 1000; i++)
        {
            filler.WithLabels($"{i} {new string('x', 1000)}").Set(i);
        }
    }

    private double Refused => MetricText.Value(_registry, "otlptap_api_answers_refused_total");

    private static void WriteTexts(Utf8JsonWriter json, int bytes)
    {
        var text = new string('x', 100);
        json.WriteStartArray();
        for (var written = 0; written < bytes; written += text.Length)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private async Task<bool> IsRefusedAsync(string path)
    {
        var answer = await ReadAllAsync(path, "127.0.0.4");
        return answer.StartsWith("HTTP/1.1 503", StringComparison.Ordinal) && answer.Contains("Retry-After: 5", StringComparison.Ordinal) && answer.Contains("""{"error":""", StringComparison.Ordinal);
    }

    // What the system has taken of an answer for its client is no longer the tap's: so many fit as there are buffers for.
    private async Task AskUntilRefusedAsync(string path, int times, string[] from)
    {
        var asked = 0;
        await Deadline.UntilAsync(
            async () =>
            {
                await AskAsync(path, from[asked++ % from.Length]);
                Assert.InRange(_answers.Bytes, 0, Answers.BytesMax);
                return Refused >= times;
            },
            "those beyond the bound are refused");
    }

    /// <summary>Leaves what comes unread.</summary>
    private async Task AskAsync(string path, string from) => _readers.Add(await ConnectAsync(path, from, receiveBufferBytes: 4096));

    private async Task<string> ReadAllAsync(string path, string from)
    {
        using var socket = await ConnectAsync(path, from, receiveBufferBytes: null);
        using var text = new StreamReader(new NetworkStream(socket), Encoding.ASCII);
        return await text.ReadToEndAsync(Deadline.Token());
    }

    private async Task<Socket> ConnectAsync(string path, string from, int? receiveBufferBytes)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.ReceiveBufferSize = receiveBufferBytes ?? socket.ReceiveBufferSize;
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(_server.Urls.Single()).Port, Deadline.Token());
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: tap\r\nConnection: close\r\n\r\n"), Deadline.Token());
        return socket;
    }

    /// <summary>Takes what it is given first, and nothing more.</summary>
    private sealed class StoppedStream : MemoryStream
    {
        private long _bytes;

        public long Bytes => Volatile.Read(ref _bytes);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Interlocked.Add(ref _bytes, buffer.Length);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }
}
