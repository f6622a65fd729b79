using System.Diagnostics;
using System.Text.Json;
using Grpc.Core;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using OpenTelemetry.Trace;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>The product's promise, end to end: real sockets, a real SDK, a stub that sees every byte that leaves.</summary>
public sealed class TracesThroughTheTapTests
{
    private const string ToolRule = """
        packs: none
        rules:
          - name: tool_failed
            failure: tool_error
            condition: span.attributes["gen_ai.operation.name"] == "execute_tool" and span.status.code == STATUS_CODE_ERROR
        """;

    [Fact]
    public async Task A_healthy_batch_leaves_byte_identical()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "fixtures"), "success*.traces.otlp.pb", SearchOption.AllDirectories))
        {
            var message = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);

            Assert.Empty(await tap.ExportAsync(Signal.Traces, message));

            var call = upstream.Calls.Last();
            Assert.Equal(ExportServiceNames.PathOf(Signal.Traces), call.Path);
            Assert.Equal(message, call.Message);
        }
    }

    [Theory]
    [InlineData("Logs")]
    [InlineData("Metrics")]
    public async Task Healthy_logs_and_metrics_are_relayed_untouched(string name)
    {
        var signal = Enum.Parse<Signal>(name);
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        var message = signal == Signal.Logs
            ? await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "fixtures/dotnet-semantic-kernel/success.logs.otlp.pb"), TestContext.Current.CancellationToken)
            : [0x0a, 0x00, 0x0a, 0x04, 0x12, 0x02, 0x12, 0x00];

        Assert.Empty(await tap.ExportAsync(signal, message));

        var call = Assert.Single(upstream.Calls);
        Assert.Equal(ExportServiceNames.PathOf(signal), call.Path);
        Assert.Equal(message, call.Message);
    }

    [Fact]
    public async Task A_log_record_that_tells_a_failure_is_tagged_and_nothing_else_changes()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        var message = await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "fixtures/dotnet-meai/tool-throws.logs.otlp.pb"), TestContext.Current.CancellationToken);

        Assert.Empty(await tap.ExportAsync(Signal.Logs, message));

        var arrived = ExportLogsServiceRequest.Parser.ParseFrom(Assert.Single(upstream.Calls).Message);
        var records = arrived.ResourceLogs.SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords).ToList();
        var tagged = Assert.Single(records, record => record.Attributes.Any(attribute => attribute.Key == "otlptap.failure"));
        Assert.Equal("tool_error", tagged.Attributes.Single(attribute => attribute.Key == "otlptap.failure").Value.StringValue);
        foreach (var tag in tagged.Attributes.Where(attribute => attribute.Key.StartsWith("otlptap.", StringComparison.Ordinal)).ToList())
        {
            tagged.Attributes.Remove(tag);
        }

        Assert.Equal(ExportLogsServiceRequest.Parser.ParseFrom(message), arrived);
    }

    [Fact]
    public async Task A_failing_tool_of_a_real_sdk_is_tagged_upstream_and_its_whole_trace_becomes_a_case()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, ToolRule);
        using var source = new ActivitySource("OtlpTap.Tests.Agent." + Guid.NewGuid());
        string traceId;
        using (var provider = Sdk.CreateTracerProviderBuilder()
            .AddSource(source.Name)
            .AddOtlpExporter(otlp =>
            {
                otlp.Endpoint = new Uri($"http://{tap.Host.GrpcEndpoint}");
                otlp.Protocol = OtlpExportProtocol.Grpc;
            })
            .Build())
        {
            using var agent = source.StartActivity("invoke_agent shop")!;
            agent.SetTag("gen_ai.operation.name", "invoke_agent");
            traceId = agent.TraceId.ToHexString();
            using (var tool = source.StartActivity("execute_tool change_address")!)
            {
                tool.SetTag("gen_ai.operation.name", "execute_tool");
                tool.SetTag("gen_ai.tool.call.arguments", new string('x', 5000));
                tool.SetTag("error.type", "TimeoutException");
                tool.SetStatus(ActivityStatusCode.Error, "no answer");
            }
        }

        var spans = upstream.Calls.SelectMany(call => ExportTraceServiceRequest.Parser.ParseFrom(call.Message).ResourceSpans)
            .SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans).ToDictionary(span => span.Name);
        Assert.Equal("tool_error", Attribute(spans["execute_tool change_address"], "otlptap.failure"));
        Assert.DoesNotContain(spans["invoke_agent shop"].Attributes, attribute => attribute.Key.StartsWith("otlptap.", StringComparison.Ordinal));

        var file = Assert.Single(await tap.CaseFilesAsync("trace.json", 1));
        Assert.Contains(traceId, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        using var trace = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        var text = trace.RootElement.GetRawText();
        Assert.Contains("invoke_agent shop", text, StringComparison.Ordinal);
        Assert.Contains(new string('x', 5000), text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failing_trace_is_whole_though_its_spans_come_in_several_requests_in_any_order()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, ToolRule);
        var builder = new TraceBuilder();
        await tap.ExportAsync(Signal.Traces, One(builder, "before"));
        await tap.ExportAsync(Signal.Traces, One(builder, "execute_tool x", ("gen_ai.operation.name", "execute_tool")));
        await tap.ExportAsync(Signal.Traces, One(builder, "after"));

        await Deadline.UntilAsync(
            () => Directory.GetFiles(tap.Directory, "trace.json", SearchOption.AllDirectories).Any(file => Names(file).Order().SequenceEqual(["after", "before", "execute_tool x"])),
            "the case holds all three spans");
        await tap.ExportAsync(Signal.Traces, One(builder, "late"));
        await Deadline.UntilAsync(
            () => Directory.GetFiles(tap.Directory, "trace.json", SearchOption.AllDirectories).Any(file => Names(file).Contains("late")),
            "the late span is in the case");

        static byte[] One(TraceBuilder builder, string name, params (string, object?)[] attributes)
        {
            builder.Request.ResourceSpans.Clear();
            builder.Span(name, attributes);
            return (attributes.Length > 0 ? builder.Failed("broken") : builder).ToBytes();
        }

        static List<string> Names(string file)
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            return [.. document.RootElement.GetProperty("resourceSpans").EnumerateArray()
                .SelectMany(resource => resource.GetProperty("scopeSpans").EnumerateArray())
                .SelectMany(scope => scope.GetProperty("spans").EnumerateArray())
                .Select(span => span.GetProperty("name").GetString()!)];
        }
    }

    [Fact]
    public async Task Without_an_upstream_a_request_is_acknowledged_and_its_failing_trace_becomes_a_case()
    {
        await using var tap = await RunningTap.StartAsync(tap: ToolRule);

        Assert.Empty(await tap.ExportAsync(Signal.Traces, new TraceBuilder().Span("execute_tool x", ("gen_ai.operation.name", "execute_tool")).Failed("broken").ToBytes()));
        Assert.Empty(await tap.ExportAsync(Signal.Metrics, [0x0a, 0x00]));

        Assert.Single(await tap.CaseFilesAsync("trace.json", 1));
        Assert.Equal(1, await tap.MetricAsync("""otlptap_recorder_requests_total{outcome="recorded"}"""));
    }

    [Fact]
    public async Task A_span_that_another_tap_tagged_is_not_tagged_twice()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        var message = new TraceBuilder().Span("execute_tool x", ("gen_ai.operation.name", "execute_tool"), ("otlptap.failure", "tool_error")).Failed("broken").ToBytes();

        await tap.ExportAsync(Signal.Traces, message);

        var call = Assert.Single(upstream.Calls);
        Assert.Equal(message, call.Message);
        Assert.Equal(1, await tap.MetricAsync("otlptap_already_tagged_spans_total"));
    }

    private static string? Attribute(Span span, string key) => span.Attributes.FirstOrDefault(attribute => attribute.Key == key)?.Value.StringValue;
}
