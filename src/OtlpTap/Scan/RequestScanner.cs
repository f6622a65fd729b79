using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Wire;

namespace OtlpTap.Scan;

/// <summary>
/// One pass over a serialized export request: counts its items, collects its trace ids and evaluates the rules on each
/// span or log record. Allocates nothing once the result's arrays have grown to the size of the traffic.
/// <para>
/// Whether a request is refused depends on its bytes alone, never on the rules in force. Walked, and so required to be
/// well-formed, are for traces: request, resource, scope, spans, status, and key and value of the attributes of these;
/// for logs: down to the fields of a log record; for metrics: down to the data points of a metric. All deeper levels
/// (values, events, links, a log's resource, scope, attributes and body) are passed over by their length; what a rule asks for there and cannot be
/// read counts as missing. UTF-8 is not checked.
/// </para>
/// <para>
/// Fields may come in any order and singular fields more than once: the last one wins, messages merge, as the
/// generated parsers have it. One exception: a list or map that is split over several fields counts with its last
/// piece, because a slot holds one stretch of bytes.
/// </para>
/// </summary>
internal sealed class RequestScanner(CompiledRules rules)
{
    /// <summary>Finds trace ids and nothing else.</summary>
    public static RequestScanner WithoutRules { get; } = new(CompiledRules.None);

    public CompiledRules Rules => rules;

    /// <summary>
    /// False when the request is malformed; <paramref name="result"/> is then not to be used, and
    /// <see cref="FieldPath.Describe"/> makes a text of <paramref name="error"/>.
    /// </summary>
    public bool TryScan(Signal signal, ReadOnlySpan<byte> request, ScanResult result, out WireError error)
    {
        result.Begin(signal, rules);
        switch (signal)
        {
            case Signal.Traces:
                var traces = new TraceScan(request, result);
                return traces.TryRun(out error);

            case Signal.Logs:
                var logs = new LogScan(request, result);
                return logs.TryRun(out error);

            default:
                var metrics = new MetricScan(request, result);
                return metrics.TryRun(out error);
        }
    }
}
