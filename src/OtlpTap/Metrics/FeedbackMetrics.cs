using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>What users show of their opinion by the way in which they go on.</summary>
internal sealed class FeedbackMetrics(IMetricFactory factory)
{
    private readonly Counter _implicit = factory.CreateCounter(
        "otlptap_implicit_feedback_total", "Answers that their users were not served by, as the way shows in which they went on.", ["reaction"]);

    private readonly Counter _evicted = factory.CreateCounter(
        "otlptap_feedback_sessions_evicted_total", "Sessions forgotten before they ended, because there was no memory for more.");

    private readonly Counter _failed = factory.CreateCounter(
        "otlptap_feedback_failures_total", "Unexpected errors at the end of sessions: mistakes of the tap's, which the log tells of.");

    private readonly Gauge _sessions = factory.CreateGauge("otlptap_feedback_sessions", "Sessions of users that are followed.");

    /// <param name="reaction">Of a closed set: rephrased, repeated, protested, abandoned.</param>
    public void Reacted(string reaction) => _implicit.WithLabels(reaction).Inc();

    public void SessionsEvicted(int count) => _evicted.Inc(count);

    public void Failed() => _failed.Inc();

    public void Sampled(int sessions) => _sessions.Set(sessions);
}
