using System.IO.Compression;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Buffers;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>What an agent is answered: the upstream's own word, or the tap's where there is none.</summary>
public sealed class AnswersTests
{
    private static readonly byte[] OneSpan = new TraceBuilder().Span("chat model").ToBytes();

    public static TheoryData<int> ErrorCodes => [.. Enumerable.Range(1, 16)];

    [Theory]
    [MemberData(nameof(ErrorCodes))]
    public async Task Every_status_of_the_upstream_comes_back_with_its_message_and_details(int code)
    {
        await using var upstream = await StubUpstream.StartAsync();
        var details = StatusDetails.RetryInfo((StatusCode)code, "later, please", TimeSpan.FromSeconds(7));
        upstream.Answer = (context, _) => StubUpstream.RefuseAsync(context, (StatusCode)code, "later, please", ("grpc-status-details-bin", Convert.ToBase64String(details)), ("x-hint", "7"));
        await using var tap = await RunningTap.StartAsync(upstream);

        var refusal = await tap.RefusalOfAsync(Signal.Traces, OneSpan);

        Assert.Equal((StatusCode)code, refusal.StatusCode);
        Assert.Equal("later, please", refusal.Status.Detail);
        Assert.Equal(details, refusal.Trailers.GetValueBytes("grpc-status-details-bin"));
        Assert.Equal("7", refusal.Trailers.GetValue("x-hint"));
    }

    [Fact]
    public async Task Partial_success_comes_back_unchanged()
    {
        await using var upstream = await StubUpstream.StartAsync();
        var answer = new ExportTraceServiceResponse { PartialSuccess = new ExportTracePartialSuccess { RejectedSpans = 1, ErrorMessage = "too old" } }.ToByteArray();
        upstream.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: answer);
        await using var tap = await RunningTap.StartAsync(upstream);

        Assert.Equal(answer, await tap.ExportAsync(Signal.Traces, OneSpan));
    }

    [Fact]
    public async Task An_empty_request_succeeds()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        Assert.Empty(await tap.ExportAsync(Signal.Traces, []));
        Assert.Empty(upstream.Calls);
    }

    [Theory]
    [InlineData("Traces")]
    [InlineData("Logs")]
    [InlineData("Metrics")]
    public async Task Unparseable_bytes_are_refused_with_the_field_that_is_wrong_and_nothing_is_forwarded(string name)
    {
        var signal = Enum.Parse<Signal>(name);
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        var refusal = await tap.RefusalOfAsync(signal, [0x0a, 0x02, 0x12, 0x7f]);

        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.Contains("byte 3", refusal.Status.Detail, StringComparison.Ordinal);
        var details = refusal.Trailers.GetValueBytes("grpc-status-details-bin")!;
        Assert.Contains("type.googleapis.com/google.rpc.BadRequest", System.Text.Encoding.UTF8.GetString(details), StringComparison.Ordinal);
        Assert.Empty(upstream.Calls);
        Assert.Equal(1, await tap.MetricAsync($$"""otlptap_refused_requests_total{signal="{{name.ToLowerInvariant()}}",reason="malformed"}"""));
    }

    [Fact]
    public async Task Gzip_is_taken_and_forwarded_plain()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        using var response = await PostAsync(tap, Frame(Gzip(OneSpan), compressed: true), "gzip");

        Assert.Equal("0", Status(response));
        Assert.Equal(OneSpan, Assert.Single(upstream.Calls).Message);
    }

    [Fact]
    public async Task What_is_no_gzip_is_the_senders_mistake()
    {
        await using var tap = await RunningTap.StartAsync();

        using var response = await PostAsync(tap, Frame([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20], compressed: true), "gzip");

        Assert.Equal("3", Status(response));
    }

    [Fact]
    public async Task The_message_limit_counts_what_comes_out_of_the_compression()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, grpc: ", max_recv_msg_size_mib: 1");
        var bomb = Gzip(new byte[64 << 20]);
        Assert.True(bomb.Length < 1 << 20);

        using var response = await PostAsync(tap, Frame(bomb, compressed: true), "gzip");

        Assert.Equal("8", Status(response));
        Assert.Null(Trailer(response, "grpc-status-details-bin"));
        Assert.Empty(upstream.Calls);
    }

    [Fact]
    public async Task A_message_over_the_limit_is_refused_for_good()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, grpc: ", max_recv_msg_size_mib: 1");

        var refusal = await tap.RefusalOfAsync(Signal.Traces, new TraceBuilder().Span("chat", ("big", new string('x', 2 << 20))).ToBytes());

        Assert.Equal(StatusCode.ResourceExhausted, refusal.StatusCode);
        Assert.Null(refusal.Trailers.GetValueBytes("grpc-status-details-bin"));
        Assert.Empty(upstream.Calls);
    }

    [Fact]
    public async Task Large_messages_pass_up_to_the_limit()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        var message = new TraceBuilder().Span("chat", ("prompt", new string('x', 20 << 20))).ToBytes();

        Assert.Empty(await tap.ExportAsync(Signal.Traces, message));

        Assert.Equal(message, Assert.Single(upstream.Calls).Message);
    }

    [Fact]
    public async Task When_the_upstream_is_down_the_agent_is_told_to_come_again()
    {
        var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        await upstream.DisposeAsync();

        var refusal = await tap.RefusalOfAsync(Signal.Traces, OneSpan);

        Assert.Equal(StatusCode.Unavailable, refusal.StatusCode);
        Assert.Contains(upstream.Endpoint, refusal.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_the_upstream_stalls_memory_stays_bounded_and_everything_flows_when_it_wakes()
    {
        await using var upstream = await StubUpstream.StartAsync(streamsMax: 1000);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        upstream.Answer = async (context, _) =>
        {
            await gate.Task;
            await StubUpstream.SucceedAsync(context);
        };
        await using var tap = await RunningTap.StartAsync(upstream, tap: "limits: { in_flight_mib: 4 }", grpc: ", max_recv_msg_size_mib: 1", exporter: ", timeout: 60s");
        var message = new TraceBuilder().Span("chat", ("prompt", new string('x', 500_000))).ToBytes();

        // Eight messages of half a MiB fill the bound; the ninth is refused while they wait.
        var waiting = Enumerable.Range(0, 8).Select(_ => tap.Export(Signal.Traces, message)).ToList();
        await Deadline.UntilAsync(() => upstream.Calls.Count == 8, "eight requests stall in the upstream");
        var refusal = await tap.RefusalOfAsync(Signal.Traces, message);
        Assert.Equal(StatusCode.Unavailable, refusal.StatusCode);
        Assert.True(StatusDetails.TryReadRetryDelay(refusal.Trailers.GetValueBytes("grpc-status-details-bin")!, out var delay));
        Assert.Equal(Refusals.RetryDelay, delay);
        Assert.Equal(1, await tap.MetricAsync("""otlptap_refused_requests_total{signal="traces",reason="in_flight_full"}"""));

        gate.SetResult();
        Assert.All(await Task.WhenAll(waiting.Select(call => call.ResponseAsync)).InTime(), Assert.Empty);
        Assert.Empty(await tap.ExportAsync(Signal.Traces, message));
        await Deadline.UntilAsync(() => tap.MetricAsync("otlptap_in_flight_bytes").GetAwaiter().GetResult() == 0, "nothing is in flight");
    }

    [Fact]
    public async Task An_agents_deadline_ends_its_own_wait_and_nobody_elses()
    {
        await using var upstream = await StubUpstream.StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        upstream.Answer = async (context, _) =>
        {
            await gate.Task;
            await StubUpstream.SucceedAsync(context);
        };
        await using var tap = await RunningTap.StartAsync(upstream, exporter: ", timeout: 60s");

        var patient = tap.Export(Signal.Traces, OneSpan, cancellation: TestContext.Current.CancellationToken);
        var hasty = await Assert.ThrowsAsync<RpcException>(async () => await tap.Export(Signal.Traces, OneSpan, deadline: DateTime.UtcNow.AddMilliseconds(200), cancellation: TestContext.Current.CancellationToken));
        Assert.Equal(StatusCode.DeadlineExceeded, hasty.StatusCode);

        gate.SetResult();
        Assert.Empty(await patient.ResponseAsync.InTime());
    }

    [Fact]
    public async Task Tenant_and_authorization_travel_on_and_other_headers_do_not()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        await tap.Export(Signal.Traces, OneSpan, new Grpc.Core.Metadata { { "x-scope-orgid", "tenant-1" }, { "authorization", "Bearer abc" }, { "x-other", "1" } }, cancellation: TestContext.Current.CancellationToken);

        var headers = Assert.Single(upstream.Calls).Headers;
        Assert.Equal("tenant-1", headers["x-scope-orgid"]);
        Assert.Equal("Bearer abc", headers["authorization"]);
        Assert.False(headers.ContainsKey("x-other"));
    }

    [Fact]
    public async Task Neither_port_serves_what_belongs_to_the_other()
    {
        await using var tap = await RunningTap.StartAsync();
        using var http = new HttpClient { DefaultRequestVersion = new Version(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        using var metrics = await http.GetAsync(new Uri($"http://{tap.Host.GrpcEndpoint}/metrics"), Deadline.Token());
        Assert.Equal(System.Net.HttpStatusCode.NotFound, metrics.StatusCode);

        using var http1 = new HttpClient();
        using var export = await http1.PostAsync(new Uri($"http://{tap.Host.AdminEndpoint}{ExportServiceNames.PathOf(Signal.Traces)}"), new ByteArrayContent([]), Deadline.Token());
        Assert.Equal(System.Net.HttpStatusCode.NotFound, export.StatusCode);
    }

    private static async Task<HttpResponseMessage> PostAsync(RunningTap tap, byte[] body, string encoding)
    {
        using var http = new HttpClient { DefaultRequestVersion = new Version(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{tap.Host.GrpcEndpoint}{ExportServiceNames.PathOf(Signal.Traces)}")) { Version = new Version(2, 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/grpc");
        request.Headers.Add("grpc-encoding", encoding);
        request.Headers.Add("te", "trailers");
        return await http.SendAsync(request, Deadline.Token());
    }

    private static string? Status(HttpResponseMessage response)
    {
        Assert.Equal(System.Net.HttpStatusCode.OK, response.StatusCode);
        return Trailer(response, "grpc-status");
    }

    private static string? Trailer(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out var values) || response.Headers.TryGetValues(name, out values) ? values.First() : null;

    private static byte[] Frame(byte[] message, bool compressed)
    {
        var frame = new byte[Payload.FrameHeaderLength + message.Length];
        frame[0] = compressed ? (byte)1 : (byte)0;
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, Payload.FrameHeaderLength);
        return frame;
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return buffer.ToArray();
    }
}
