using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>The <c>:path</c> of the calls that go upstream.</summary>
internal static class UpstreamPaths
{
    public static string Export(Signal signal) => signal switch
    {
        Signal.Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal.Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal.Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        _ => throw new ArgumentOutOfRangeException(nameof(signal)),
    };
}
