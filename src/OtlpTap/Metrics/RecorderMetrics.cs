using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>What became of a request that was to be recorded.</summary>
internal enum AppendOutcome
{
    Recorded,

    /// <summary>It carries no valid trace id: nothing could ever look it up, so it is not kept.</summary>
    WithoutTraceId,

    /// <summary>Larger than the largest request that is recorded.</summary>
    TooLarge,

    /// <summary>The log says why: the system gave no memory.</summary>
    Failed,
}

/// <summary>The flight recorder: what it holds, how old that is, what it forgot.</summary>
internal sealed class RecorderMetrics
{
    private readonly Counter.Child[] _appended;
    private readonly Counter _tracesUnindexed;
    private readonly Counter _overwrittenRequests;
    private readonly Counter _overwrittenBytes;
    private readonly Counter _handlerFailures;
    private readonly Histogram _lookUp;
    private readonly Counter _damaged;
    private readonly Counter _setAside;
    private readonly Counter _diskFailures;
    private readonly Gauge _recoverySeconds;
    private readonly Gauge _recoveredSegments;
    private readonly Gauge _fileBytes;
    private readonly Gauge _heldBytes;
    private readonly Gauge _memoryBytes;
    private readonly Gauge _capacityBytes;
    private readonly Gauge _heldRequests;
    private readonly Gauge _oldestAge;

    public RecorderMetrics(IMetricFactory factory)
    {
        var appended = factory.CreateCounter("otlptap_recorder_requests_total", "Requests that reached the recorder, by what became of them.", ["outcome"]);
        _appended =
        [
            appended.WithLabels("recorded"),
            appended.WithLabels("without_trace_id"),
            appended.WithLabels("too_large"),
            appended.WithLabels("failed"),
        ];
        _tracesUnindexed = factory.CreateCounter("otlptap_recorder_unindexed_traces_total", "Traces that cannot be found because one request held too many of them.");
        _overwrittenRequests = factory.CreateCounter("otlptap_recorder_overwritten_requests_total", "Requests that left the recorder because newer ones needed the room or they became too old.");
        _overwrittenBytes = factory.CreateCounter("otlptap_recorder_overwritten_bytes_total", "Bytes of the requests that left the recorder.");
        _handlerFailures = factory.CreateCounter("otlptap_recorder_handler_failures_total", "Recorded requests at which looking further failed; the log says why.");
        _lookUp = factory.CreateHistogram(
            "otlptap_recorder_lookup_seconds",
            "Time to find a trace in the recorder and visit its requests.",
            new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.000_05, 4, 9) });
        _damaged = factory.CreateCounter("otlptap_recorder_damaged_requests_total", "Requests in the recorder's files whose checksum is wrong: left out.");
        _setAside = factory.CreateCounter("otlptap_recorder_set_aside_segments_total", "Files of the recorder that an earlier run left and that cannot be used: renamed to .corrupt.");
        _diskFailures = factory.CreateCounter("otlptap_recorder_disk_failures_total", "Times the disk refused something that the recorder asked of it; recording goes on in memory.");
        _recoverySeconds = factory.CreateGauge("otlptap_recorder_recovery_seconds", "Time that the start took to find the recorder's files again.");
        _recoveredSegments = factory.CreateGauge("otlptap_recorder_recovered_segments", "Segments that the start found in the recorder's files.");
        _fileBytes = factory.CreateGauge("otlptap_recorder_file_bytes", "Of the recorder's memory, what is in files and survives a restart.");
        _heldBytes = factory.CreateGauge("otlptap_recorder_held_bytes", "Bytes of the requests that can be found.");
        _memoryBytes = factory.CreateGauge("otlptap_recorder_memory_bytes", "Memory of the recorder: requests, headers and index.");
        _capacityBytes = factory.CreateGauge("otlptap_recorder_capacity_bytes", "Bytes of requests that the recorder holds at least when it is full.");
        _heldRequests = factory.CreateGauge("otlptap_recorder_held_requests", "Requests that can be found.");
        _oldestAge = factory.CreateGauge("otlptap_recorder_oldest_age_seconds", "Age of the oldest request that can be found.");
    }

    public void Appended(AppendOutcome outcome) => _appended[(int)outcome].Inc();

    public void TracesUnindexed(int count) => _tracesUnindexed.Inc(count);

    public void Overwritten(int requests, long bytes)
    {
        _overwrittenRequests.Inc(requests);
        _overwrittenBytes.Inc(bytes);
    }

    public void Damaged(int requests) => _damaged.Inc(requests);

    public void SegmentSetAside() => _setAside.Inc();

    public void DiskFailed() => _diskFailures.Inc();

    public void Recovered(TimeSpan took, int segments, int damagedRequests)
    {
        _recoverySeconds.Set(took.TotalSeconds);
        _recoveredSegments.Set(segments);
        _damaged.Inc(damagedRequests);
    }

    public void HandlerFailed() => _handlerFailures.Inc();

    public void LookedUp(TimeSpan duration) => _lookUp.Observe(duration.TotalSeconds);

    public void Sampled(long heldBytes, long memoryBytes, long fileBytes, long capacityBytes, long heldRequests, TimeSpan oldestAge)
    {
        _heldBytes.Set(heldBytes);
        _memoryBytes.Set(memoryBytes);
        _fileBytes.Set(fileBytes);
        _capacityBytes.Set(capacityBytes);
        _heldRequests.Set(heldRequests);
        _oldestAge.Set(oldestAge.TotalSeconds);
    }
}
