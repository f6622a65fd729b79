using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>The <c>:path</c> of the calls that go upstream.</summary>
internal static class UpstreamPaths
{
    /// <summary>gRPC's health service: answers without side effects; a server that lacks it says UNIMPLEMENTED, which proves as much.</summary>
    public const string HealthCheck = "/grpc.health.v1.Health/Check";

    public static string Export(Signal signal) => signal switch
    {
        Signal.Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal.Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal.Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        _ => throw new ArgumentOutOfRangeException(nameof(signal)),
    };
}
