using OtlpTap.Detectors;
using OtlpTap.Evaluations;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Runs;
using OtlpTap.Scan;
using OtlpTap.Verdicts;

namespace OtlpTap.Pull;

/// <summary>
/// What is wrong with a trace that came whole: by the scan's rules, by evaluations that it carries, by all detectors with
/// their search for causes; what <c>otlptap inspect</c> says of a file. One thread at a time.
/// </summary>
internal sealed class PulledJudge
{
    private readonly RequestScanner _scanner;
    private readonly ScanResult _scan = new();
    private readonly CompiledRules _rules;
    private readonly EvaluationOptions _evaluations;
    private readonly TraceJudge? _judge;

    public PulledJudge(CompiledRules rules, DetectorOptions detectors, EvaluationOptions evaluations, TimeProvider time, ILogger<TraceJudge> logger)
    {
        _rules = rules;
        _scanner = new RequestScanner(rules);
        _evaluations = evaluations;

        // Nobody sends more: whatever is missing will not come. The line's own counters are not touched.
        var metrics = new DetectorMetrics(Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry()));
        _judge = detectors.IsEnabled ? new TraceJudge(detectors, DetectorSet.All(detectors, time, TimeSpan.Zero), CauseAnalysis.Find, metrics, time, logger) : null;
    }

    /// <summary>The verdicts on one trace, marks among them. False with the reason when the bytes are malformed.</summary>
    public bool TryJudge(TraceId traceId, byte[] spans, byte[] logs, out IReadOnlyList<Verdict> verdicts, out string problem)
    {
        var found = new List<Verdict>();
        verdicts = found;
        if (!TryScan(traceId, Signal.Traces, spans, found, out problem) || !TryScan(traceId, Signal.Logs, logs, found, out problem))
        {
            return false;
        }

        var evaluations = EvaluationPass.Read(spans, logs, _evaluations).Where(evaluation => evaluation.TraceId == traceId).Select(evaluation => evaluation.Verdict);
        found.AddRange(evaluations);
        if (_judge is not null && AgentRunReader.Read(spans, logs, RunLimits.Default).FirstOrDefault(run => run.TraceId == traceId) is { } run)
        {
            verdicts = _judge.Judge(run, [.. found]);
        }

        return true;
    }

    private bool TryScan(TraceId traceId, Signal signal, byte[] request, List<Verdict> found, out string problem)
    {
        if (!_scanner.TryScan(signal, request, _scan, out var error))
        {
            problem = $"byte {error.Offset}: {FieldPath.Describe(signal, request, error)}";
            return false;
        }

        problem = "";
        foreach (ref readonly var match in _scan.Matches)
        {
            if (match.TraceId != traceId)
            {
                continue;
            }

            foreach (var index in _scan.RulesOf(in match))
            {
                if (_rules[index].Tee)
                {
                    found.Add(new Verdict(match.SpanId, _rules[index].Failure, _rules[index].Name, VerdictSource.Rule));
                }
            }
        }

        return true;
    }
}
