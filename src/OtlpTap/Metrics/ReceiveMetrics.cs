using Grpc.Core;
using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>The edge towards the agents: what came, what it was answered, and how long that took.</summary>
internal sealed class ReceiveMetrics
{
    // From 0.25 ms, where an upstream on the same machine has answered, to 8 s, where the default timeout of 5 s has
    // passed for sure; the factor of 2 keeps a quantile's error under a third. The same as for upstream calls, so that
    // the difference of the two, which is the tap's own part, can be read bucket by bucket.
    private static readonly double[] ReplyBuckets = Histogram.ExponentialBuckets(0.00025, 2, 16);

    private static readonly string[] Signals = ["traces", "logs", "metrics"];

    // Indexed by StatusCode; the names of the gRPC specification.
    private static readonly string[] Codes =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
        "DATA_LOSS", "UNAUTHENTICATED",
    ];

    // Indexed by Refusal.
    private static readonly string[] Reasons = ["malformed", "too_large", "in_flight_full", "recorder_busy", "recording_failed", "shutting_down", "too_slow", "unsupported"];

    private readonly Counter.Child[] _requests;
    private readonly Counter.Child[] _items;
    private readonly Counter.Child[] _bytes;
    private readonly Counter.Child[][] _replies;
    private readonly Counter.Child[][] _refused;
    private readonly Counter.Child[] _discardedWithoutUpstream;
    private readonly Histogram.Child[] _replyDurations;
    private readonly Gauge _inFlightBytes;
    private readonly Gauge _inFlightBytesMax;

    public ReceiveMetrics(IMetricFactory factory)
    {
        _requests = BySignal(factory.CreateCounter("otlptap_received_requests_total", "Export requests that arrived whole.", ["signal"]));
        _items = BySignal(factory.CreateCounter("otlptap_received_items_total", "Spans, log records or metric data points in the requests received.", ["signal"]));
        _bytes = BySignal(factory.CreateCounter("otlptap_received_bytes_total", "Message bytes received, after decompression.", ["signal"]));
        _replies = BySignalAnd(Codes, factory.CreateCounter("otlptap_replies_total", "Replies to agents by gRPC status code, whoever gave them.", ["signal", "code"]));
        _refused = BySignalAnd(Reasons, factory.CreateCounter("otlptap_refused_requests_total", "Requests that the tap itself answered with an error, by reason.", ["signal", "reason"]));
        _discardedWithoutUpstream = BySignal(factory.CreateCounter("otlptap_discarded_without_upstream_items_total", "Items acknowledged and then let go, because no upstream is configured and the recorder keeps traces and logs only.", ["signal"]));
        _replyDurations = BySignal(factory.CreateHistogram(
            "otlptap_reply_duration_seconds",
            "Time from a request received whole to its reply, the upstream's time included.",
            ["signal"],
            new HistogramConfiguration { Buckets = ReplyBuckets }));
        _inFlightBytes = factory.CreateGauge("otlptap_in_flight_bytes", "Bytes of requests between arrival and reply.");
        _inFlightBytesMax = factory.CreateGauge("otlptap_in_flight_limit_bytes", "Bytes of requests beyond which agents are told to come again.");
    }

    public void RequestReceived(Signal signal, int bytes)
    {
        _requests[(int)signal].Inc();
        _bytes[(int)signal].Inc(bytes);
    }

    public void ItemsReceived(Signal signal, int items) => _items[(int)signal].Inc(items);

    /// <summary>Every reply, a refusal's too.</summary>
    public void RequestAnswered(Signal signal, StatusCode status, TimeSpan sinceReceived)
    {
        _replyDurations[(int)signal].Observe(sinceReceived.TotalSeconds);

        // A number that is no code can come from an upstream; it is passed on, and counted as gRPC clients read it.
        var code = (uint)status < (uint)Codes.Length ? (int)status : (int)StatusCode.Unknown;
        _replies[(int)signal][code].Inc();
    }

    public void RequestRefused(Signal signal, Refusal refusal) => _refused[(int)signal][(int)refusal].Inc();

    public void DiscardedWithoutUpstream(Signal signal, int items) => _discardedWithoutUpstream[(int)signal].Inc(items);

    public void InFlightSampled(long bytes, long limitBytes)
    {
        _inFlightBytes.Set(bytes);
        _inFlightBytesMax.Set(limitBytes);
    }

    /// <summary>What passed the bound on bytes in flight is what was received.</summary>
    public void SampleInto(MemoryLimiterMetrics limiter)
    {
        foreach (var signal in Enum.GetValues<Signal>())
        {
            limiter.AcceptedSampled(signal, _items[(int)signal].Value);
        }
    }

    private static TChild[] BySignal<TChild>(Collector<TChild> family)
        where TChild : ChildBase =>
        [.. Signals.Select(signal => family.WithLabels(signal))];

    private static Counter.Child[][] BySignalAnd(string[] values, Counter family) =>
        [.. Signals.Select(signal => values.Select(value => family.WithLabels(signal, value)).ToArray())];
}
