using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Why items that no sender will send again did not get to an exporter's destination.</summary>
internal enum LossReason
{
    /// <summary>The exporter's queue was full.</summary>
    QueueFull,

    /// <summary>The destination refused them for good, or for longer than they are sent again.</summary>
    Failed,

    /// <summary>The tap, or the exporter, ended before they could be sent.</summary>
    Shutdown,
}

/// <summary>
/// What becomes of items, by exporter, under the Collector's names (exporterhelper's <c>metadata.yaml</c>) and with its
/// meaning: sent is what the destination accepted, after retries; failed is what was given up. One difference: items that
/// a partial success rejected count as failed, where the Collector takes the whole request for sent.
/// </summary>
internal sealed class ExporterMetrics
{
    // Indexed by Signal.
    private static readonly string[] Signals = ["traces", "logs", "metrics"];
    private static readonly string[] Names = ["spans", "log_records", "metric_points"];
    private static readonly string[] Items = ["spans", "log records", "metric points"];

    // Indexed by LossReason.
    private static readonly string[] Reasons = ["queue_full", "failed", "shutdown"];

    private readonly Counter.Child[] _sent;
    private readonly Counter.Child[] _sendFailed;
    private readonly Counter.Child[] _enqueueFailed;
    private readonly Gauge.Child[] _inFlight;
    private readonly Counter.Child[] _retries;
    private readonly Counter.Child[][] _lost;
    private readonly Gauge _queueSize;
    private readonly Gauge _queueCapacity;
    private readonly Gauge _queueBytes;
    private readonly string _exporter;

    /// <param name="exporter">The component id.</param>
    public ExporterMetrics(IMetricFactory metrics, string exporter)
    {
        _exporter = exporter;
        _sent = ByItem("otelcol_exporter_sent_{0}_total", "Number of {0} that the destination accepted.");
        _sendFailed = ByItem("otelcol_exporter_send_failed_{0}_total", "Number of {0} that the destination did not accept, after retries.");
        _enqueueFailed = ByItem("otelcol_exporter_enqueue_failed_{0}_total", "Number of {0} that the sending queue had no room for.");
        _queueSize = metrics.CreateGauge("otelcol_exporter_queue_size", "What waits in the sending queue or is being sent from it, in the unit of its sizer.", ["exporter", "data_type"]);
        _queueCapacity = metrics.CreateGauge("otelcol_exporter_queue_capacity", "What the sending queue may hold, in the unit of its sizer.", ["exporter", "data_type"]);
        _queueBytes = metrics.CreateGauge("otlptap_exporter_queue_bytes", "Bytes of the requests in the sending queue, whatever its sizer counts.", ["exporter", "signal"]);
        var inFlight = metrics.CreateGauge("otelcol_exporter_in_flight_requests", "Requests that are being sent or wait to be sent again.", ["exporter", "data_type"]);
        _inFlight = [.. Signals.Select(signal => inFlight.WithLabels(exporter, signal))];
        var retries = metrics.CreateCounter("otlptap_exporter_retries_total", "Requests sent again after a wait.", ["exporter", "signal"]);
        _retries = [.. Signals.Select(signal => retries.WithLabels(exporter, signal))];
        var lost = metrics.CreateCounter(
            "otlptap_exporter_lost_items_total",
            "Items that their sender takes for delivered and that did not get to this exporter's destination, by reason.",
            ["exporter", "signal", "reason"]);
        _lost = [.. Signals.Select(signal => Reasons.Select(reason => lost.WithLabels(exporter, signal, reason)).ToArray())];

        Counter.Child[] ByItem(string name, string help) =>
            [.. Names.Select((item, i) => metrics.CreateCounter(string.Format(null, name, item), string.Format(null, help, Items[i]), ["exporter"]).WithLabels(exporter))];
    }

    /// <summary>The destination said OK to a request.</summary>
    public void Accepted(Signal signal, int items, ExportReply reply)
    {
        var rejected = 0;
        if (!reply.Body.IsEmpty && PartialSuccess.TryRead(reply.Body.Span, out var partial))
        {
            rejected = (int)Math.Clamp(partial.Rejected, 0, items);
            _sendFailed[(int)signal].Inc(rejected);
        }

        _sent[(int)signal].Inc(items - rejected);
    }

    /// <summary>A request was given up.</summary>
    public void SendFailed(Signal signal, int items) => _sendFailed[(int)signal].Inc(items);

    /// <summary>A request found no room in the queue.</summary>
    public void EnqueueFailed(Signal signal, int items) => _enqueueFailed[(int)signal].Inc(items);

    /// <summary>Nobody sends these items again. Beside what <see cref="SendFailed"/> and <see cref="EnqueueFailed"/> count.</summary>
    public void Lost(Signal signal, int items, LossReason reason) => _lost[(int)signal][(int)reason].Inc(items);

    public void Retried(Signal signal) => _retries[(int)signal].Inc();

    /// <param name="size">In the unit of the queue's sizer, as <paramref name="capacity"/>.</param>
    public void QueueSampled(Signal signal, long size, long capacity, long bytes)
    {
        _queueSize.WithLabels(_exporter, Signals[(int)signal]).Set(size);
        _queueCapacity.WithLabels(_exporter, Signals[(int)signal]).Set(capacity);
        _queueBytes.WithLabels(_exporter, Signals[(int)signal]).Set(bytes);
    }

    public void InFlightSampled(Signal signal, long requests) => _inFlight[(int)signal].Set(requests);
}
