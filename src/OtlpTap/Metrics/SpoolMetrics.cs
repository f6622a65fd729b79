using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Why a record left the spool undelivered.</summary>
internal enum SpoolDiscard
{
    /// <summary>It waited longer than <c>max_age</c>.</summary>
    TooOld,

    /// <summary>The upstream will never take its bytes.</summary>
    Refused,

    /// <summary>It, or the place where one or more stood, cannot be read; its segment is kept aside.</summary>
    Corrupt,
}

/// <summary>Why a request was not taken into the spool.</summary>
internal enum SpoolRefusal
{
    /// <summary>It is at <c>max_size_mib</c>.</summary>
    Full,

    /// <summary>The disk did not take it.</summary>
    DiskFailed,
}

/// <summary>The durable queue before one exporter's upstream: what it holds, what came, what left and why.</summary>
internal sealed class SpoolMetrics
{
    // 0.1 ms (a drive with a protected cache) to 3 s (a disk that is nearly gone).
    private static readonly double[] SyncBuckets = Histogram.ExponentialBuckets(0.0001, 2, 16);
    private static readonly double[] GroupBuckets = Histogram.ExponentialBuckets(1, 2, 11);
    private static readonly string[] Signals = ["traces", "logs", "metrics"];
    private static readonly string[] DiscardReasons = ["max_age", "refused", "corrupt"];
    private static readonly string[] RefusalReasons = ["full", "disk_failed"];

    private readonly Gauge.Child _bytes;
    private readonly Gauge.Child _capacity;
    private readonly Gauge.Child _records;
    private readonly Gauge.Child _oldestAge;
    private readonly Gauge.Child _held;
    private readonly Gauge.Child _isDown;
    private readonly Gauge.Child _isOpen;
    private readonly Counter.Child _notOpened;
    private readonly Counter.Child[] _appended;
    private readonly Counter.Child[] _appendedItems;
    private readonly Counter.Child[] _delivered;
    private readonly Counter.Child[] _deliveredItems;
    private readonly Counter.Child[] _discarded;
    private readonly Counter.Child[] _discardedItems;
    private readonly Counter.Child[] _refused;
    private readonly Counter.Child _retried;
    private readonly Counter.Child _rejectedItems;
    private readonly Counter.Child _diskFailures;
    private readonly Counter.Child _faulted;
    private readonly Histogram.Child _sync;
    private readonly Histogram.Child _group;

    public SpoolMetrics(IMetricFactory metrics, string exporter)
    {
        _bytes = Gauge("otlptap_spool_bytes", "Bytes of the spool's segments on disk, delivered records of a segment that holds others too.");
        _capacity = Gauge("otlptap_spool_capacity_bytes", "Bytes that the spool may take on disk.");
        _records = Gauge("otlptap_spool_records", "Requests in the spool that are not delivered yet; after a start, as far as they are counted.");
        _oldestAge = Gauge("otlptap_spool_oldest_age_seconds", "Age of the oldest request in the spool, 0 when it is empty.");
        _held = Gauge("otlptap_spool_held_records", "Requests in the spool that the upstream answered and did not take, for a reason that need not lie in their bytes: credentials, rights, a limit, its own error.");
        _isOpen = Gauge("otlptap_spool_open", "1 while the exporter has its spool; 0 between a reload and the end of the exporter from before, and while the directory cannot be opened.");
        _notOpened = Counter("otlptap_spool_open_failures_total", "Attempts after a reload to open the spool that failed.");
        _isDown = Gauge("otlptap_spool_upstream_down", "1 while requests go to the spool without trying the upstream first, else 0.");
        _appended = BySignal("otlptap_spool_appended_requests_total", "Requests made durable in the spool and acknowledged.");
        _appendedItems = BySignal("otlptap_spool_appended_items_total", "Spans, log records or data points of the requests made durable in the spool.");
        _delivered = BySignal("otlptap_spool_delivered_requests_total", "Requests from the spool that the upstream took.");
        _deliveredItems = BySignal("otlptap_spool_delivered_items_total", "Spans, log records or data points of the requests from the spool that the upstream took.");
        _discarded = By("otlptap_spool_discarded_requests_total", "Requests that left the spool undelivered, by reason; of corrupt ones the places that cannot be read.", "reason", DiscardReasons);
        _discardedItems = By("otlptap_spool_discarded_items_total", "Spans, log records or data points of the requests that left the spool undelivered, as far as known.", "reason", DiscardReasons);
        _refused = By("otlptap_spool_refused_requests_total", "Requests that the spool did not take, whose senders were told to come again, by reason.", "reason", RefusalReasons);
        _retried = Counter("otlptap_spool_retried_deliveries_total", "Deliveries from the spool that failed and will be tried again.");
        _rejectedItems = Counter("otlptap_spool_rejected_items_total", "Spans, log records or data points that the upstream rejected from requests it otherwise took, after their senders were acknowledged.");
        _diskFailures = Counter("otlptap_spool_disk_failures_total", "File operations of the spool that failed.");
        _faulted = Counter("otlptap_spool_internal_errors_total", "Errors in the spool's own loops, which went on; the log says what.");
        _sync = metrics.CreateHistogram(
            "otlptap_spool_sync_seconds", "Time of making a group of requests durable.", ["exporter"], new HistogramConfiguration { Buckets = SyncBuckets }).WithLabels(exporter);
        _group = metrics.CreateHistogram(
            "otlptap_spool_group_requests", "Requests made durable at once.", ["exporter"], new HistogramConfiguration { Buckets = GroupBuckets }).WithLabels(exporter);

        Gauge.Child Gauge(string name, string help) => metrics.CreateGauge(name, help, ["exporter"]).WithLabels(exporter);
        Counter.Child Counter(string name, string help) => metrics.CreateCounter(name, help, ["exporter"]).WithLabels(exporter);
        Counter.Child[] BySignal(string name, string help) => By(name, help, "signal", Signals);
        Counter.Child[] By(string name, string help, string label, string[] values)
        {
            var family = metrics.CreateCounter(name, help, ["exporter", label]);
            return [.. values.Select(value => family.WithLabels(exporter, value))];
        }
    }

    public void Sampled(long bytes, long bytesMax, long records, TimeSpan oldestAge, long held, bool isDown)
    {
        _bytes.Set(bytes);
        _capacity.Set(bytesMax);
        _records.Set(records);
        _oldestAge.Set(oldestAge.TotalSeconds);
        _held.Set(held);
        _isDown.Set(isDown ? 1 : 0);
    }

    public void OpenSampled(bool isOpen) => _isOpen.Set(isOpen ? 1 : 0);

    public void NotOpened() => _notOpened.Inc();

    public void Appended(Signal signal, int items)
    {
        _appended[(int)signal].Inc();
        _appendedItems[(int)signal].Inc(items);
    }

    public void GroupSynced(int requests, TimeSpan duration)
    {
        _group.Observe(requests);
        _sync.Observe(duration.TotalSeconds);
    }

    public void Refused(SpoolRefusal reason) => _refused[(int)reason].Inc();

    public void Delivered(Signal signal, int items, long rejectedItems)
    {
        _delivered[(int)signal].Inc();
        _deliveredItems[(int)signal].Inc(items);
        _rejectedItems.Inc(Math.Max(0, rejectedItems));
    }

    public void DeliveryRetried() => _retried.Inc();

    public void Discarded(SpoolDiscard reason, int items)
    {
        _discarded[(int)reason].Inc();
        _discardedItems[(int)reason].Inc(items);
    }

    public void DiskFailed() => _diskFailures.Inc();

    public void Faulted() => _faulted.Inc();
}
