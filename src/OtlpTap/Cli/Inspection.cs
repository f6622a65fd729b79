using System.Buffers;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Configuration;
using OtlpTap.Detectors;
using OtlpTap.Evaluations;
using OtlpTap.Feedback;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Runs;
using OtlpTap.Scan;
using OtlpTap.Verdicts;

namespace OtlpTap.Cli;

/// <summary>A dry run over captured payloads: the rules with the very scan that runs on the line, the detectors as they run behind it.</summary>
internal sealed class Inspection(CompiledRules rules, TapProcessorOptions processor)
{
    private readonly DetectorOptions _detectors = processor.Detectors;
    private readonly RequestScanner _scanner = new(rules);
    private readonly ScanResult _scan = new();
    private readonly HashSet<(TraceId, SpanId)> _seen = [];
    private readonly Dictionary<TraceId, List<Verdict>> _byRules = [];
    private readonly ArrayBufferWriter<byte> _spans = new();
    private readonly ArrayBufferWriter<byte> _logs = new();

    /// <summary>Spans inspected so far, one that came twice (a client's retry) once for each time.</summary>
    public int SpanCount { get; private set; }

    /// <summary>
    /// The verdicts on one payload, in its order. All payloads given to one inspection are one stream: a span that
    /// comes again is not judged again. False with a <paramref name="problem"/> when the bytes are malformed.
    /// </summary>
    public bool TryInspect(CapturedPayload payload, out List<InspectVerdict> verdicts, out string problem)
    {
        verdicts = [];
        if (!_scanner.TryScan(payload.Signal, payload.Request, _scan, out var error))
        {
            problem = $"{payload.File}: byte {error.Offset}: {FieldPath.Describe(payload.Signal, payload.Request, error)}";
            return false;
        }

        problem = "";
        (payload.Signal == Signal.Logs ? _logs : _spans).Write(payload.Request); // serialized requests concatenate
        SpanCount += payload.Signal == Signal.Traces ? _scan.ItemCount : 0;
        foreach (ref readonly var match in _scan.Matches)
        {
            // Several log records speak of one span, or of none.
            if (payload.Signal == Signal.Logs || _seen.Add((match.TraceId, match.SpanId)))
            {
                Judge(payload, in match, verdicts);
            }
        }

        return true;
    }

    /// <summary>
    /// What is said of the payloads inspected so far as a whole, as if everything had come: by detectors, by evaluations
    /// of spans elsewhere, and by the way in which users went on. What is known of a span is not said again.
    /// </summary>
    public IEnumerable<InspectVerdict> JudgeAll()
    {
        var known = _byRules.SelectMany(trace => trace.Value.Select(verdict => (trace.Key, verdict.SpanId, verdict.Failure))).ToHashSet();
        var runs = _detectors.IsEnabled ? AgentRunReader.Read(_spans.WrittenSpan, _logs.WrittenSpan, RunLimits.Default) : [];
        var verdicts = new VerdictList();
        var evaluations = EvaluationPass.Read(_spans.WrittenMemory, _logs.WrittenMemory, processor.Evaluations).ToLookup(found => found.TraceId, found => found.Verdict);
        foreach (var evaluation in evaluations)
        {
            verdicts.AddRange(evaluation.Key, evaluation);
        }

        var sessions = new SessionTracker(processor.Feedback.Implicit, TimeProvider.System);
        foreach (var (run, found) in JudgeRuns(runs, evaluations))
        {
            verdicts.AddRange(run.TraceId, found);
            sessions.Observe(run, hasFailed: found.Any(verdict => !FailureKind.IsMark(verdict.Failure)), verdicts);
        }

        foreach (var (traceId, verdict) in verdicts.All)
        {
            if (verdict.Source != VerdictSource.Rule && known.Add((traceId, verdict.SpanId, verdict.Failure)))
            {
                var name = runs.FirstOrDefault(run => run.TraceId == traceId)?.Find(verdict.SpanId)?.Name ?? "";
                SpanId? span = verdict.SpanId.IsZero ? null : verdict.SpanId;
                yield return new InspectVerdict(traceId, span, name, verdict.Failure, [verdict.Rule], EvidenceOf(verdict), verdict.Source);
            }
        }
    }

    /// <summary>What rules, evaluations and detectors say of each run, in the order in which the runs began.</summary>
    private IEnumerable<(AgentRun Run, IReadOnlyList<Verdict> Verdicts)> JudgeRuns(IReadOnlyList<AgentRun> runs, ILookup<TraceId, Verdict> evaluations)
    {
        // Nobody sends more: whatever is missing will not come. A command has time.
        var options = _detectors with { TraceTimeMax = TimeSpan.FromMinutes(1) };
        var metrics = new DetectorMetrics(Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry()));
        var judge = new TraceJudge(options, DetectorSet.All(options, TimeProvider.System, TimeSpan.Zero), CauseAnalysis.Find, metrics, TimeProvider.System, NullLogger<TraceJudge>.Instance);
        foreach (var run in runs.OrderBy(static run => run.Steps.Count == 0 ? 0 : run.Steps[0].StartUnixNano))
        {
            yield return (run, judge.Judge(run, [.. _byRules.GetValueOrDefault(run.TraceId) ?? [], .. evaluations[run.TraceId]]));
        }
    }

    private static string EvidenceOf(in Verdict verdict)
    {
        var evidence = verdict.Evidence.Where(static text => text.Length > 0).Select(SpanReport.Short);
        return string.Join(" ", ((IEnumerable<string>)[verdict.Explanation ?? "", string.Join(", ", evidence)]).Where(static text => text.Length > 0));
    }

    /// <summary>One verdict for each kind of failure, with all rules that say so.</summary>
    private void Judge(CapturedPayload payload, in SpanMatch match, List<InspectVerdict> verdicts)
    {
        using var span = SpanReport.Of(payload.Request.AsSpan(match.SpanOffset, match.SpanLength));
        var matched = new List<Rule>();
        foreach (var index in _scan.RulesOf(in match))
        {
            matched.Add(rules[index]);
            if (!_byRules.TryGetValue(match.TraceId, out var known))
            {
                _byRules[match.TraceId] = known = [];
            }

            known.Add(new Verdict(match.SpanId, rules[index].Failure, rules[index].Name, VerdictSource.Rule));
        }

        foreach (var kind in matched.GroupBy(rule => rule.Failure))
        {
            verdicts.Add(new InspectVerdict(
                match.TraceId, match.SpanId, span.Name, kind.Key, [.. kind.Select(rule => rule.Name)], span.Evidence(kind), "rule"));
        }
    }

    private sealed class VerdictList : IVerdictSink
    {
        public List<(TraceId TraceId, Verdict Verdict)> All { get; } = [];

        public void Judged(in TraceId traceId, in Verdict verdict) => All.Add((traceId, verdict));

        public void AddRange(TraceId traceId, IEnumerable<Verdict> verdicts) => All.AddRange(verdicts.Select(verdict => (traceId, verdict)));
    }
}
