using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>What agents are told to do. Policies are the operator's, and few.</summary>
internal sealed class AdviceMetrics(IMetricFactory factory)
{
    private readonly Gauge _active = factory.CreateGauge("otlptap_advice_active", "Pieces of advice that are given at this moment, by policy and advice.", ["policy", "advice"]);

    private readonly Counter _changes = factory.CreateCounter("otlptap_advice_changes_total", "Advice raised and withdrawn, by policy.", ["policy", "change"]);

    private readonly Counter _refused = factory.CreateCounter("otlptap_advice_refused_total", "Pieces of advice not given because as many as max_active allows were given.");

    private readonly Counter _failed = factory.CreateCounter("otlptap_advice_failures_total", "Unexpected errors while policies were evaluated: mistakes of the tap's, which the log tells of.");

    /// <summary>Its changes are there at zero: of a series that begins at one, Prometheus sees no increase.</summary>
    public void PolicyUsed(string policy)
    {
        _changes.WithLabels(policy, "raised");
        _changes.WithLabels(policy, "withdrawn");
    }

    public void ActiveChanged(string policy, string advice, int count) => _active.WithLabels(policy, advice).Set(count);

    public void Raised(string policy) => _changes.WithLabels(policy, "raised").Inc();

    public void Withdrawn(string policy) => _changes.WithLabels(policy, "withdrawn").Inc();

    public void Refused(int count) => _refused.Inc(count);

    public void Failed() => _failed.Inc();
}
