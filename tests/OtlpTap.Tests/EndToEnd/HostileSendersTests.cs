using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Buffers;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>What one sender can make the tap hold, and that it keeps nobody else out.</summary>
public sealed class HostileSendersTests
{
    private static readonly byte[] OneSpan = new TraceBuilder().Span("chat model").ToBytes();

    [Fact]
    public async Task A_sender_that_declares_much_and_sends_little_keeps_nobody_out()
    {
        await using var tap = await RunningTap.StartAsync(tap: "limits: { in_flight_mib: 64 }");
        await using var sender = new SlowSender(tap, declaredLength: 64 << 20, sentLength: 100);
        await Deadline.UntilAsync(() => InFlight(tap) > 0, "the message has begun to arrive");

        Assert.Empty(await tap.ExportAsync(Signal.Traces, OneSpan));
    }

    [Fact]
    public async Task A_message_that_does_not_arrive_in_time_is_refused_and_gives_back_what_it_held()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var tap = await RunningTap.StartAsync(time: time);
        await using var sender = new SlowSender(tap, declaredLength: 1 << 20, sentLength: 100_000);
        await Deadline.UntilAsync(() => InFlight(tap) > 100_000, "the message has begun to arrive");

        // Ten seconds, and half of one for the bytes that came: not the four that the declared MiB would have.
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(sender.Response.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal("14", (await sender.Response.InTime()).Headers.GetValues("grpc-status").Single());
        Assert.Equal(1, await tap.MetricAsync("""otlptap_refused_requests_total{signal="traces",reason="too_slow"}"""));
        await Deadline.UntilAsync(() => InFlight(tap) == 0, "nothing is held");
    }

    [Fact]
    public async Task A_sender_that_goes_away_half_way_gives_back_what_it_held_and_its_time_passes_without_harm()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var tap = await RunningTap.StartAsync(time: time);
        await using (new SlowSender(tap, declaredLength: 1 << 20, sentLength: 100_000))
        {
            await Deadline.UntilAsync(() => InFlight(tap) > 100_000, "the message has begun to arrive");
        }

        await Deadline.UntilAsync(() => InFlight(tap) == 0, "nothing is held");
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.Empty(await tap.ExportAsync(Signal.Traces, OneSpan));
    }

    [Fact]
    public async Task Requests_of_a_few_bytes_are_bounded_too_while_the_upstream_stalls()
    {
        await using var upstream = await StubUpstream.StartAsync(streamsMax: 1000);
        var gate = Stall(upstream);
        await using var tap = await RunningTap.ConfiguredAsync(directory => $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0", max_recv_msg_size_mib: 1 } } } }
            processors: { tap: { limits: { in_flight_mib: 1 }, corpus: { directory: '{{directory}}' } } }
            exporters: { otlp_grpc: { endpoint: "{{upstream.Endpoint}}", tls: { insecure: true }, timeout: 60s } }
            service: { admin: { endpoint: "127.0.0.1:0" } }
            """);

        var sent = Enumerable.Range(0, 100).Select(_ => tap.Export(Signal.Traces, OneSpan)).ToList();
        // 16 KiB each, and while one arrives in pieces the block of 64 KiB that it is kept in: not a hundred fit into 1 MiB.
        await Deadline.UntilAsync(() => sent.Exists(call => call.ResponseAsync.IsFaulted), "a request is refused");
        Assert.InRange(InFlight(tap), 1, 1 << 20);
        gate.SetResult();

        var outcomes = await Task.WhenAll(sent.Select(async call => await StatusOfAsync(call))).InTime();
        Assert.Contains(StatusCode.OK, outcomes);
        Assert.Contains(StatusCode.Unavailable, outcomes);
        Assert.All(outcomes, status => Assert.True(status is StatusCode.OK or StatusCode.Unavailable));
    }

    [Fact]
    public async Task Headers_that_travel_on_count_as_in_flight()
    {
        await using var upstream = await StubUpstream.StartAsync();
        var gate = Stall(upstream);
        await using var tap = await RunningTap.StartAsync(upstream, exporter: ", timeout: 60s");

        var waiting = tap.Export(Signal.Traces, OneSpan, new Grpc.Core.Metadata { { "authorization", new string('x', 8000) } }, cancellation: TestContext.Current.CancellationToken);
        await Deadline.UntilAsync(() => upstream.Calls.Count == 1, "the request stalls in the upstream");

        Assert.True(InFlight(tap) >= (16 << 10) + (2 * 8000));
        gate.SetResult();
        Assert.Empty(await waiting.ResponseAsync.InTime());
    }

    [Fact]
    public async Task What_tagging_adds_counts_as_in_flight()
    {
        await using var upstream = await StubUpstream.StartAsync();
        var gate = Stall(upstream);
        await using var tap = await RunningTap.StartAsync(upstream, exporter: ", timeout: 60s");
        var message = new TraceBuilder();
        for (var i = 0; i < 2000; i++)
        {
            message.Span("execute_tool t", ("gen_ai.operation.name", "execute_tool"), ("error.type", "x"));
        }

        var request = message.ToBytes();
        var waiting = tap.Export(Signal.Traces, request, cancellation: TestContext.Current.CancellationToken);
        await Deadline.UntilAsync(() => upstream.Calls.Count == 1, "the request stalls in the upstream");

        var tagged = upstream.Calls.Single().Message.Length;
        Assert.True(tagged > request.Length);
        Assert.True(InFlight(tap) >= tagged, $"{InFlight(tap)} bytes in flight, {tagged} bytes on their way");
        gate.SetResult();
        Assert.Empty(await waiting.ResponseAsync.InTime());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public async Task A_gzip_message_without_an_end_or_with_something_behind_it_is_refused(int behind)
    {
        await using var tap = await RunningTap.StartAsync();
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(OneSpan);
        }

        var compressed = buffer.ToArray();
        await using var sender = new SlowSender(tap, compressed.Length + (behind == 0 ? 1 : 0), 0, "gzip", [.. compressed, .. new byte[behind]]);
        sender.End();

        Assert.Equal("3", (await sender.Response.InTime()).Headers.GetValues("grpc-status").Single());
    }

    private static double InFlight(RunningTap tap) => tap.MetricAsync("otlptap_in_flight_bytes").GetAwaiter().GetResult();

    private static TaskCompletionSource Stall(StubUpstream upstream)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        upstream.Answer = async (context, call) =>
        {
            if (call.Path.EndsWith("/Export", StringComparison.Ordinal))
            {
                await gate.Task;
            }

            await StubUpstream.SucceedAsync(context);
        };
        return gate;
    }

    private static async Task<StatusCode> StatusOfAsync(AsyncUnaryCall<byte[]> call)
    {
        try
        {
            await call;
            return StatusCode.OK;
        }
        catch (RpcException refusal)
        {
            return refusal.StatusCode;
        }
    }

    /// <summary>One export whose message begins and, unless it is ended, goes no further.</summary>
    private sealed class SlowSender : IAsyncDisposable
    {
        private readonly HttpClient _http = new();
        private readonly HttpRequestMessage _request;
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public SlowSender(RunningTap tap, int declaredLength, int sentLength, string? encoding = null, byte[]? sent = null)
        {
            var frame = new byte[Payload.FrameHeaderLength + sentLength];
            frame[0] = encoding is null ? (byte)0 : (byte)1;
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), declaredLength);
            _request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{tap.Host.GrpcEndpoint}{ExportServiceNames.PathOf(Signal.Traces)}"))
            {
                Version = new Version(2, 0),
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new Begun([.. frame, .. sent ?? []], _end.Task),
            };
            _request.Content.Headers.ContentType = new("application/grpc");
            _request.Headers.Add("te", "trailers");
            if (encoding is not null)
            {
                _request.Headers.Add("grpc-encoding", encoding);
            }

            Response = _http.SendAsync(_request, HttpCompletionOption.ResponseHeadersRead, Deadline.Token());
        }

        public Task<HttpResponseMessage> Response { get; }

        public void End() => _end.TrySetResult();

        public async ValueTask DisposeAsync()
        {
            _http.CancelPendingRequests();
            _end.TrySetCanceled();
            await Response.ContinueWith(static response => response.Status == TaskStatus.RanToCompletion ? 0 : response.Exception?.GetHashCode(), TaskScheduler.Default);
            _http.Dispose();
            _request.Dispose();
        }

        private sealed class Begun(byte[] bytes, Task end) : HttpContent
        {
            protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
            {
                await stream.WriteAsync(bytes);
                await stream.FlushAsync();
                await end;
            }

            protected override bool TryComputeLength(out long length)
            {
                length = 0;
                return false;
            }
        }
    }
}
