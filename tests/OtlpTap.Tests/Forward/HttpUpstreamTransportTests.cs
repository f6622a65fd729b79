using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward;

public sealed class HttpUpstreamTransportTests
{
    private static readonly PayloadPool Pool = new();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16_379)]
    [InlineData(16_384)]
    [InlineData(70_000)]
    [InlineData(3_000_000)]
    public async Task The_bytes_arrive_as_they_were_given(int length)
    {
        await using var stub = await StubUpstream.StartAsync();
        await using var transport = Transport(stub.Endpoint);
        var payload = Random(length);

        var answer = await CallAsync(transport, new UpstreamBody(payload));

        Assert.Same(ExportReply.Accepted, answer.Reply);
        Assert.Equal(payload.Frame.ToArray(), Assert.Single(stub.Calls).Body);
    }

    [Theory]
    [InlineData(2, 10)]
    [InlineData(100, 500)]
    [InlineData(64, 16_384)]
    [InlineData(3, 16_379)]
    [InlineData(3, 0)]
    public async Task Joined_payloads_arrive_as_one_message_in_their_order(int count, int length)
    {
        await using var stub = await StubUpstream.StartAsync();
        await using var transport = Transport(stub.Endpoint);
        Payload[] payloads = [.. Enumerable.Range(0, count).Select(_ => Random(length))];

        await CallAsync(transport, new UpstreamBody(payloads));

        byte[] message = [.. payloads.SelectMany(payload => payload.Message.ToArray())];
        Assert.Equal(StubUpstream.Frame(message), Assert.Single(stub.Calls).Body);
    }

    [Theory]
    [InlineData(Signal.Traces, "/opentelemetry.proto.collector.trace.v1.TraceService/Export")]
    [InlineData(Signal.Logs, "/opentelemetry.proto.collector.logs.v1.LogsService/Export")]
    [InlineData(Signal.Metrics, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")]
    internal async Task Each_signal_goes_to_its_own_service(Signal signal, string path)
    {
        await using var stub = await StubUpstream.StartAsync();
        await using var transport = Transport(stub.Endpoint);

        await transport.CallAsync(signal, new UpstreamBody(Random(10)), RequestMetadata.Empty, Deadline.Token());

        Assert.Equal(path, Assert.Single(stub.Calls).Path);
    }

    [Fact]
    public async Task The_call_carries_what_gRPC_asks_for_and_the_configured_headers_and_the_agents_own()
    {
        await using var stub = await StubUpstream.StartAsync();
        await using var transport = Transport(stub.Endpoint, options => options with
        {
            Timeout = TimeSpan.FromSeconds(2.5),
            Headers = [("x-scope-orgid", "pinned"), ("x-extra", "grüße")],
        });
        var metadata = new RequestMetadata([("authorization", "Bearer abc"), ("x-scope-orgid", "another")]);

        await transport.CallAsync(Signal.Traces, new UpstreamBody(Random(10)), metadata, Deadline.Token());

        var headers = Assert.Single(stub.Calls).Headers;
        Assert.Equal("application/grpc", headers["content-type"]);
        Assert.Equal("trailers", headers["te"]);
        Assert.Equal("2500m", headers["grpc-timeout"]);
        Assert.StartsWith("OtlpTap/", headers["user-agent"], StringComparison.Ordinal);
        Assert.Equal("Bearer abc", headers["authorization"]);
        Assert.Equal("pinned", headers["x-scope-orgid"]);
        Assert.Equal("grüße", headers["x-extra"]);
        Assert.DoesNotContain("traceparent", headers.Keys);
        Assert.DoesNotContain("grpc-accept-encoding", headers.Keys);
    }

    public static TheoryData<StatusCode> Refusals() => [.. Enum.GetValues<StatusCode>().Where(status => status != StatusCode.OK)];

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Each_status_comes_back_with_its_message_and_details(StatusCode status)
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = (context, _) => StubUpstream.ReplyAsync(
            context, status, "50%25 of gr%C3%BC%C3%9Fe", trailers: [("grpc-status-details-bin", "CAMSA2Zvbw"), ("x-retry", "later")]);
        await using var transport = Transport(stub.Endpoint);

        var answer = await CallAsync(transport);

        AssertRefused(answer, status);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Each_status_comes_back_from_a_trailers_only_answer_too(StatusCode status)
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = (context, _) => StubUpstream.RefuseAsync(
            context, status, "50%25 of gr%C3%BC%C3%9Fe", ("grpc-status-details-bin", "CAMSA2Zvbw"), ("x-retry", "later"));
        await using var transport = Transport(stub.Endpoint);

        var answer = await CallAsync(transport);

        AssertRefused(answer, status);
    }

    [Fact]
    public async Task A_partial_success_comes_back_byte_for_byte()
    {
        byte[] body = [0x0A, 0x06, 0x08, 0x02, 0x12, 0x02, (byte)'n', (byte)'o'];
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: body);
        await using var transport = Transport(stub.Endpoint);

        var answer = await CallAsync(transport);

        Assert.Equal(StatusCode.OK, answer.Reply.Status);
        Assert.Equal(body, answer.Reply.Body.ToArray());
    }

    [Fact]
    public async Task A_long_response_message_is_read_whole()
    {
        var body = RandomNumberGenerator.GetBytes(200_000);
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: body);
        await using var transport = Transport(stub.Endpoint);

        var answer = await CallAsync(transport);

        Assert.Equal(body, answer.Reply.Body.ToArray());
    }

    [Theory]
    [InlineData(200, StatusCode.Unknown)]
    [InlineData(400, StatusCode.Internal)]
    [InlineData(401, StatusCode.Unauthenticated)]
    [InlineData(403, StatusCode.PermissionDenied)]
    [InlineData(404, StatusCode.Unimplemented)]
    [InlineData(413, StatusCode.Unknown)]
    [InlineData(429, StatusCode.Unavailable)]
    [InlineData(500, StatusCode.Unknown)]
    [InlineData(502, StatusCode.Unavailable)]
    [InlineData(503, StatusCode.Unavailable)]
    [InlineData(504, StatusCode.Unavailable)]
    public async Task An_answer_that_is_not_gRPC_is_mapped_as_gRPC_says(int httpStatus, StatusCode expected)
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = async (context, _) =>
        {
            context.Response.StatusCode = httpStatus;
            context.Response.ContentType = "text/html";
            await context.Response.WriteAsync("<html>no</html>");
        };
        await using var transport = Transport(stub.Endpoint);

        var answer = await CallAsync(transport);

        Assert.Equal(UpstreamOutcome.NotGrpc, answer.Outcome);
        Assert.Equal(expected, answer.Reply.Status);
        Assert.Contains($"HTTP {httpStatus}", answer.Reply.Message, StringComparison.Ordinal);
        Assert.Contains(stub.Endpoint, answer.Reply.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gRPC_answer_that_ends_without_a_status_is_UNKNOWN()
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = async (context, _) =>
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(StubUpstream.Frame([]));
        };
        await using var transport = Transport(stub.Endpoint);

        AssertMalformed(await CallAsync(transport), StatusCode.Unknown);
    }

    [Fact]
    public async Task A_compressed_answer_is_INTERNAL_because_none_was_asked_for()
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: [1, 2, 3], flag: 1);
        await using var transport = Transport(stub.Endpoint);

        AssertMalformed(await CallAsync(transport), StatusCode.Internal);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 1 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 1, 7, 7 })]
    public async Task An_answer_that_is_not_exactly_one_message_is_INTERNAL(byte[] body)
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = async (context, _) =>
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(body);
            context.Response.AppendTrailer("grpc-status", "0");
        };
        await using var transport = Transport(stub.Endpoint);

        AssertMalformed(await CallAsync(transport), StatusCode.Internal);
    }

    [Fact]
    public async Task A_response_beyond_the_limit_is_RESOURCE_EXHAUSTED_and_not_read()
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: new byte[1001]);
        await using var transport = Transport(stub.Endpoint, options => options with { ResponseBytesMax = 1000 });

        AssertMalformed(await CallAsync(transport), StatusCode.ResourceExhausted);
    }

    [Fact]
    public async Task A_stream_that_is_reset_is_UNAVAILABLE_and_the_connection_goes_on()
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = (context, _) =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        await using var transport = Transport(stub.Endpoint);

        var answer = await CallAsync(transport);

        Assert.Equal(UpstreamOutcome.ConnectionLost, answer.Outcome);
        Assert.Equal(StatusCode.Unavailable, answer.Reply.Status);
        Assert.Contains(stub.Endpoint, answer.Reply.Message, StringComparison.Ordinal);

        stub.Answer = (context, _) => StubUpstream.SucceedAsync(context);
        Assert.Same(ExportReply.Accepted, (await CallAsync(transport)).Reply);
    }

    [Fact]
    public async Task A_stream_that_is_reset_amid_the_answer_is_UNAVAILABLE()
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = async (context, _) =>
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 100, 1 });
            await context.Response.Body.FlushAsync();
            context.Abort();
        };
        await using var transport = Transport(stub.Endpoint);

        var answer = await CallAsync(transport);

        Assert.Equal(UpstreamOutcome.ConnectionLost, answer.Outcome);
        Assert.Equal(StatusCode.Unavailable, answer.Reply.Status);
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_told_with_endpoint_and_cause()
    {
        var endpoint = $"127.0.0.1:{UnusedPort()}";
        await using var transport = Transport(endpoint);

        var answer = await CallAsync(transport);

        Assert.Equal(UpstreamOutcome.ConnectFailed, answer.Outcome);
        Assert.Equal(StatusCode.Unavailable, answer.Reply.Status);
        Assert.Equal($"upstream {endpoint}: cannot connect: Connection refused", answer.Reply.Message);
        Assert.False(answer.IsReachable);
    }

    [Fact]
    public async Task An_answer_that_comes_before_the_body_was_sent_leaves_nobody_reading_the_payload()
    {
        // The listener takes the request's headers and 64 KiB of body, the initial window, and answers without reading on.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var transport = Transport($"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        var payload = Random(1_000_000);

        var calling = CallAsync(transport, new UpstreamBody(payload)).AsTask();
        using var server = await listener.AcceptTcpClientAsync(Deadline.Token());
        var stream = server.GetStream();
        await stream.WriteAsync(HandmadeFrames.Settings, Deadline.Token());
        await HandmadeFrames.ReadUntilAsync(stream, HandmadeFrames.DataFrame);
        await stream.WriteAsync(HandmadeFrames.TrailersOnly(stream: 1, grpcStatus: 8), Deadline.Token());

        var answer = await calling.InTime();
        payload.Writable.Clear();

        Assert.Equal(StatusCode.ResourceExhausted, answer.Reply.Status);
        await stream.WriteAsync(HandmadeFrames.WindowUpdate(stream: 0, 1 << 20), Deadline.Token());
        Assert.Equal(HandmadeFrames.ResetFrame, await HandmadeFrames.ReadUntilAsync(stream, HandmadeFrames.ResetFrame));
    }

    [Fact]
    public async Task A_call_that_the_upstream_gave_no_window_for_can_be_cancelled_and_leaves_nobody_reading_the_payload()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var transport = Transport($"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        var payload = Random(1_000_000);
        using var cancellation = new CancellationTokenSource();

        var calling = transport.CallAsync(Signal.Traces, new UpstreamBody(payload), RequestMetadata.Empty, cancellation.Token).AsTask();
        using var server = await listener.AcceptTcpClientAsync(Deadline.Token());
        var stream = server.GetStream();
        await stream.WriteAsync(HandmadeFrames.Settings, Deadline.Token());
        await HandmadeFrames.ReadUntilAsync(stream, HandmadeFrames.DataFrame);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => calling.InTime());
        payload.Writable.Clear();
        Assert.Equal(HandmadeFrames.ResetFrame, await HandmadeFrames.ReadUntilAsync(stream, HandmadeFrames.ResetFrame));
    }

    [Fact]
    public async Task A_call_that_a_leaving_upstream_did_not_take_goes_over_a_new_connection()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var transport = Transport($"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

        var calling = CallAsync(transport).AsTask();
        using (var leaving = await listener.AcceptTcpClientAsync(Deadline.Token()))
        {
            await leaving.GetStream().WriteAsync(HandmadeFrames.Settings, Deadline.Token());
            await HandmadeFrames.ReadUntilAsync(leaving.GetStream(), HandmadeFrames.DataFrame);
            await leaving.GetStream().WriteAsync(HandmadeFrames.GoAway(lastStream: 0), Deadline.Token());
            using var staying = await listener.AcceptTcpClientAsync(Deadline.Token());
            await staying.GetStream().WriteAsync(HandmadeFrames.Settings, Deadline.Token());
            await HandmadeFrames.ReadUntilAsync(staying.GetStream(), HandmadeFrames.DataFrame);
            await staying.GetStream().WriteAsync(HandmadeFrames.TrailersOnly(stream: 1, grpcStatus: 0), Deadline.Token());

            Assert.Same(ExportReply.Accepted, (await calling.InTime()).Reply);
        }
    }

    [Fact]
    public async Task A_cancelled_call_ends_with_its_own_cancellation()
    {
        await using var stub = await StubUpstream.StartAsync();
        var arrived = new TaskCompletionSource();
        var aborted = new TaskCompletionSource();
        stub.Answer = async (context, _) =>
        {
            context.RequestAborted.Register(() => aborted.TrySetResult());
            arrived.SetResult();
            await aborted.Task;
        };
        await using var transport = Transport(stub.Endpoint);
        using var cancellation = new CancellationTokenSource();

        var calling = transport.CallAsync(Signal.Traces, new UpstreamBody(Random(10)), RequestMetadata.Empty, cancellation.Token).AsTask();
        await arrived.Task.InTime();
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => calling.InTime());
        await aborted.Task.InTime();
    }

    [Fact]
    public async Task More_calls_than_a_connection_has_streams_go_over_more_connections()
    {
        await using var stub = await StubUpstream.StartAsync(streamsMax: 2);
        var all = new TaskCompletionSource();
        stub.Answer = async (context, _) =>
        {
            if (stub.Calls.Count == 7)
            {
                all.SetResult();
            }

            await all.Task;
            await StubUpstream.SucceedAsync(context);
        };
        await using var transport = Transport(stub.Endpoint);

        var calls = Enumerable.Range(0, 7).Select(_ => CallAsync(transport).AsTask()).ToArray();

        Assert.All(await Task.WhenAll(calls).InTime(), answer => Assert.Same(ExportReply.Accepted, answer.Reply));
    }

    [Fact]
    public async Task A_probe_asks_the_health_service_and_takes_any_gRPC_answer_for_life()
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = (context, _) => StubUpstream.RefuseAsync(context, StatusCode.Unimplemented, "no such service");
        await using var transport = Transport(stub.Endpoint);

        var answer = await transport.ProbeAsync(Deadline.Token());

        Assert.True(answer.IsReachable);
        var call = Assert.Single(stub.Calls);
        Assert.Equal("/grpc.health.v1.Health/Check", call.Path);
        Assert.Equal([0, 0, 0, 0, 0], call.Body);
    }

    [Fact]
    public async Task TLS_trusts_the_configured_authority_and_nobody_else()
    {
        using var certificate = SelfSigned();
        await using var stub = await StubUpstream.StartAsync(certificate: certificate);
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, certificate.ExportCertificatePem(), Deadline.Token());
            await using var trusting = Transport($"https://localhost:{stub.Port}", options => options with { CaFile = file });
            await using var strict = Transport($"https://localhost:{stub.Port}");
            await using var careless = Transport($"https://localhost:{stub.Port}", options => options with { InsecureSkipVerify = true });

            Assert.Same(ExportReply.Accepted, (await CallAsync(trusting)).Reply);
            Assert.Equal(UpstreamOutcome.ConnectFailed, (await CallAsync(strict)).Outcome);
            Assert.Same(ExportReply.Accepted, (await CallAsync(careless)).Reply);
        }
        finally
        {
            File.Delete(file);
        }
    }

    internal static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static HttpUpstreamTransport Transport(string endpointText, Func<UpstreamOptions, UpstreamOptions>? with = null)
    {
        Assert.True(UpstreamEndpoint.TryParse(endpointText, insecure: true, out var endpoint, out var problem), problem);
        var options = new UpstreamOptions { Endpoint = endpoint };
        return new HttpUpstreamTransport(with?.Invoke(options) ?? options);
    }

    private static ValueTask<UpstreamAnswer> CallAsync(HttpUpstreamTransport transport, UpstreamBody? body = null) =>
        transport.CallAsync(Signal.Traces, body ?? new UpstreamBody(Random(100)), RequestMetadata.Empty, Deadline.Token());

    private static Payload Random(int length)
    {
        var payload = Pool.Rent(length);
        RandomNumberGenerator.Fill(payload.Writable);
        return payload;
    }

    private static void AssertRefused(UpstreamAnswer answer, StatusCode status)
    {
        Assert.Equal(UpstreamOutcome.Answered, answer.Outcome);
        Assert.Equal(status, answer.Reply.Status);
        Assert.Equal("50% of grüße", answer.Reply.Message);
        Assert.Equal([new("grpc-status-details-bin", "CAMSA2Zvbw"), new("x-retry", "later")], answer.Reply.Trailers.ToArray());
        Assert.True(answer.Reply.Body.IsEmpty);
    }

    private static void AssertMalformed(UpstreamAnswer answer, StatusCode status)
    {
        Assert.Equal(UpstreamOutcome.Malformed, answer.Outcome);
        Assert.Equal(status, answer.Reply.Status);
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2126, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
