using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace OtlpTap.Cli.Demo;

/// <summary>One export request with one trace, whose spans follow each other in time.</summary>
internal sealed class DemoTrace
{
    private readonly ByteString _traceId = RandomId(16);
    private readonly ScopeSpans _scope = new() { Scope = new InstrumentationScope { Name = "otlptap.demo" } };
    private ulong _nanoseconds;

    public DemoTrace(string service, DateTimeOffset start)
    {
        _nanoseconds = (ulong)start.ToUnixTimeMilliseconds() * 1_000_000;
        var resource = new ResourceSpans { Resource = new Resource() };
        resource.Resource.Attributes.Add(Attribute("service.name", service));
        resource.ScopeSpans.Add(_scope);
        Request.ResourceSpans.Add(resource);
    }

    public ExportTraceServiceRequest Request { get; } = new();

    public string Id => Convert.ToHexStringLower(_traceId.Span);

    public Span Span(string name, Span? parent, ulong milliseconds, params (string Key, string Value)[] attributes)
    {
        var span = new Span
        {
            TraceId = _traceId,
            SpanId = RandomId(8),
            ParentSpanId = parent?.SpanId ?? ByteString.Empty,
            Name = name,
            Kind = parent is null ? OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind.Internal : OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind.Client,
            StartTimeUnixNano = _nanoseconds,
            EndTimeUnixNano = _nanoseconds + (milliseconds * 1_000_000),
        };
        if (parent is not null)
        {
            _nanoseconds = span.EndTimeUnixNano;
        }

        foreach (var (key, value) in attributes)
        {
            span.Attributes.Add(Attribute(key, value));
        }

        _scope.Spans.Add(span);
        return span;
    }

    public static void Finish(Span span, string reason)
    {
        var reasons = new ArrayValue();
        reasons.Values.Add(new AnyValue { StringValue = reason });
        span.Attributes.Add(new KeyValue { Key = "gen_ai.response.finish_reasons", Value = new AnyValue { ArrayValue = reasons } });
    }

    public static void Fail(Span span, string type, string message)
    {
        span.Status = new Status { Code = Status.Types.StatusCode.Error, Message = message };
        span.Attributes.Add(Attribute("error.type", type));
    }

    private static KeyValue Attribute(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value } };

    private static ByteString RandomId(int length)
    {
        var bytes = new byte[length];
        Random.Shared.NextBytes(bytes);
        return ByteString.CopyFrom(bytes);
    }
}
