using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Evaluations;
using OtlpTap.Otlp;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Evaluations;

/// <summary>Requests with evaluations, and what the tap makes of them. Ids of traces and spans are small numbers; 0 is none.</summary>
internal static class Told
{
    public static Span Span(byte trace, byte span, byte parent = 0, string name = "chat model", params (string Key, object? Value)[] attributes) => new()
    {
        TraceId = TraceBuilder.TraceIdBytes(trace),
        SpanId = TraceBuilder.SpanIdBytes(span),
        ParentSpanId = parent == 0 ? ByteString.Empty : TraceBuilder.SpanIdBytes(parent),
        Name = name,
        StartTimeUnixNano = 1_700_000_000_000_000_000 + ((ulong)trace * 1_000_000_000),
        Attributes = { attributes.Select(attribute => TraceBuilder.Attribute(attribute.Key, attribute.Value)) },
    };

    public static Span LinkedTo(this Span span, byte trace, byte target)
    {
        span.Links.Add(new Span.Types.Link { TraceId = TraceBuilder.TraceIdBytes(trace), SpanId = TraceBuilder.SpanIdBytes(target) });
        return span;
    }

    public static Span With(this Span span, string eventName, params (string Key, object? Value)[] attributes)
    {
        span.Events.Add(new Span.Types.Event { Name = eventName, Attributes = { attributes.Select(attribute => TraceBuilder.Attribute(attribute.Key, attribute.Value)) } });
        return span;
    }

    public static LogRecord Log(byte trace, byte span, string eventName, params (string Key, object? Value)[] attributes) => new()
    {
        TraceId = trace == 0 ? ByteString.Empty : TraceBuilder.TraceIdBytes(trace),
        SpanId = span == 0 ? ByteString.Empty : TraceBuilder.SpanIdBytes(span),
        EventName = eventName,
        Attributes = { attributes.Select(attribute => TraceBuilder.Attribute(attribute.Key, attribute.Value)) },
    };

    public static AnyValue Map(params (string Key, object? Value)[] values) =>
        new() { KvlistValue = new KeyValueList { Values = { values.Select(value => TraceBuilder.Attribute(value.Key, value.Value)) } } };

    public static byte[] Traces(params Span[] spans)
    {
        var builder = new TraceBuilder().Resource("agent").Scope("library");
        builder.Request.ResourceSpans[0].ScopeSpans[0].Spans.AddRange(spans);
        return builder.ToBytes();
    }

    public static byte[] Logs(params LogRecord[] records) => new ExportLogsServiceRequest
    {
        ResourceLogs = { new ResourceLogs { ScopeLogs = { new ScopeLogs { LogRecords = { records } } } } },
    }.ToByteArray();

    /// <summary>As <c>trace/span failure</c>, in the order of the payload.</summary>
    public static string[] Judged(byte[] spans, byte[]? logs = null, EvaluationOptions? options = null) =>
        [.. EvaluationPass.Read(spans, logs ?? [], options ?? new EvaluationOptions()).Select(found => Text(found.TraceId, found.Verdict))];

    /// <summary>What is expected where there is one verdict or none.</summary>
    public static string[] One(string? verdict) => verdict is null ? [] : [verdict];

    public static string Text(TraceId traceId, in OtlpTap.Verdicts.Verdict verdict) => $"{traceId.Low}/{verdict.SpanId.Value} {verdict.Failure}";
}
