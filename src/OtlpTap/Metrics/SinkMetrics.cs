using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Why a case was not sent at all.</summary>
internal enum SinkDropReason
{
    /// <summary>As many bytes wait as may.</summary>
    QueueFull,

    /// <summary>The tap went down first.</summary>
    Shutdown,
}

/// <summary>Why a case was sent and not taken.</summary>
internal enum SinkFailReason
{
    Timeout,
    Connection,
    RateLimited,

    /// <summary>Any other status than success, redirects among them.</summary>
    HttpStatus,

    /// <summary>Any other status of gRPC than OK.</summary>
    GrpcStatus,

    /// <summary>An OTLP backend took the request, and not all that is in it.</summary>
    Rejected,

    /// <summary>A file that cannot be read or written: the case's, the sink's or the secret's.</summary>
    File,

    /// <summary>A mistake of ours; the log says which.</summary>
    Internal,
}

/// <summary>Where cases go besides their folder. The label is a configured name.</summary>
internal sealed class SinkMetrics
{
    private static readonly string[] DropReasons = ["queue_full", "shutdown"];
    private static readonly string[] FailReasons = ["timeout", "connection", "rate_limited", "http_status", "grpc_status", "rejected", "file", "internal"];

    private readonly Counter.Child _sent;
    private readonly Counter.Child _retries;
    private readonly Counter.Child[] _dropped;
    private readonly Counter.Child[] _failed;
    private readonly Gauge.Child _queue;

    public SinkMetrics(IMetricFactory factory, string sink)
    {
        _sent = factory.CreateCounter("otlptap_sink_sent_cases_total", "Cases that a sink has taken.", ["sink"]).WithLabels(sink);
        _retries = factory.CreateCounter("otlptap_sink_retries_total", "Attempts after the first to send a case to a sink.", ["sink"]).WithLabels(sink);
        var dropped = factory.CreateCounter("otlptap_sink_dropped_cases_total", "Cases that were not sent to a sink.", ["sink", "reason"]);
        _dropped = [.. DropReasons.Select(reason => dropped.WithLabels(sink, reason))];
        var failed = factory.CreateCounter("otlptap_sink_failed_cases_total", "Cases that a sink has not taken, after all attempts.", ["sink", "reason"]);
        _failed = [.. FailReasons.Select(reason => failed.WithLabels(sink, reason))];
        _queue = factory.CreateGauge("otlptap_sink_queue_bytes", "Bytes of the traces of cases that wait for a sink.", ["sink"]).WithLabels(sink);
    }

    public void Sent() => _sent.Inc();

    public void Retried() => _retries.Inc();

    public void Dropped(SinkDropReason reason, int count = 1) => _dropped[(int)reason].Inc(count);

    public void Failed(SinkFailReason reason) => _failed[(int)reason].Inc();

    public void QueueSampled(long bytes) => _queue.Set(bytes);
}
