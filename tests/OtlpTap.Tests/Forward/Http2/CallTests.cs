using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Forward;
using OtlpTap.Forward.Http2;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Http2;

/// <summary>What a call carries to a real server, and what each way to answer becomes.</summary>
public sealed class CallTests
{
    [Theory]
    [InlineData(Signal.Traces, "/opentelemetry.proto.collector.trace.v1.TraceService/Export")]
    [InlineData(Signal.Logs, "/opentelemetry.proto.collector.logs.v1.LogsService/Export")]
    [InlineData(Signal.Metrics, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")]
    internal async Task Each_signal_goes_to_its_own_service(Signal signal, string path)
    {
        await using var stub = await StubUpstream.StartAsync();
        await using var transport = Transport(stub.Endpoint);

        await transport.CallAsync(signal, TestBodies.Body(10), RequestMetadata.Empty, Deadline.Token());

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

        await transport.CallAsync(Signal.Traces, TestBodies.Body(10), metadata, Deadline.Token());

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
        Assert.DoesNotContain("content-length", headers.Keys);
    }

    [Theory]
    [InlineData("  Bearer abc\t ", "Bearer abc")]
    [InlineData("two words", "two words")]
    [InlineData("a\tb", "a\tb")]
    [InlineData("a\rb", null)]
    [InlineData("a\0b", null)]
    [InlineData("a\u0001b", null)]
    [InlineData("a\u007fb", null)]
    public async Task A_header_that_a_strict_proxy_would_refuse_the_call_for_is_mended_or_left_out(string value, string? arrives)
    {
        await using var stub = await StubUpstream.StartAsync();
        await using var transport = Transport(stub.Endpoint);

        await transport.CallAsync(Signal.Traces, TestBodies.Body(10), new RequestMetadata([("authorization", value)]), Deadline.Token());

        Assert.Equal(arrives, Assert.Single(stub.Calls).Headers.GetValueOrDefault("authorization"));
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

        AssertRefused(await CallAsync(transport), status);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Each_status_comes_back_from_a_trailers_only_answer_too(StatusCode status)
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = (context, _) => StubUpstream.RefuseAsync(
            context, status, "50%25 of gr%C3%BC%C3%9Fe", ("grpc-status-details-bin", "CAMSA2Zvbw"), ("x-retry", "later"));
        await using var transport = Transport(stub.Endpoint);

        AssertRefused(await CallAsync(transport), status);
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

        Assert.Equal((UpstreamOutcome.ConnectionLost, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status));
        Assert.Contains(stub.Endpoint, answer.Reply.Message, StringComparison.Ordinal);
        stub.Answer = (context, _) => StubUpstream.SucceedAsync(context);
        Assert.Same(ExportReply.Accepted, (await CallAsync(transport)).Reply);
        Assert.Equal(1, stub.Connections);
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

        Assert.Equal((UpstreamOutcome.ConnectionLost, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status));
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_told_with_endpoint_and_cause()
    {
        var endpoint = $"127.0.0.1:{StubUpstream.UnusedPort()}";
        await using var transport = Transport(endpoint);

        var answer = await CallAsync(transport);

        Assert.Equal((UpstreamOutcome.ConnectFailed, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status));
        Assert.Equal($"upstream {endpoint}: cannot connect: Connection refused", answer.Reply.Message);
        Assert.False(answer.IsReachable);
    }

    private static Http2Transport Transport(string endpointText, Func<UpstreamOptions, UpstreamOptions>? with = null)
    {
        Assert.True(UpstreamEndpoint.TryParse(endpointText, insecure: true, out var endpoint, out var problem), problem);
        var options = new UpstreamOptions { Endpoint = endpoint };
        return new Http2Transport(with?.Invoke(options) ?? options, TimeProvider.System, NullLogger<Http2Transport>.Instance);
    }

    private static ValueTask<UpstreamAnswer> CallAsync(Http2Transport transport) =>
        transport.CallAsync(Signal.Traces, TestBodies.Body(100), RequestMetadata.Empty, Deadline.Token());

    private static void AssertRefused(UpstreamAnswer answer, StatusCode status)
    {
        Assert.Equal(UpstreamOutcome.Answered, answer.Outcome);
        Assert.Equal(status, answer.Reply.Status);
        Assert.Equal("50% of grüße", answer.Reply.Message);
        Assert.Equal([new("grpc-status-details-bin", "CAMSA2Zvbw"), new("x-retry", "later")], answer.Reply.Trailers.ToArray());
        Assert.True(answer.Reply.Body.IsEmpty);
    }
}
