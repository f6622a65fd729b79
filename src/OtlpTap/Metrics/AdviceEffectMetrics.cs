using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Fallbacks of agents, and what became of the runs that advice concerned.</summary>
internal sealed class AdviceEffectMetrics(IMetricFactory factory)
{
    /// <summary>Policies come from the configuration, which can change; what the tap was ever told stays.</summary>
    public const int PoliciesMax = 200;

    private const string Other = "other";

    private readonly Counter _fallbacks = factory.CreateCounter(
        "otlptap_fallbacks_total", "Fallbacks that agents took: spans with otlptap.fallback. The reason is the policy whose advice was followed, or what the agent says, numbers as #.", ["service", "agent", "advice", "reason"]);

    private readonly Counter _outcomes = factory.CreateCounter(
        "otlptap_advice_outcomes_total", "Runs that advice concerned, by what the agent did with it, and those with a fallback of their own (own), as they stood when they had settled.", ["policy", "arm", "outcome"]);

    private readonly Counter _revisions = factory.CreateCounter(
        "otlptap_advice_outcome_revisions_total", "Outcomes that changed after they were counted, by late feedback or spans: outcome is the new one.", ["policy", "arm", "outcome"]);

    private readonly Counter _evicted = factory.CreateCounter(
        "otlptap_advice_runs_evicted_total", "Runs forgotten for want of memory: their outcomes stay as they were counted.");

    private readonly Counter _leftOut = factory.CreateCounter(
        "otlptap_advice_runs_left_out_total", "Runs that some comparison of the report lacks, because there are too many groups to compare.");

    private readonly Counter _unknown = factory.CreateCounter(
        "otlptap_advice_verdicts_unmatched_total", "Verdicts and scores of traces that are not, or no longer, known as agents' runs.");

    private readonly Counter _failed = factory.CreateCounter(
        "otlptap_advice_effect_failures_total", "Unexpected errors in the measuring of effects: mistakes of the tap's, which the log tells of.");

    private readonly Gauge _runs = factory.CreateGauge("otlptap_advice_runs", "Runs that later feedback can still change the outcome of.");

    private readonly Gauge _bytes = factory.CreateGauge("otlptap_advice_runs_bytes", "Memory that they take, as it is accounted.");

    private readonly HashSet<string> _policies = new(StringComparer.Ordinal);

    /// <summary>All labels from a bounded set.</summary>
    public void FallbackTaken(string service, string agent, string advice, string reason) => _fallbacks.WithLabels(service, agent, advice, reason).Inc();

    /// <summary>For one thread at a time.</summary>
    public void Settled(string policy, string arm, bool isSuccess) => _outcomes.WithLabels(Bound(policy), arm, Outcome(isSuccess)).Inc();

    /// <summary>For one thread at a time.</summary>
    public void Revised(string policy, string arm, bool isSuccess) => _revisions.WithLabels(Bound(policy), arm, Outcome(isSuccess)).Inc();

    public void RunEvicted() => _evicted.Inc();

    public void RunLeftOut() => _leftOut.Inc();

    public void Unmatched(int count) => _unknown.Inc(count);

    public void Failed() => _failed.Inc();

    public void Sampled(int runs, long bytes)
    {
        _runs.Set(runs);
        _bytes.Set(bytes);
    }

    private static string Outcome(bool isSuccess) => isSuccess ? "succeeded" : "failed";

    private string Bound(string policy) => _policies.Contains(policy) || (_policies.Count < PoliciesMax && _policies.Add(policy)) ? policy : Other;
}
