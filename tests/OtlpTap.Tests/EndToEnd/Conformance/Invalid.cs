using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Metrics.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Metrics.V1;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.EndToEnd.Conformance;

/// <summary>Requests that are well-formed and hold items that are not valid.</summary>
internal static class Invalid
{
    /// <summary>Two items, of which the first is invalid and cannot be mended.</summary>
    public static byte[] OneOfTwo(Signal signal) => signal switch
    {
        Signal.Traces => Spans(),
        Signal.Logs => new ExportLogsServiceRequest
        {
            ResourceLogs =
            {
                new ResourceLogs
                {
                    ScopeLogs = { new ScopeLogs { LogRecords = { new LogRecord { TraceId = ByteString.CopyFrom(1, 2) }, new LogRecord { SeverityText = "INFO" } } } },
                },
            },
        }.ToByteArray(),
        _ => new ExportMetricsServiceRequest
        {
            ResourceMetrics =
            {
                new ResourceMetrics
                {
                    ScopeMetrics =
                    {
                        new ScopeMetrics
                        {
                            Metrics =
                            {
                                new Metric { Gauge = new Gauge { DataPoints = { new NumberDataPoint { AsInt = 1 } } } },
                                new Metric { Name = "named", Gauge = new Gauge { DataPoints = { new NumberDataPoint { AsInt = 2 } } } },
                            },
                        },
                    },
                },
            },
        }.ToByteArray(),
    };

    private static byte[] Spans()
    {
        var builder = new TraceBuilder().Span("wrong");
        builder.LastSpan.TraceId = ByteString.CopyFrom(1, 2);
        return builder.Span("right").ToBytes();
    }
}
