using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Benchmarks.Payloads;

namespace OtlpTap.Benchmarks.Micro;

/// <summary>What is measured with, by its number of spans and what they hold.</summary>
public enum RequestSize
{
    /// <summary>1 span, about 690 bytes.</summary>
    Small,

    /// <summary>50 spans, about 66 KB.</summary>
    Typical,

    /// <summary>512 spans, about 676 KB: a full batch of an SDK's exporter.</summary>
    Huge,

    /// <summary>50 spans, as costly as valid ones get.</summary>
    Hostile,
}

internal static class RequestSizes
{
    public static int Spans(this RequestSize size) => size switch
    {
        RequestSize.Small => 1,
        RequestSize.Typical => 50,
        RequestSize.Huge => 512,
        _ => HostileTraces.Spans,
    };

    /// <summary>Nothing in it fails, but in the hostile one everything.</summary>
    public static ExportTraceServiceRequest Request(this RequestSize size) =>
        size == RequestSize.Hostile ? HostileTraces.Request() : AgentTraces.Request(size.Spans());

    /// <summary>2 % of the spans fail, at least one.</summary>
    public static ExportTraceServiceRequest FailingRequest(this RequestSize size) =>
        size == RequestSize.Hostile ? HostileTraces.Request() : AgentTraces.Request(size.Spans(), Math.Max(1, size.Spans() / 50));

    public static byte[] Bytes(this RequestSize size) => size.Request().ToByteArray();
}
