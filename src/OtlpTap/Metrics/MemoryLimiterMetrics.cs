using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>
/// The bound on bytes in flight, under the names of the Collector's <c>memory_limiter</c>, whose place it takes
/// (processor/memorylimiterprocessor of https://github.com/open-telemetry/opentelemetry-collector, with the suffixes of
/// Prometheus). A request that is refused before it has come whole is not in it: its items are not known.
/// </summary>
internal sealed class MemoryLimiterMetrics
{
    private const string Processor = "memory_limiter";

    private static readonly string[] Items = ["spans", "log_records", "metric_points"];
    private static readonly string[] Nouns = ["spans", "log records", "metric points"];

    private readonly Counter.Child[] _accepted;
    private readonly Counter.Child[] _refused;

    public MemoryLimiterMetrics(IMetricFactory factory)
    {
        _accepted = Children("accepted", "Number of {0} successfully pushed into the next component in the pipeline.");
        _refused = Children("refused", "Number of {0} that were rejected because too many bytes are in flight.");

        Counter.Child[] Children(string outcome, string help) =>
            [.. Items.Zip(Nouns, (items, noun) => factory
                .CreateCounter($"otelcol_processor_memory_limiter_{outcome}_{items}_total", help.Replace("{0}", noun, StringComparison.Ordinal), ["processor"])
                .WithLabels(Processor))];
    }

    public void Refused(Signal signal, long items) => _refused[(int)signal].Inc(items);

    /// <param name="itemsReceived">All that ever passed; it is counted elsewhere, once for each request.</param>
    public void AcceptedSampled(Signal signal, double itemsReceived) => _accepted[(int)signal].IncTo(itemsReceived);
}
