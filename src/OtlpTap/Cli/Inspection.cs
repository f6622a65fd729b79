using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;

namespace OtlpTap.Cli;

/// <summary>A dry run of the rules over captured payloads, with the very scan that runs on the line.</summary>
internal sealed class Inspection(CompiledRules rules)
{
    private readonly RequestScanner _scanner = new(rules);
    private readonly ScanResult _scan = new();
    private readonly HashSet<(TraceId, SpanId)> _seen = [];

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
        SpanCount += payload.Signal == Signal.Traces ? _scan.ItemCount : 0;
        foreach (ref readonly var match in _scan.Matches)
        {
            if (_seen.Add((match.TraceId, match.SpanId)))
            {
                Judge(payload, in match, verdicts);
            }
        }

        return true;
    }

    /// <summary>One verdict for each kind of failure, with all rules that say so.</summary>
    private void Judge(CapturedPayload payload, in SpanMatch match, List<InspectVerdict> verdicts)
    {
        using var span = SpanReport.Of(payload.Request.AsSpan(match.SpanOffset, match.SpanLength));
        var matched = new List<Rule>();
        foreach (var index in _scan.RulesOf(in match))
        {
            matched.Add(rules[index]);
        }

        foreach (var kind in matched.GroupBy(rule => rule.Failure))
        {
            verdicts.Add(new InspectVerdict(
                match.TraceId, match.SpanId, span.Name, kind.Key, [.. kind.Select(rule => rule.Name)], span.Evidence(kind), "rule"));
        }
    }
}
