using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Announce;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Runs;
using OtlpTap.Scan;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Scan;

/// <summary>What a tap in front says of other spans comes through untouched, whatever the rules say of it.</summary>
public sealed class TapsOwnTelemetryTests
{
    private static readonly Verdict Verdict = new(new SpanId(3), FailureKind.Hallucination, "grounding", VerdictSource.Detector) { Score = 1 };
    private static readonly CompiledRules Everything = CompiledRules.Compile(
        [new Rule("spans", "other", RuleContext.Span, "span.name != \"\""), new Rule("logs", "other", RuleContext.Log, "log.event_name != \"\"")],
        [])!;

    [Theory]
    [InlineData("Traces")]
    [InlineData("Logs")]
    public void No_rule_matches_it_and_it_does_not_count_as_tagged(string signalName)
    {
        var signal = Enum.Parse<Signal>(signalName);
        var telemetry = new VerdictTelemetry("1.0");
        var own = signal == Signal.Traces ? telemetry.Span(new TraceId(1, 2), Verdict, DateTimeOffset.UnixEpoch) : telemetry.Log(new TraceId(1, 2), Verdict, DateTimeOffset.UnixEpoch);
        var others = WithScope(signal, own, "otlptap.of.others");

        Assert.Equal(0, Matches(signal, own));
        Assert.Equal(1, Matches(signal, others));
    }

    [Fact]
    public void It_is_no_step_of_an_agents_run()
    {
        var own = new VerdictTelemetry("1.0").Span(new TraceId(1, 2), Verdict, DateTimeOffset.UnixEpoch);

        Assert.DoesNotContain(AgentRunReader.Read(own, [], new RunLimits()), run => run.Steps.Count > 0);
        Assert.Single(Assert.Single(AgentRunReader.Read(WithScope(Signal.Traces, own, "otlptap.of.others"), [], new RunLimits())).Steps);
    }

    private static byte[] WithScope(Signal signal, byte[] request, string name)
    {
        if (signal == Signal.Traces)
        {
            var traces = ExportTraceServiceRequest.Parser.ParseFrom(request);
            traces.ResourceSpans[0].ScopeSpans[0].Scope.Name = name;
            return traces.ToByteArray();
        }

        var logs = ExportLogsServiceRequest.Parser.ParseFrom(request);
        logs.ResourceLogs[0].ScopeLogs[0].Scope.Name = name;
        return logs.ToByteArray();
    }

    private static int Matches(Signal signal, byte[] request)
    {
        var result = new ScanResult();
        Assert.True(new RequestScanner(Everything).TryScan(signal, request, result, out _));
        return result.Matches.Length;
    }
}
