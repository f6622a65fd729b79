using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Single items that break the data model, where <c>on_invalid</c> does something about them.</summary>
internal sealed class ValidityMetrics
{
    private static readonly string[] Signals = ["traces", "logs", "metrics"];

    // Indexed by InvalidReason.
    private static readonly string[] Reasons =
    [
        "not_utf8", "trace_id", "span_id", "parent_span_id", "link", "exemplar", "metric_name", "temporality", "buckets", "no_value", "too_deep", "malformed",
    ];

    private readonly Counter.Child[][] _rejected;
    private readonly Counter.Child[][] _repaired;

    public ValidityMetrics(IMetricFactory factory)
    {
        _rejected = Children(factory.CreateCounter(
            "otlptap_rejected_items_total", "Spans, log records or metric data points taken out of requests because they are invalid, by reason.", ["signal", "reason"]));
        _repaired = Children(factory.CreateCounter(
            "otlptap_repaired_values_total", "Invalid values repaired or left out of items that went on, by reason.", ["signal", "reason"]));
    }

    public void ItemsRejected(Signal signal, InvalidReason reason, long items) => _rejected[(int)signal][(int)reason].Inc(items);

    public void ValuesRepaired(Signal signal, InvalidReason reason, long values) => _repaired[(int)signal][(int)reason].Inc(values);

    private static Counter.Child[][] Children(Counter family) =>
        [.. Signals.Select(signal => Reasons.Select(reason => family.WithLabels(signal, reason)).ToArray())];
}
