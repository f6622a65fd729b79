using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>What became of a trace that the recorder no longer had, and the backend was asked for.</summary>
internal enum LateFetchOutcome
{
    Found,
    NotFound,

    /// <summary>The backend did not answer, or not in a form that can be read.</summary>
    Failed,

    /// <summary>As many as may were waiting.</summary>
    QueueFull,

    /// <summary>The tap went down first.</summary>
    Shutdown,
}

/// <summary>Traces and logs that are fetched from backends.</summary>
internal sealed class PullMetrics
{
    private static readonly string[] Outcomes = ["found", "not_found", "failed", "queue_full", "shutdown"];

    private readonly Counter _runs;
    private readonly Counter _traces;
    private readonly Counter _failing;
    private readonly Counter _missed;
    private readonly Gauge _lastSuccess;
    private readonly Counter.Child[] _late;
    private readonly Gauge _lateWaiting;

    public PullMetrics(IMetricFactory factory)
    {
        _runs = factory.CreateCounter("otlptap_pull_runs_total", "Scheduled runs, by whether all of their range was looked at.", ["source", "outcome"]);
        _traces = factory.CreateCounter("otlptap_pull_traces_total", "Traces that scheduled runs have looked at.", ["source"]);
        _failing = factory.CreateCounter("otlptap_pull_failing_traces_total", "Traces in which scheduled runs have found a failure.", ["source"]);
        _missed = factory.CreateCounter("otlptap_pull_missed_traces_total", "Traces that scheduled runs could not fetch or read.", ["source"]);
        _lastSuccess = factory.CreateGauge("otlptap_pull_last_success_timestamp_seconds", "When a scheduled run last looked at all of its range, Unix time.", ["source"]);
        var late = factory.CreateCounter("otlptap_pull_late_traces_total", "Traces of late verdicts that were no longer in the recorder and that Tempo was asked for.", ["outcome"]);
        _late = [.. Outcomes.Select(outcome => late.WithLabels(outcome))];
        _lateWaiting = factory.CreateGauge("otlptap_pull_late_traces_waiting", "Traces of late verdicts that wait to be fetched from Tempo.");
    }

    /// <param name="source"><c>tempo</c> or <c>loki</c>.</param>
    public void Ran(string source, bool isWhole, long traces, long failing, long missed, DateTimeOffset now)
    {
        _runs.WithLabels(source, isWhole ? "done" : "failed").Inc();
        _traces.WithLabels(source).Inc(traces);
        _failing.WithLabels(source).Inc(failing);
        _missed.WithLabels(source).Inc(missed);
        if (isWhole)
        {
            _lastSuccess.WithLabels(source).Set(now.ToUnixTimeMilliseconds() / 1000.0);
        }
    }

    public void LateTrace(LateFetchOutcome outcome) => _late[(int)outcome].Inc();

    public void Sampled(int waiting) => _lateWaiting.Set(waiting);
}
