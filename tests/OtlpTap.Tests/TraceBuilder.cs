using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests;

/// <summary>
/// Builds trace requests so that a test shows only what matters to it. A span goes into the last scope, a scope into
/// the last resource; both are made when missing. Ids count up; all spans are of one trace until <see cref="Trace"/>.
/// </summary>
internal sealed class TraceBuilder
{
    private byte _trace = 1;
    private byte _span;

    public ExportTraceServiceRequest Request { get; } = new();

    public Span LastSpan => LastScope.Spans[^1];

    private ResourceSpans LastResource => Request.ResourceSpans.Count > 0 ? Request.ResourceSpans[^1] : Resource("agent").LastResource;

    private ScopeSpans LastScope => LastResource.ScopeSpans.Count > 0 ? LastResource.ScopeSpans[^1] : Scope("agent.library").LastScope;

    public static ByteString TraceIdBytes(byte number) => ByteString.CopyFrom([.. new byte[15], number]);

    public static ByteString SpanIdBytes(byte number) => ByteString.CopyFrom([.. new byte[7], number]);

    public static AnyValue ValueOf(object? value) => value switch
    {
        null => new AnyValue(),
        string text => new AnyValue { StringValue = text },
        bool truth => new AnyValue { BoolValue = truth },
        int number => new AnyValue { IntValue = number },
        long number => new AnyValue { IntValue = number },
        double number => new AnyValue { DoubleValue = number },
        byte[] bytes => new AnyValue { BytesValue = ByteString.CopyFrom(bytes) },
        string[] list => new AnyValue { ArrayValue = new ArrayValue { Values = { list.Select(ValueOf) } } },
        _ => throw new ArgumentException($"No attribute value is a {value.GetType()}."),
    };

    public static KeyValue Attribute(string key, object? value) => new() { Key = key, Value = ValueOf(value) };

    public TraceBuilder Resource(string? service, params (string Key, object? Value)[] attributes)
    {
        var resource = new Resource();
        if (service is not null)
        {
            resource.Attributes.Add(Attribute("service.name", service));
        }

        resource.Attributes.AddRange(attributes.Select(attribute => Attribute(attribute.Key, attribute.Value)));
        Request.ResourceSpans.Add(new ResourceSpans { Resource = resource });
        return this;
    }

    public TraceBuilder Scope(string name)
    {
        LastResource.ScopeSpans.Add(new ScopeSpans { Scope = new InstrumentationScope { Name = name } });
        return this;
    }

    /// <summary>The spans to come are of the trace with this number as its id.</summary>
    public TraceBuilder Trace(byte number)
    {
        _trace = number;
        return this;
    }

    public TraceBuilder Span(string name, params (string Key, object? Value)[] attributes)
    {
        LastScope.Spans.Add(new Span
        {
            TraceId = TraceIdBytes(_trace),
            SpanId = SpanIdBytes(++_span),
            Name = name,
            StartTimeUnixNano = 1_700_000_000_000_000_000,
            EndTimeUnixNano = 1_700_000_001_000_000_000,
            Attributes = { attributes.Select(attribute => Attribute(attribute.Key, attribute.Value)) },
        });
        return this;
    }

    /// <summary>Sets the last span's status to ERROR.</summary>
    public TraceBuilder Failed(string message = "")
    {
        LastSpan.Status = new Status { Code = Status.Types.StatusCode.Error, Message = message };
        return this;
    }

    /// <summary>Adds an event to the last span.</summary>
    public TraceBuilder Event(string name, params (string Key, object? Value)[] attributes)
    {
        LastSpan.Events.Add(new Span.Types.Event { Name = name, Attributes = { attributes.Select(attribute => Attribute(attribute.Key, attribute.Value)) } });
        return this;
    }

    public byte[] ToBytes() => Request.ToByteArray();
}
