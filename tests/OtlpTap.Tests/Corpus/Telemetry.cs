using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Corpus;

/// <summary>Spans, log records and requests by number.</summary>
internal static class Telemetry
{
    public const ulong StartUnixNano = 1_793_491_200_000_000_000; // 2026-11-01T00:00:00Z, where the tests' clock starts

    public static TraceId Trace(int number) => new(0xabc, (ulong)number);

    public static SpanId SpanOf(int number) => new((ulong)number);

    /// <summary>A span of a trace whose root has the number 1, which is everybody's parent unless another is given.</summary>
    public static Span Span(int trace, int number, bool failed = false, int? parent = null)
    {
        var parentNumber = parent ?? (number == 1 ? 0 : 1);
        var span = new Span
        {
            TraceId = Bytes(Trace(trace)),
            SpanId = Bytes(SpanOf(number)),
            ParentSpanId = parentNumber == 0 ? ByteString.Empty : Bytes(SpanOf(parentNumber)),
            Name = $"step {number}",
            StartTimeUnixNano = StartUnixNano + ((ulong)number * 1_000_000),
            EndTimeUnixNano = StartUnixNano + ((ulong)number * 1_000_000) + 500_000,
            Attributes = { new KeyValue { Key = "gen_ai.input", Value = new AnyValue { StringValue = $"\u201cWhat is {number}?\u201d <b>" } } },
        };
        if (failed)
        {
            span.Status = new Status { Code = Status.Types.StatusCode.Error, Message = "no answer" };
        }

        return span;
    }

    public static LogRecord Log(int trace, int span, string text) => new()
    {
        TraceId = Bytes(Trace(trace)),
        SpanId = Bytes(SpanOf(span)),
        TimeUnixNano = StartUnixNano + (ulong)span,
        Body = new AnyValue { StringValue = text },
    };

    public static ExportTraceServiceRequest Request(params IEnumerable<Span> spans) => RequestFrom("weather-agent", spans);

    public static ExportTraceServiceRequest RequestFrom(string service, params IEnumerable<Span> spans) => new()
    {
        ResourceSpans =
        {
            new ResourceSpans
            {
                Resource = ResourceOf(service),
                ScopeSpans = { new ScopeSpans { Scope = new InstrumentationScope { Name = "agent.library", Version = "1.2" }, Spans = { spans }, SchemaUrl = "https://opentelemetry.io/schemas/1.37.0" } },
            },
        },
    };

    public static ExportLogsServiceRequest Request(params IEnumerable<LogRecord> records) => new()
    {
        ResourceLogs =
        {
            new ResourceLogs
            {
                Resource = ResourceOf("weather-agent"),
                ScopeLogs = { new ScopeLogs { Scope = new InstrumentationScope { Name = "agent.log" }, LogRecords = { records } } },
            },
        },
    };

    public static IEnumerable<Span> SpansIn(ExportTraceServiceRequest request) =>
        request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans);

    public static IEnumerable<LogRecord> LogsIn(ExportLogsServiceRequest request) =>
        request.ResourceLogs.SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords);

    public static ByteString Bytes(TraceId id)
    {
        var bytes = new byte[TraceId.Length];
        id.WriteTo(bytes);
        return ByteString.CopyFrom(bytes);
    }

    public static ByteString Bytes(SpanId id)
    {
        var bytes = new byte[SpanId.Length];
        id.WriteTo(bytes);
        return ByteString.CopyFrom(bytes);
    }

    private static Resource ResourceOf(string service) => new()
    {
        Attributes =
        {
            new KeyValue { Key = "deployment.environment.name", Value = new AnyValue { StringValue = "production" } },
            new KeyValue { Key = "service.name", Value = new AnyValue { StringValue = service } },
        },
    };
}
