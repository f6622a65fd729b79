namespace OtlpTap.Otlp;

/// <summary>The gRPC services of OTLP 1.9, one for each signal, each with one method: <c>Export</c>.</summary>
internal static class ExportServiceNames
{
    public static string Of(Signal signal) => signal switch
    {
        Signal.Traces => "opentelemetry.proto.collector.trace.v1.TraceService",
        Signal.Logs => "opentelemetry.proto.collector.logs.v1.LogsService",
        Signal.Metrics => "opentelemetry.proto.collector.metrics.v1.MetricsService",
        _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, null),
    };

    /// <summary>The HTTP/2 <c>:path</c> of the signal's Export method.</summary>
    public static string PathOf(Signal signal) => $"/{Of(signal)}/Export";
}
