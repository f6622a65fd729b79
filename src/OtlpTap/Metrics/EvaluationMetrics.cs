using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Why a bad or praising result became no verdict.</summary>
internal enum EvaluationDropReason
{
    /// <summary>It names no span, or one that never came.</summary>
    NoTarget,

    /// <summary>Too many wait for what they speak of.</summary>
    WaitingFull,

    /// <summary>One request held more than are read of one.</summary>
    RequestFull,

    /// <summary>A mistake of ours; the log says which.</summary>
    Failed,
}

/// <summary>Evaluation results and users' feedback that came as telemetry.</summary>
internal sealed class EvaluationMetrics
{
    /// <summary>Metrics are few where people run them; senders could name any number.</summary>
    public const int MetricNamesMax = 100;

    private const string Other = "other";
    private static readonly string[] Outcomes = ["bad", "good", "neutral", "unknown", "evaluator_failed"];

    private readonly Counter _evaluations;
    private readonly Counter _repeated;
    private readonly Counter.Child[] _dropped;
    private readonly Counter _forgotten;
    private readonly Gauge _waiting;
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    public EvaluationMetrics(IMetricFactory factory)
    {
        _evaluations = factory.CreateCounter("otlptap_evaluations_total", "Evaluation results and users' feedback, by metric, what was made of them and who says so.", ["metric", "outcome", "source"]);
        _repeated = factory.CreateCounter("otlptap_evaluations_repeated_total", "Evaluation results that came a second time, by another way or in a request sent again.");
        var dropped = factory.CreateCounter("otlptap_evaluations_dropped_total", "Evaluation results that became no verdict, by reason.", ["reason"]);
        _dropped = [dropped.WithLabels("no_target"), dropped.WithLabels("waiting_full"), dropped.WithLabels("request_full"), dropped.WithLabels("failed")];
        _forgotten = factory.CreateCounter("otlptap_evaluation_references_forgotten_total", "Response ids and sessions that later evaluations can no longer be joined by, since newer ones needed the room.");
        _waiting = factory.CreateGauge("otlptap_evaluations_waiting", "Evaluation results that wait for the span they speak of.");
    }

    /// <summary>For one thread at a time.</summary>
    /// <param name="outcome">In the order bad, good, neutral, unknown, evaluator failed.</param>
    public void Judged(string metric, int outcome, string source)
    {
        var name = _names.Contains(metric) || (_names.Count < MetricNamesMax && _names.Add(metric)) ? metric : Other;
        _evaluations.WithLabels(name, Outcomes[outcome], source).Inc();
    }

    public void Repeated() => _repeated.Inc();

    public void Dropped(EvaluationDropReason reason, int count = 1) => _dropped[(int)reason].Inc(count);

    public void Sampled(int waiting, long forgotten)
    {
        _waiting.Set(waiting);
        _forgotten.IncTo(forgotten);
    }
}
