using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Why a request did not get behind the tee.</summary>
internal enum TeeDropReason
{
    /// <summary>The bytes that wait have reached the limit: the recorder is slower than the traffic.</summary>
    Full,

    /// <summary>The tap is shutting down.</summary>
    Closed,
}

/// <summary>What is offered to the tee, what waits, what is dropped.</summary>
internal sealed class TeeMetrics
{
    private readonly Counter _taken;
    private readonly Counter.Child[] _dropped;
    private readonly Gauge _queueBytes;
    private readonly Gauge _queueRequests;
    private readonly Gauge _oldestAge;

    public TeeMetrics(IMetricFactory factory)
    {
        _taken = factory.CreateCounter("otlptap_tee_requests_total", "Requests taken by the tee.");
        var dropped = factory.CreateCounter(
            "otlptap_tee_dropped_requests_total",
            "Requests that the tee dropped; they were relayed all the same but cannot become part of a case.",
            ["reason"]);
        _dropped = [dropped.WithLabels("full"), dropped.WithLabels("closed")];
        _queueBytes = factory.CreateGauge("otlptap_tee_queue_bytes", "Bytes of requests that wait for the recorder.");
        _queueRequests = factory.CreateGauge("otlptap_tee_queue_requests", "Requests that wait for the recorder.");
        _oldestAge = factory.CreateGauge("otlptap_tee_oldest_age_seconds", "Age of the oldest request that waits for the recorder.");
    }

    /// <summary>The counter's own value: the tee's queue length needs no second one on the request path.</summary>
    public long TakenCount => (long)_taken.Value;

    public void Taken() => _taken.Inc();

    public void Dropped(TeeDropReason reason) => _dropped[(int)reason].Inc();

    public void QueueSampled(long bytes, long requests, TimeSpan oldestAge)
    {
        _queueBytes.Set(bytes);
        _queueRequests.Set(requests);
        _oldestAge.Set(oldestAge.TotalSeconds);
    }
}
