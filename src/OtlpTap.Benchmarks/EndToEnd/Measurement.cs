namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>One run of one proxy under one load.</summary>
/// <param name="Proxy">Its name.</param>
/// <param name="RequestsPerSecond">As the load generator saw them.</param>
/// <param name="CpuMicroseconds">The proxy process's own processor time for each request.</param>
/// <param name="P50Microseconds">Latency, median.</param>
/// <param name="P99Microseconds">Latency, 99th percentile.</param>
/// <param name="UpstreamCalls">Calls at the sink for each request: below 1 where a proxy merges.</param>
/// <param name="AddedBytes">By how much a request's message has grown on its way.</param>
/// <param name="AllocatedBytes">Managed memory allocated for each request; null when the proxy does not tell.</param>
/// <param name="ResidentBytes">The proxy process's memory after the run.</param>
/// <param name="ForeignCores">Processors that others kept busy meanwhile.</param>
internal sealed record Measurement(
    string Proxy,
    double RequestsPerSecond,
    double CpuMicroseconds,
    double P50Microseconds,
    double P99Microseconds,
    double UpstreamCalls,
    double AddedBytes,
    double? AllocatedBytes,
    long ResidentBytes,
    double ForeignCores);
