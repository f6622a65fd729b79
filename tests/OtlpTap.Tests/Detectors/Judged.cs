using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Detectors;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Detectors;

/// <summary>What all detectors say of a run, as text: <c>kind@span</c>. A machine that stalls takes none of the time that they have for a run.</summary>
internal static class Judged
{
    public static IReadOnlyList<Verdict> Verdicts(AgentRun run, params Verdict[] byRules)
    {
        var factory = Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry());
        var options = new DetectorOptions();
        var judge = new TraceJudge(options, DetectorSet.All(options, TimeProvider.System, parentWait: TimeSpan.FromDays(100_000)), causes: null, new DetectorMetrics(factory), new ProcessorClock(), NullLogger<TraceJudge>.Instance);
        return [.. judge.Judge(run, byRules).Where(verdict => verdict.Source == VerdictSource.Detector)];
    }

    public static string[] Of(RunBuilder run, params Verdict[] byRules) => [.. Verdicts(run.Build(), byRules).Select(verdict => $"{verdict.Failure}@{verdict.SpanId.Value}")];

    public static Verdict Rule(ulong span, string failure) => new(new SpanId(span), failure, "a_rule", VerdictSource.Rule);
}
