using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>What the rules say of the spans and log records of one request, as verdicts. For one thread at a time.</summary>
internal sealed class RuleMatches
{
    private const int VerdictsMax = 4096;

    private readonly ScanResult _result = new();
    private RequestScanner _scanner = new(CompiledRules.None);
    private CompiledRules _rules = CompiledRules.None;

    public void AddTo(List<Verdict> verdicts, CompiledRules rules, Signal signal, ReadOnlySpan<byte> request)
    {
        if (_rules != rules)
        {
            (_rules, _scanner) = (rules, new RequestScanner(rules));
        }

        if (!_scanner.TryScan(signal, request, _result, out _))
        {
            return; // assembled from requests that were scanned: what is malformed in them was left out
        }

        foreach (ref readonly var match in _result.Matches)
        {
            foreach (var index in _result.RulesOf(match))
            {
                if (verdicts.Count < VerdictsMax)
                {
                    verdicts.Add(new Verdict(match.SpanId, rules[index].Failure, rules[index].Name, VerdictSource.Rule));
                }
            }
        }
    }
}
