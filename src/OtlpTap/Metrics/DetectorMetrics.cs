using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Why a trace was not examined, or not to its end.</summary>
internal enum DetectionDropReason : byte
{
    /// <summary>As many traces wait as may.</summary>
    WaitingFull,

    /// <summary>It has more bytes than may be examined.</summary>
    TooLarge,

    /// <summary>Its time was used up; what was found until then counts.</summary>
    TimeOver,

    /// <summary>The recorder had overwritten it.</summary>
    Forgotten,

    /// <summary>A detector failed on it: a mistake of the tap's.</summary>
    Failed,

    /// <summary>The tap stopped first.</summary>
    Shutdown,
}

/// <summary>What detection finds and costs.</summary>
internal sealed class DetectorMetrics
{
    private static readonly string[] Reasons = ["waiting_full", "too_large", "time_over", "forgotten", "failed", "shutdown"];

    private readonly Counter _verdicts;
    private readonly Counter _propagated;
    private readonly Counter.Child[] _drops;
    private readonly Counter _examined;
    private readonly Counter _seconds;
    private readonly Gauge _waiting;
    private readonly Gauge _scarce;

    public DetectorMetrics(IMetricFactory factory)
    {
        _examined = factory.CreateCounter("otlptap_detector_traces_total", "Traces that detectors examined; one that is examined again when late spans came counts again.");
        _verdicts = factory.CreateCounter("otlptap_detector_verdicts_total", "What detectors found, by detector and kind of failure; what only repeats another failure is not counted here.", ["detector", "failure"]);
        _propagated = factory.CreateCounter("otlptap_detector_propagated_verdicts_total", "What detectors found that only repeats another failure of the trace: told with otlptap.failure.origin.");
        _seconds = factory.CreateCounter("otlptap_detector_seconds_total", "Time spent on taking traces out of the recorder, reading and examining them.");
        _waiting = factory.CreateGauge("otlptap_detector_traces_waiting", "Traces that wait to be quiet or to be examined.");
        _scarce = factory.CreateGauge("otlptap_detector_processors_scarce", "1 when processors were scarce after the last trace that was examined, so that detectors take a twentieth of their share.");
        var drops = factory.CreateCounter("otlptap_detector_dropped_traces_total", "Traces not examined, or not to the end, by reason.", ["reason"]);
        _drops = [.. Reasons.Select(reason => drops.WithLabels(reason))];
    }

    public void Examined(TimeSpan elapsed)
    {
        _examined.Inc();
        _seconds.Inc(elapsed.TotalSeconds);
    }

    /// <param name="detector">Of a closed set.</param>
    /// <param name="failure">Of a closed set: detectors name only kinds that the tap knows.</param>
    public void Found(string detector, string failure) => _verdicts.WithLabels(detector, failure).Inc();

    /// <summary>It is the failure of another span.</summary>
    public void Propagated() => _propagated.Inc();

    public void Dropped(DetectionDropReason reason, int traces = 1) => _drops[(int)reason].Inc(traces);

    /// <summary>Whether processors were, after a trace.</summary>
    public void Scarce(bool areScarce) => _scarce.Set(areScarce ? 1 : 0);

    public void Sampled(int waiting) => _waiting.Set(waiting);
}
