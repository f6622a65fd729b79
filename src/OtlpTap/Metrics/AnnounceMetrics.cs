using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Why the backend is not told of a verdict.</summary>
internal enum AnnounceDropReason
{
    /// <summary>As many bytes as may wait are waiting: the backend takes none, or not as fast as verdicts come.</summary>
    QueueFull,

    /// <summary>The verdict names no trace.</summary>
    WithoutTraceId,

    /// <summary>No tapped pipeline of the signal has an exporter.</summary>
    NoExporter,

    /// <summary>The deadline of the shutdown came first.</summary>
    Shutdown,
}

/// <summary>Why what was sent did not arrive.</summary>
internal enum AnnounceFailReason
{
    /// <summary>The backend does not take it, and would not the next time.</summary>
    Refused,

    /// <summary>The backend could not take it, as often as it was tried.</summary>
    Unavailable,

    /// <summary>A mistake of ours; the log says which.</summary>
    Internal,
}

/// <summary>Verdicts on their way to the backend.</summary>
internal sealed class AnnounceMetrics
{
    private static readonly string[] Signals = ["traces", "logs"];

    private readonly Counter.Child[] _sent;
    private readonly Counter.Child[] _dropped;
    private readonly Counter.Child[] _failed;
    private readonly Counter.Child[] _retried;
    private readonly Gauge.Child[] _queued;

    public AnnounceMetrics(IMetricFactory factory)
    {
        var sent = factory.CreateCounter("otlptap_announce_verdicts_sent_total", "Verdicts that an exporter has taken, as spans (traces) and evaluation events (logs).", ["signal"]);
        var dropped = factory.CreateCounter("otlptap_announce_verdicts_dropped_total", "Verdicts that are not sent to the backend.", ["signal", "reason"]);
        var failed = factory.CreateCounter("otlptap_announce_verdicts_failed_total", "Verdicts that an exporter did not take.", ["signal", "reason"]);
        var retried = factory.CreateCounter("otlptap_announce_retries_total", "Batches of verdicts that are sent again.", ["signal"]);
        var queued = factory.CreateGauge("otlptap_announce_queue_bytes", "Bytes of verdicts that wait for the backend.", ["signal"]);
        _sent = [.. Signals.Select(signal => sent.WithLabels(signal))];
        _dropped = [.. Signals.SelectMany(_ => (string[])["queue_full", "without_trace_id", "no_exporter", "shutdown"], (signal, reason) => dropped.WithLabels(signal, reason))];
        _failed = [.. Signals.SelectMany(_ => (string[])["refused", "unavailable", "internal"], (signal, reason) => failed.WithLabels(signal, reason))];
        _retried = [.. Signals.Select(signal => retried.WithLabels(signal))];
        _queued = [.. Signals.Select(signal => queued.WithLabels(signal))];
    }

    public void Sent(Signal signal, int count) => _sent[Index(signal)].Inc(count);

    public void Dropped(Signal signal, AnnounceDropReason reason, int count = 1) => _dropped[(Index(signal) * 4) + (int)reason].Inc(count);

    public void Failed(Signal signal, AnnounceFailReason reason, int count) => _failed[(Index(signal) * 3) + (int)reason].Inc(count);

    public void Retried(Signal signal) => _retried[Index(signal)].Inc();

    public void QueueSampled(Signal signal, long bytes) => _queued[Index(signal)].Set(bytes);

    private static int Index(Signal signal) => signal == Signal.Traces ? 0 : 1;
}
