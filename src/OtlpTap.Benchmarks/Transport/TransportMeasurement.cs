namespace OtlpTap.Benchmarks.Transport;

/// <summary>One run of one transport under one load.</summary>
/// <param name="Load">Which load.</param>
/// <param name="Transport">Its name.</param>
/// <param name="CpuMicroseconds">Processor time of the process that calls, for each call.</param>
/// <param name="AllocatedBytes">Managed memory allocated for each call.</param>
/// <param name="P50Microseconds">From the call to its answer, median.</param>
/// <param name="CallsPerSecond">All that came back.</param>
/// <param name="ForeignCores">Processors that others kept busy meanwhile.</param>
internal sealed record TransportMeasurement(
    TransportCase Load,
    string Transport,
    double CpuMicroseconds,
    double AllocatedBytes,
    double P50Microseconds,
    double CallsPerSecond,
    double ForeignCores);
