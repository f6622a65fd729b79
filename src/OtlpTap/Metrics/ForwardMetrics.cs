using Grpc.Core;
using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>What one exporter sends upstream and what comes back. Several exporters share the families, told apart by <c>exporter</c>.</summary>
internal sealed class ForwardMetrics
{
    // 0.25 ms to 8 s: a call on the local machine takes 0.1 to 1 ms, the default timeout is 5 s.
    private static readonly double[] DurationBuckets = Histogram.ExponentialBuckets(0.00025, 2, 16);
    private static readonly double[] JoinedBuckets = Histogram.ExponentialBuckets(1, 2, 12);
    private static readonly string[] Signals = ["traces", "logs", "metrics"];

    // Indexed by StatusCode; the names of the gRPC specification.
    private static readonly string[] Codes =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
        "DATA_LOSS", "UNAUTHENTICATED",
    ];

    private readonly ExporterMetrics _items;
    private readonly Histogram.Child[] _durations;
    private readonly Histogram.Child _joined;
    private readonly Counter.Child[] _requests;
    private readonly Counter.Child[] _bytes;
    private readonly Counter.Child[] _replies;
    private readonly Gauge.Child _callsInFlight;
    private readonly Gauge.Child _queueRequests;
    private readonly Gauge.Child _queueBytes;
    private readonly Gauge.Child _gateClosed;
    private readonly Counter.Child _resent;
    private readonly Counter.Child _abandoned;
    private readonly Counter.Child _connectFailed;
    private readonly Counter.Child _connectionLost;
    private readonly Counter.Child _timedOut;
    private readonly Counter.Child _notGrpc;
    private readonly Counter.Child _malformed;
    private readonly Counter.Child _faulted;

    public ForwardMetrics(IMetricFactory metrics, string exporter)
    {
        _items = new ExporterMetrics(metrics, exporter);
        _durations = BySignal(
            exporter,
            metrics.CreateHistogram(
                "otlptap_upstream_call_duration_seconds",
                "Time from the start of an upstream call to its answer read whole.",
                ["exporter", "signal"],
                new HistogramConfiguration { Buckets = DurationBuckets }));
        _joined = metrics.CreateHistogram(
            "otlptap_upstream_call_requests",
            "Agents' requests joined into one upstream call.",
            ["exporter"],
            new HistogramConfiguration { Buckets = JoinedBuckets }).WithLabels(exporter);
        _requests = BySignal(exporter, metrics.CreateCounter("otlptap_forwarded_requests_total", "Agents' requests sent upstream, resent ones counted again.", ["exporter", "signal"]));
        _bytes = BySignal(exporter, metrics.CreateCounter("otlptap_forwarded_bytes_total", "Message bytes sent upstream, uncompressed, resent ones counted again.", ["exporter", "signal"]));
        var replies = metrics.CreateCounter("otlptap_forward_replies_total", "Replies given to agents' requests, by gRPC status code.", ["exporter", "code"]);
        _replies = [.. Codes.Select(code => replies.WithLabels(exporter, code))];
        _callsInFlight = metrics.CreateGauge("otlptap_upstream_calls_in_flight", "Upstream calls not answered yet.", ["exporter"]).WithLabels(exporter);
        _queueRequests = metrics.CreateGauge("otlptap_forward_queue_requests", "Small requests waiting to be joined into a call.", ["exporter"]).WithLabels(exporter);
        _queueBytes = metrics.CreateGauge("otlptap_forward_queue_bytes", "Message bytes of the requests waiting to be joined into a call.", ["exporter"]).WithLabels(exporter);
        _gateClosed = metrics.CreateGauge("otlptap_upstream_gate_closed", "1 while requests are refused because the upstream could not be connected to, else 0.", ["exporter"]).WithLabels(exporter);
        GateOpened(); // an exporter of the same id, before a reload, may have ended with its gate closed
        _resent = metrics.CreateCounter("otlptap_forward_resent_requests_total", "Requests sent again alone after the joined call that carried them was refused for good.", ["exporter"]).WithLabels(exporter);
        _abandoned = metrics.CreateCounter("otlptap_forward_abandoned_requests_total", "Requests dropped unsent because the agent gave up waiting.", ["exporter"]).WithLabels(exporter);
        var failures = metrics.CreateCounter("otlptap_upstream_failures_total", "Upstream calls that brought no gRPC answer to pass on, by cause.", ["exporter", "cause"]);
        _connectFailed = failures.WithLabels(exporter, "connect_failed");
        _connectionLost = failures.WithLabels(exporter, "connection_lost");
        _timedOut = failures.WithLabels(exporter, "timed_out");
        _notGrpc = failures.WithLabels(exporter, "not_grpc");
        _malformed = failures.WithLabels(exporter, "malformed");
        _faulted = failures.WithLabels(exporter, "internal_error");
    }

    public void CallStarted(Signal signal, int requests, long bytes)
    {
        _callsInFlight.Inc();
        _joined.Observe(requests);
        _requests[(int)signal].Inc(requests);
        _bytes[(int)signal].Inc(bytes);
    }

    public void CallEnded(Signal signal, TimeSpan duration)
    {
        _callsInFlight.Dec();
        _durations[(int)signal].Observe(duration.TotalSeconds);
    }

    public void ConnectFailed() => _connectFailed.Inc();

    public void ConnectionLost() => _connectionLost.Inc();

    public void TimedOut() => _timedOut.Inc();

    public void NotGrpc() => _notGrpc.Inc();

    public void Malformed() => _malformed.Inc();

    public void Faulted() => _faulted.Inc();

    public void GateClosed() => _gateClosed.Set(1);

    public void GateOpened() => _gateClosed.Set(0);

    public void Queued(int bytes)
    {
        _queueRequests.Inc();
        _queueBytes.Inc(bytes);
    }

    public void Unqueued(int requests, long bytes)
    {
        _queueRequests.Dec(requests);
        _queueBytes.Dec(bytes);
    }

    public void Abandoned() => _abandoned.Inc();

    public void Resent() => _resent.Inc();

    /// <summary>The upstream's word on the items of one request.</summary>
    /// <param name="isLastWord">Nobody sends them again when they were refused.</param>
    public void Answered(Signal signal, int items, ExportReply reply, bool isLastWord)
    {
        if (reply.Status == StatusCode.OK)
        {
            _items.Accepted(signal, items, reply);
        }
        else if (isLastWord)
        {
            _items.SendFailed(signal, items);
        }
    }

    public void Replied(StatusCode status) => _replies[(int)status].Inc();

    private static TChild[] BySignal<TChild>(string exporter, Collector<TChild> family)
        where TChild : ChildBase =>
        [.. Signals.Select(signal => family.WithLabels(exporter, signal))];
}
