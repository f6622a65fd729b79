using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Grpc.Core;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Receive;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>What senders can make a tap hold, seen from outside: by the memory of its own process, as the kernel counts it.</summary>
public sealed class HostileMemoryTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private const int InFlightMiB = 64;
    private const int MessageMiB = 16;

    // Beside the bytes in flight: the tap itself, what the pools keep, the recorder, and garbage that no collection has taken yet.
    private const long Beside = 280L * MiB;

    // How much garbage waits for a collection is as chance and others on the machine have it, so the heap has a bound of its own:
    // there it is collected. With 192 MiB all are served; with 144 MiB some are refused for want of memory, which is no answer here.
    private const long HeapMax = 224L * MiB;

    private readonly TapFiles _files = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(1) };
    private TapProcess _tap = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The memory of a process is read from /proc.");
        await File.WriteAllTextAsync(
            _files.ConfigFile,
            $$"""
            receivers:
              otlp:
                protocols:
                  grpc: { endpoint: "127.0.0.1:0", max_recv_msg_size_mib: {{MessageMiB}} }
                  http: { endpoint: "127.0.0.1:0", max_request_body_size: {{MessageMiB * MiB}} }
            processors: { tap: { limits: { in_flight_mib: {{InFlightMiB}} }, recorder: { max_size_mib: 32 }, tee: { max_size_mib: 16 }, corpus: { directory: '{{_files.Cases}}' } } }
            service: { admin: { endpoint: "127.0.0.1:0" } }
            """,
            Deadline.Token());
        _tap = await TapProcess.ListeningAsync(TapProgram.Fastest, ["--config", _files.ConfigFile], _files.Directory, ("DOTNET_GCHeapHardLimit", HeapMax.ToString("x", CultureInfo.InvariantCulture)));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_tap is not null)
        {
            await _tap.DisposeAsync();
        }

        _files.Dispose();
    }

    [Fact]
    public async Task A_thousand_connections_that_say_nothing_cost_little_and_delay_nobody()
    {
        await WarmUpAsync();
        var before = _tap.ResidentBytes;
        var connections = new List<Socket>();
        try
        {
            for (var i = 0; i < 1000; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                connections.Add(socket);
                await socket.ConnectAsync(IPEndPoint.Parse(i % 2 == 0 ? _tap.HttpEndpoint : _tap.GrpcEndpoint), Deadline.Token());
            }

            await Deadline.UntilAsync(async () => await _tap.MetricAsync("otlptap_connections") >= 1000, "all are open");
            var bytes = (_tap.ResidentBytes - before) / 1000;
            var slowest = await SlowestOfAsync(100);
            TestContext.Current.TestOutputHelper?.WriteLine($"{bytes} bytes for each idle connection, slowest of 100 requests beside them {slowest.TotalMilliseconds:0} ms");

            // 19 KB measured; with a block of 64 KiB for each it would be past this.
            Assert.InRange(bytes, -MiB, 60_000);
            Assert.True(slowest < TimeSpan.FromSeconds(2));
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }
    }

    [Theory]
    [InlineData(Form.Gzip)]
    [InlineData(Form.GzipOfTwoMembers)]
    [InlineData(Form.Zstd)]
    [InlineData(Form.ZstdOfUnknownLength)]
    [InlineData(Form.ZstdOfTwoFrames)]
    [InlineData(Form.Zlib)]
    [InlineData(Form.BareDeflate)]
    [InlineData(Form.Snappy)]
    [InlineData(Form.SnappyStream)]
    public async Task Bombs_cost_no_more_than_the_bytes_in_flight(Form form)
    {
        await WarmUpAsync();

        // One passes the limit of a message; one stays just below it, and is refused only when it has been decompressed.
        byte[][] bombs = [Compressions.Compress(form, new byte[64 * MiB]), Compressions.Compress(form, new byte[(MessageMiB * MiB) - 1])];
        var statuses = await SendAsync(60, 12, number => PostAsync(bombs[number % 2], "application/x-protobuf", Compressions.NameOf(form)));

        Assert.All(statuses, status => Assert.True(status is 400 or 413 or 503, $"answered {status}"));
        Assert.Contains(413, statuses);
        await AssertBoundedAsync();
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task Bombs_over_gRPC_cost_no_more_than_the_bytes_in_flight(string encoding)
    {
        await WarmUpAsync();
        var bomb = Compressions.Compress(encoding == "gzip" ? Form.Gzip : Form.ZstdOfUnknownLength, new byte[64 * MiB]);
        var frame = StubUpstream.Frame(bomb, flag: 1);
        var statuses = await SendAsync(60, 12, async _ =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{_tap.GrpcEndpoint}{ExportServiceNames.PathOf(Signal.Traces)}"))
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new ByteArrayContent(frame) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
            };
            request.Headers.Add("te", "trailers");
            request.Headers.Add("grpc-encoding", encoding);
            using var response = await _http.SendAsync(request, Deadline.Token());
            return int.Parse(response.Headers.GetValues("grpc-status").Single(), CultureInfo.InvariantCulture);
        });

        Assert.All(statuses, status => Assert.True((StatusCode)status is StatusCode.ResourceExhausted or StatusCode.Unavailable, $"answered {status}"));
        Assert.Contains((int)StatusCode.ResourceExhausted, statuses);
        await AssertBoundedAsync();
    }

    [Theory]
    [InlineData(200, "empty objects", """{"resourceSpans":[""", "{}", ",", "]}")]
    [InlineData(200, "objects with one member", """{"resourceSpans":[""", """{"resource":{}}""", ",", "]}")]
    [InlineData(200, "a million keys", "{", "\"k\":0", ",", "}")]
    [InlineData(400, "arrays in arrays", "{\"x\":", "[", "", "")]
    [InlineData(400, "objects in objects", "", "{\"x\":", "", "")]
    [InlineData(200, "escapes", "{\"resourceSpans\":[{\"schemaUrl\":\"", @"\u0001", "", "\"}]}")]
    [InlineData(200, "halves of surrogates", "{\"resourceSpans\":[{\"schemaUrl\":\"", @"\ud800", "", "\"}]}")]
    [InlineData(400, "a number of megabytes", """{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":1""", "1", "", "}]}]}]}")]
    [InlineData(200, "a fraction of megabytes", """{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":{"doubleValue":0.""", "1", "", "}}]}}]}")]
    [InlineData(400, "an exponent of megabytes", """{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":{"doubleValue":1e""", "9", "", "}}]}}]}")]
    [InlineData(200, "an id of megabytes", "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"", "ab", "", "\"}]}]}]}")]
    [InlineData(400, "line feeds", "", "\n", "", "x")]
    public async Task JSON_bombs_in_gzip_cost_no_more_than_the_bytes_in_flight(int expected, string kind, string start, string repeated, string between, string end)
    {
        await WarmUpAsync();
        var bomb = Gzip(start, repeated, between, end);

        var statuses = await SendAsync(12, 4, _ => PostAsync(bomb, "application/json", "gzip"));

        Assert.All(statuses, status => Assert.True(status == expected || status == 503, $"{kind}: answered {status}"));
        Assert.Contains(expected, statuses);
        await AssertBoundedAsync();
    }

    private async Task AssertBoundedAsync()
    {
        await Deadline.UntilAsync(async () => await _tap.MetricAsync("otlptap_in_flight_bytes") == 0, "nothing is in flight");
        TestContext.Current.TestOutputHelper?.WriteLine($"{_tap.PeakMemoryBytes / MiB} MiB at most");

        Assert.InRange(_tap.PeakMemoryBytes, 0, (InFlightMiB * MiB) + Beside);
        Assert.Equal(200, await PostAsync(new TraceBuilder().Span("chat").ToBytes(), "application/x-protobuf", null));
    }

    private async Task WarmUpAsync()
    {
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(200, await PostAsync(new TraceBuilder().Span("chat").ToBytes(), "application/x-protobuf", null));
        }
    }

    private async Task<TimeSpan> SlowestOfAsync(int requests)
    {
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < requests; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await WarmUpOnceAsync();
            slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, Stopwatch.GetElapsedTime(started).Ticks));
        }

        return slowest;
    }

    private async Task WarmUpOnceAsync() => Assert.Equal(200, await PostAsync(new TraceBuilder().Span("chat").ToBytes(), "application/x-protobuf", null));

    private static async Task<IReadOnlyCollection<int>> SendAsync(int requests, int atATime, Func<int, Task<int>> send)
    {
        var statuses = new ConcurrentBag<int>();
        await Parallel.ForEachAsync(Enumerable.Range(0, requests), new ParallelOptions { MaxDegreeOfParallelism = atATime }, async (number, _) => statuses.Add(await send(number)));
        return statuses;
    }

    private async Task<int> PostAsync(byte[] body, string type, string? encoding)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{_tap.HttpEndpoint}/v1/traces")) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        if (encoding is not null)
        {
            request.Content.Headers.Add("Content-Encoding", encoding);
        }

        using var response = await _http.SendAsync(request, Deadline.Token());
        return (int)response.StatusCode;
    }

    // As much as a message may have, written piece by piece: the test has no need of all of it.
    private static byte[] Gzip(string start, string repeated, string between, string end)
    {
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes(start + repeated));
            var piece = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(between + repeated, 1000)));
            for (var written = piece.Length + 200; written + piece.Length < (MessageMiB * MiB) - 1000; written += piece.Length)
            {
                gzip.Write(piece);
            }

            gzip.Write(Encoding.UTF8.GetBytes(end));
        }

        return buffer.ToArray();
    }
}
