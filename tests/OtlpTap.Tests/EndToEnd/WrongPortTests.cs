using System.Net;
using System.Net.Http.Headers;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>OTLP has two ports and SDKs have a variable for each of protocol and endpoint: what who mixes them up is told.</summary>
public sealed class WrongPortTests
{
    private static readonly string TracesPath = ExportServiceNames.PathOf(Signal.Traces);

    [Fact]
    public async Task Grpc_at_the_http_port_gets_a_grpc_status_that_names_the_right_one()
    {
        await using var tap = await RunningTap.StartAsync();

        using var answer = await PostAsync(tap.Host.HttpEndpoint, TracesPath, HttpVersion.Version20, "application/grpc+proto");

        Assert.Equal((HttpStatusCode.OK, "application/grpc"), (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType));
        Assert.Equal("12", Assert.Single(answer.Headers.GetValues("grpc-status")));
        Assert.Equal($"this is the OTLP/HTTP port: OTLP/gRPC is on {tap.Host.GrpcEndpoint}", Uri.UnescapeDataString(Assert.Single(answer.Headers.GetValues("grpc-message"))));
        Assert.Equal(1, await tap.MetricAsync("otlptap_refused_requests_total{signal=\"traces\",reason=\"unsupported\"}"));
    }

    [Theory]
    [InlineData("application/grpc")]
    [InlineData("application/json")]
    public async Task The_path_of_grpc_at_the_http_port_is_answered_with_the_right_port_over_HTTP_1_too(string contentType)
    {
        await using var tap = await RunningTap.StartAsync();

        using var answer = await PostAsync(tap.Host.HttpEndpoint, TracesPath, HttpVersion.Version11, contentType);

        Assert.Equal(
            (HttpStatusCode.NotFound, $$"""{"code":12,"message":"this is the OTLP/HTTP port: OTLP/gRPC is on {{tap.Host.GrpcEndpoint}}"}"""),
            (answer.StatusCode, await answer.Content.ReadAsStringAsync(Deadline.Token())));
    }

    [Fact]
    public async Task Http_at_the_grpc_port_is_told_the_right_one_and_counted()
    {
        await using var tap = await RunningTap.StartAsync();

        using var answer = await PostAsync(tap.Host.GrpcEndpoint, "/v1/traces", HttpVersion.Version11, "application/x-protobuf");

        Assert.Equal(
            (HttpStatusCode.BadRequest, $"this is the OTLP/gRPC port, which takes no HTTP/1.1: OTLP/HTTP is on {tap.Host.HttpEndpoint}\n"),
            (answer.StatusCode, await answer.Content.ReadAsStringAsync(Deadline.Token())));
        Assert.Equal(1, await tap.MetricAsync("otlptap_wrong_protocol_connections_total{listener=\"otlp grpc\"}"));
    }

    [Fact]
    public async Task A_receiver_without_the_other_protocol_says_so()
    {
        await using var tap = await RunningTap.ConfiguredAsync(directory =>
            $$"""
            receivers: { otlp/a: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } }, otlp/b: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { corpus: { directory: '{{directory}}' } } }
            service: { admin: { endpoint: "127.0.0.1:0" }, pipelines: { traces: { receivers: [otlp/a, otlp/b], processors: [tap] } } }
            """);

        using var http = await PostAsync(tap.Host.GrpcEndpoint, "/v1/traces", HttpVersion.Version11, "application/x-protobuf");
        using var grpc = await PostAsync(tap.Host.HttpEndpoint, TracesPath, HttpVersion.Version11, "application/grpc");
        using var logs = await PostAsync(tap.Host.HttpEndpoint, "/v1/logs", HttpVersion.Version11, "application/json");

        Assert.Contains("this receiver has no OTLP/HTTP", await http.Content.ReadAsStringAsync(Deadline.Token()), StringComparison.Ordinal);
        Assert.Contains("this receiver has no OTLP/gRPC", await grpc.Content.ReadAsStringAsync(Deadline.Token()), StringComparison.Ordinal);
        Assert.Contains("logs have no pipeline with this receiver in this configuration", await logs.Content.ReadAsStringAsync(Deadline.Token()), StringComparison.Ordinal);
    }

    private static async Task<HttpResponseMessage> PostAsync(IPEndPoint port, string path, Version version, string contentType)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{port}{path}")) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent([0, 0, 0, 0, 0]) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        return await client.SendAsync(request, Deadline.Token());
    }
}
