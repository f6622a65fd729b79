using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Advice;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

public sealed class AdviceOfTheTapTests
{
    [Fact]
    public async Task A_tool_that_fails_on_the_line_is_advised_against_and_the_backend_is_told_until_the_tap_ends()
    {
        await using var backend = await StubUpstream.StartAsync();
        await using (var tap = await RunningTap.StartAsync(backend, tap: "advice: { interval: 100ms, holdout: 0.1, policies: [{ name: tool-failing, parameters: { fallback_tool: other } }] }"))
        {
            for (var trace = 0; trace < 6; trace++)
            {
                await tap.ExportAsync(Signal.Traces, FailedCall(trace));
            }

            await Deadline.UntilAsync(() => tap.Host.Advice.Current.Items.Count > 0, "the tool is advised against");
            var item = Assert.Single(tap.Host.Advice.Current.Items);
            Assert.Equal(("tool-failing", "reroute", "shop", "search"), (item.Policy, item.Advice, item.Scope.Service, item.Scope.Tool));
            Assert.Equal("other", item.Parameters["fallback_tool"]);
            Assert.Equal(0.1, tap.Host.Advice.Holdout);
            Assert.Equal(1, await tap.MetricAsync("otlptap_advice_active{policy=\"tool-failing\",advice=\"reroute\"}"));
            await Deadline.UntilAsync(() => Names(backend).Length == 2, "the backend is told");
            Assert.Equal([AdviceTelemetry.Raised, AdviceTelemetry.Raised], Names(backend));
        }

        Assert.Equal([AdviceTelemetry.Raised, AdviceTelemetry.Raised, AdviceTelemetry.Withdrawn, AdviceTelemetry.Withdrawn], Names(backend));
    }

    [Fact]
    public async Task A_reload_puts_other_policies_in_force()
    {
        await using var tap = await RunningTap.StartAsync(tap: "advice: { interval: 100ms, defaults: false }");
        for (var trace = 0; trace < 6; trace++)
        {
            await tap.ExportAsync(Signal.Traces, FailedCall(trace));
        }

        var result = await tap.ReloadAsync(text => text.Replace("defaults: false", "defaults: true, holdout: 0.5", StringComparison.Ordinal));

        Assert.DoesNotContain(result.Lines, line => line.Contains("advice", StringComparison.Ordinal));
        await Deadline.UntilAsync(() => tap.Host.Advice.Current.Items.Count == 1, "the shipped policy is in force");
        Assert.Equal(0.5, tap.Host.Advice.Holdout);
    }

    private static byte[] FailedCall(int trace) =>
        new TraceBuilder().Trace((byte)(trace + 1)).Resource("shop").Span("execute_tool search", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "search")).Failed("no connection").ToBytes();

    // Of the spans and log records about advice.
    private static string[] Names(StubUpstream backend) =>
    [
        .. Messages(backend, "TraceService").SelectMany(message => ExportTraceServiceRequest.Parser.ParseFrom(message).ResourceSpans).SelectMany(resource => resource.ScopeSpans)
            .SelectMany(scope => scope.Spans).Select(span => span.Name)
            .Concat(Messages(backend, "LogsService").SelectMany(message => ExportLogsServiceRequest.Parser.ParseFrom(message).ResourceLogs).SelectMany(resource => resource.ScopeLogs)
                .SelectMany(scope => scope.LogRecords).Select(record => record.EventName))
            .Where(name => name.StartsWith("otlptap.advice.", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<byte[]> Messages(StubUpstream backend, string service) =>
        backend.Calls.Where(call => call.Path.EndsWith($"{service}/Export", StringComparison.Ordinal)).Select(call => call.Message);
}
