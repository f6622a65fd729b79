using System.Runtime.CompilerServices;
using System.Text.Json;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Metrics.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>
/// The exporters of the OpenTelemetry JavaScript SDK, as agents use them. They come from npm:
/// <c>npm ci --prefix tests/clients/js</c>.
/// </summary>
public sealed class JavaScriptClientTests
{
    private const int Items = 20;

    private readonly ExternalProgram _node = ExternalProgram.Require("node", "nodejs");

    [Theory]
    [InlineData("grpc", "none")]
    [InlineData("grpc", "gzip")]
    [InlineData("http", "none")]
    [InlineData("http", "gzip")]
    [InlineData("proto", "none")]
    [InlineData("proto", "gzip")]
    public async Task Spans_arrive_whole_and_the_failing_one_is_tagged(string kind, string compression)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        var url = kind == "grpc" ? $"http://{tap.Host.GrpcEndpoint}" : $"http://{tap.Host.HttpEndpoint}/v1/traces";

        var result = await ExportAsync(kind, url, compression);

        Assert.Equal((0, null), (result.Code, result.Error));
        var spans = upstream.Calls.SelectMany(call => ExportTraceServiceRequest.Parser.ParseFrom(call.Message).ResourceSpans)
            .SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans).ToList();
        Assert.Equal(result.Ids, spans.Select(span => Convert.ToHexStringLower(span.SpanId.Span)));
        Assert.All(spans, span => Assert.Equal("žluťoučký 🐎", span.Attributes.Single(attribute => attribute.Key == "js.text").Value.StringValue));
        Assert.Equal("tool_error", Assert.Single(spans, span => span.Attributes.Any(attribute => attribute.Key == "otlptap.failure")).Attributes.Single(attribute => attribute.Key == "otlptap.failure").Value.StringValue);
    }

    [Fact]
    public async Task Log_records_arrive_over_JSON()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        var result = await ExportAsync("logs", $"http://{tap.Host.HttpEndpoint}/v1/logs", "gzip");

        Assert.Equal((0, null), (result.Code, result.Error));
        var records = ExportLogsServiceRequest.Parser.ParseFrom(Assert.Single(upstream.Calls).Message).ResourceLogs.SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords);
        Assert.Equal(Enumerable.Range(0, Items).Select(number => $"line {number}"), records.Select(record => record.Body.StringValue));
    }

    [Fact]
    public async Task Metrics_arrive_over_protobuf()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        var result = await ExportAsync("metrics", $"http://{tap.Host.HttpEndpoint}/v1/metrics", "none");

        Assert.Equal((0, null), (result.Code, result.Error));
        var metric = Assert.Single(ExportMetricsServiceRequest.Parser.ParseFrom(Assert.Single(upstream.Calls).Message).ResourceMetrics.SelectMany(resource => resource.ScopeMetrics).SelectMany(scope => scope.Metrics));
        Assert.Equal(("js.requests", Items), (metric.Name, metric.Sum.DataPoints.Count));
    }

    [Theory]
    [InlineData("grpc")]
    [InlineData("http")]
    [InlineData("proto")]
    public async Task An_upstreams_permanent_refusal_reaches_the_SDK(string kind)
    {
        await using var upstream = await StubUpstream.StartAsync();
        upstream.Answer = (context, _) => StubUpstream.RefuseAsync(context, Grpc.Core.StatusCode.InvalidArgument, "tenant is unknown");
        await using var tap = await RunningTap.StartAsync(upstream);
        var url = kind == "grpc" ? $"http://{tap.Host.GrpcEndpoint}" : $"http://{tap.Host.HttpEndpoint}/v1/traces";

        var result = await ExportAsync(kind, url, "none");

        Assert.Equal(1, result.Code);
        Assert.NotNull(result.Error);

        // It does not try again what cannot succeed.
        Assert.Single(upstream.Calls);
    }

    [Theory]
    [InlineData("grpc")]
    [InlineData("http")]
    [InlineData("proto")]
    public async Task Partial_success_is_a_success_to_the_SDK_which_sends_nothing_again(string kind)
    {
        await using var upstream = await StubUpstream.StartAsync();
        upstream.Answer = (context, _) => StubUpstream.ReplyAsync(context, Grpc.Core.StatusCode.OK, body: new OtlpTap.Otlp.PartialSuccess(3, "too old").ToResponse());
        await using var tap = await RunningTap.StartAsync(upstream);
        var url = kind == "grpc" ? $"http://{tap.Host.GrpcEndpoint}" : $"http://{tap.Host.HttpEndpoint}/v1/traces";

        var result = await ExportAsync(kind, url, "none");

        Assert.Equal((0, null), (result.Code, result.Error));
        Assert.Single(upstream.Calls);
    }

    private async Task<(int Code, string? Error, IReadOnlyList<string> Ids)> ExportAsync(string kind, string url, string compression)
    {
        ExternalProgram.RequireDirectory(Path.Combine(Client(), "node_modules"), "npm ci --prefix tests/clients/js");
        var run = await _node.RunAsync([Path.Combine(Client(), "export.mjs"), kind, url, compression, $"{Items}"], input: null, Deadline.Token());
        Assert.True(run.ExitCode == 0, run.Error);
        using var result = JsonDocument.Parse(run.Output);
        return (
            result.RootElement.GetProperty("code").GetInt32(),
            result.RootElement.GetProperty("error").GetString(),
            [.. result.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetString()!)]);
    }

    private static string Client([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "../../clients/js"));
}
