using System.Text.Json;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Detectors;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Scan;
using OtlpTap.Tests.Causes;
using OtlpTap.Verdicts;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Detectors;

/// <summary>
/// Causes and recoveries over whole captured traces, with the verdicts of the packs. What each span is comes from what is
/// known of the scenario, so that this does not depend on how runs are read.
/// </summary>
public sealed class CauseAnalysisFixtureTests
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures");

    public static TheoryData<string> Scenarios =>
        [.. Directory.EnumerateFiles(Fixtures, "*.traces.otlp.pb", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => Path.GetRelativePath(Fixtures, file)[..^".traces.otlp.pb".Length])];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void A_run_is_marked_as_recovered_where_it_is_labelled_so_and_its_tool_has_a_span_and_nowhere_else(string scenario)
    {
        var (runs, labels) = Read(scenario);
        var found = runs.SelectMany(run => CauseAnalysis.Find(run.Run, run.Verdicts)).ToList();

        var isShown = labels.Contains("recovered") && found.Any(verdict => verdict.Failure == "tool_error");
        Assert.Equal(isShown ? 1 : 0, found.Count(verdict => verdict.Failure == "recovered"));
        Assert.Equal(runs.Sum(run => run.Verdicts.Count), found.Count(verdict => verdict.Failure != "recovered"));
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void A_whole_run_has_one_cause_for_each_kind_it_is_labelled_with(string scenario)
    {
        var (runs, labels) = Read(scenario);
        foreach (var (run, verdicts) in runs)
        {
            foreach (var causes in CauseAnalysis.Find(run, verdicts).Where(verdict => verdict.Origin.IsZero && labels.Contains(verdict.Failure)).GroupBy(verdict => verdict.Failure))
            {
                Assert.Single(causes.Select(verdict => verdict.SpanId).Distinct());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void With_all_detectors_too_a_run_has_one_cause_for_each_kind_it_is_labelled_with(string scenario)
    {
        var (runs, labels) = Read(scenario);
        var logs = Path.Combine(Fixtures, scenario + ".logs.otlp.pb");
        foreach (var run in AgentRunReader.Read(File.ReadAllBytes(Path.Combine(Fixtures, scenario + ".traces.otlp.pb")), File.Exists(logs) ? File.ReadAllBytes(logs) : [], new RunLimits()))
        {
            var byRules = runs.Where(read => read.Run.TraceId == run.TraceId).SelectMany(read => read.Verdicts).ToList();
            var context = new DetectionContext(run, byRules, TimeProvider.System, TimeSpan.FromMinutes(1));
            foreach (var detector in DetectorSet.All(new DetectorOptions(), TimeProvider.System))
            {
                detector.Examine(run, context);
            }

            foreach (var causes in CauseAnalysis.Find(run, [.. byRules, .. context.Verdicts]).Where(verdict => verdict.Origin.IsZero && labels.Contains(verdict.Failure)).GroupBy(verdict => verdict.Failure))
            {
                Assert.True(causes.Select(verdict => verdict.SpanId).Distinct().Count() == 1, string.Join(", ", causes.Select(verdict => $"{run.Find(verdict.SpanId)?.Name} {verdict.SpanId} {verdict.Failure} {verdict.Rule}")));
            }
        }
    }

    private static (List<(AgentRun Run, List<Verdict> Verdicts)> Runs, HashSet<string> Labels) Read(string scenario)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Fixtures, scenario + ".expected.json")));
        var roles = json.RootElement.GetProperty("spans").EnumerateArray().DistinctBy(span => span.GetProperty("span_id").GetString()).ToDictionary(
            span => span.GetProperty("span_id").GetString()!, span => span.GetProperty("role").GetString() ?? "");
        var payload = File.ReadAllBytes(Path.Combine(Fixtures, scenario + ".traces.otlp.pb"));
        var scan = new ScanResult();
        Assert.True(new RequestScanner(Marked.Packs.Value).TryScan(Signal.Traces, payload, scan, out _));
        var verdicts = scan.Matches.ToArray().SelectMany(match => scan.RulesOf(in match).ToArray().Select(rule => (match.TraceId, Verdict: new Verdict(match.SpanId, Marked.Packs.Value[rule].Failure, Marked.Packs.Value[rule].Name, VerdictSource.Rule)))).ToList();
        var steps = ExportTraceServiceRequest.Parser.ParseFrom(payload).ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)
            .Select(span => StepOf(span, roles.GetValueOrDefault(Marked.Hex(span.SpanId), ""))).OrderBy(step => step.StartUnixNano);
        return (
            [.. steps.GroupBy(step => step.TraceId).Select(trace => (new AgentRun(trace.Key, [.. trace]), verdicts.Where(verdict => verdict.TraceId == trace.Key).Select(verdict => verdict.Verdict).ToList()))],
            [.. json.RootElement.GetProperty("trace_labels").EnumerateArray().Select(label => label.GetString()!)]);
    }

    private static RunStep StepOf(Span span, string role)
    {
        _ = TraceId.TryRead(span.TraceId.Span, out var trace);
        _ = SpanId.TryRead(span.SpanId.Span, out var id);
        _ = SpanId.TryRead(span.ParentSpanId.Span, out var parent);
        var kind = role switch { "llm" => StepKind.Llm, "tool" => StepKind.Tool, "agent" => StepKind.Agent, "step" or "orchestration" => StepKind.Step, _ => StepKind.Other };
        var reason = span.Attributes.FirstOrDefault(attribute => attribute.Key is "gen_ai.response.finish_reasons" or "llm.finish_reason")?.Value.ToString() ?? "";
        return new RunStep
        {
            TraceId = trace,
            SpanId = id,
            ParentId = parent,
            Name = span.Name,
            Kind = kind,
            StartUnixNano = span.StartTimeUnixNano,
            EndUnixNano = span.EndTimeUnixNano,
            Status = (StepStatus)(span.Status?.Code ?? 0),
            StatusMessage = span.Status?.Message ?? "",
            Tool = kind == StepKind.Tool ? span.Name : null,
            FinishReason = reason.Contains("tool", StringComparison.OrdinalIgnoreCase) ? "tool_call" : null,
        };
    }
}
