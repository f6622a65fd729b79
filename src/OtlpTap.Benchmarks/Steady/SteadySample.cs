using OtlpTap.Benchmarks.EndToEnd;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>The tap at one moment of a run, and what its senders saw in the second before.</summary>
internal sealed record SteadySample(
    double Seconds,
    double RequestsPerSecond,
    LatencyWindow.LatencyCounts Latencies,
    double ResidentBytes,
    double RingBytes,
    double HeapBytes,
    double TeeDropped,
    double Occurrences,
    double PendingCaptures,
    double CapturesDropped,
    double Examined,
    double NotExamined,
    double PauseSeconds,
    double AllocatedBytes)
{
    /// <summary>What is resident beside the recorder's ring, which grows to its size and stays there.</summary>
    public double BesideRingBytes => ResidentBytes - RingBytes;

    public static SteadySample Of(double seconds, double requestsPerSecond, LatencyWindow.LatencyCounts latencies, double residentBytes, string page) => new(
        seconds,
        requestsPerSecond,
        latencies,
        residentBytes,
        PrometheusText.Sum(page, "otlptap_recorder_memory_bytes"),
        PrometheusText.Sum(page, "dotnet_gc_heap_bytes"),
        PrometheusText.Sum(page, "otlptap_tee_dropped_requests_total"),
        PrometheusText.Sum(page, "otlptap_corpus_occurrences_total"),
        PrometheusText.Sum(page, "otlptap_corpus_pending_captures"),
        PrometheusText.Sum(page, "otlptap_corpus_captures_dropped_total"),
        PrometheusText.Sum(page, "otlptap_detector_traces_total"),
        PrometheusText.Sum(page, "otlptap_detector_dropped_traces_total"),
        PrometheusText.Sum(page, "dotnet_gc_pause_seconds_total"),
        PrometheusText.Sum(page, "dotnet_gc_allocated_bytes_total"));
}
