using Google.Protobuf;
using Google.Protobuf.Collections;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace OtlpTap.Rules.Expressions;

/// <summary>
/// What a condition is evaluated on: a span, an event of a span, or a log record, with all that surrounds it. Attributes
/// are made into values when the first condition asks for them, once for all conditions.
/// </summary>
internal sealed class TelemetryItem
{
    private static readonly MapValue NoEntries = new([]);

    private readonly Surroundings _surroundings;
    private readonly Lazy<MapValue> _attributes;

    private TelemetryItem(RuleContext context, Surroundings surroundings, RepeatedField<KeyValue> attributes)
    {
        Context = context;
        _surroundings = surroundings;
        _attributes = new Lazy<MapValue>(() => MapOf(attributes));
    }

    public RuleContext Context { get; }

    /// <summary>The span itself, or the one of the event; null for a log record.</summary>
    public Span? Span { get; private init; }

    public Span.Types.Event? Event { get; private init; }

    public int EventIndex { get; private init; }

    public LogRecord? Log { get; private init; }

    public Resource Resource => _surroundings.Resource;

    public string ResourceSchemaUrl => _surroundings.ResourceSchemaUrl;

    public InstrumentationScope Scope => _surroundings.Scope;

    public string ScopeSchemaUrl => _surroundings.ScopeSchemaUrl;

    public MapValue ResourceAttributes => _surroundings.ResourceAttributes.Value;

    public MapValue ScopeAttributes => _surroundings.ScopeAttributes.Value;

    /// <summary>Those of the item itself.</summary>
    public MapValue Attributes => _attributes.Value;

    /// <summary>Those of the span, be it the item or the event's.</summary>
    public MapValue SpanAttributes => SpanOfEvent?.Attributes ?? Attributes;

    private TelemetryItem? SpanOfEvent { get; init; }

    /// <summary>The spans of a request in their order.</summary>
    public static IEnumerable<TelemetryItem> SpansOf(IEnumerable<ResourceSpans> resources)
    {
        foreach (var resource in resources)
        {
            var resourceAttributes = new Lazy<MapValue>(() => resource.Resource is { } known ? MapOf(known.Attributes) : NoEntries);
            foreach (var scope in resource.ScopeSpans)
            {
                var surroundings = new Surroundings(
                    resource.Resource ?? new Resource(),
                    resource.SchemaUrl,
                    resourceAttributes,
                    scope.Scope ?? new InstrumentationScope(),
                    scope.SchemaUrl,
                    new Lazy<MapValue>(() => scope.Scope is { } known ? MapOf(known.Attributes) : NoEntries));
                foreach (var span in scope.Spans)
                {
                    yield return new TelemetryItem(RuleContext.Span, surroundings, span.Attributes) { Span = span };
                }
            }
        }
    }

    /// <summary>The events of all spans of a request in their order.</summary>
    public static IEnumerable<TelemetryItem> EventsOf(IEnumerable<ResourceSpans> resources)
    {
        foreach (var span in SpansOf(resources))
        {
            for (var i = 0; i < span.Span!.Events.Count; i++)
            {
                var one = span.Span.Events[i];
                yield return new TelemetryItem(RuleContext.SpanEvent, span._surroundings, one.Attributes) { Span = span.Span, SpanOfEvent = span, Event = one, EventIndex = i };
            }
        }
    }

    /// <summary>The log records of a request in their order.</summary>
    public static IEnumerable<TelemetryItem> LogsOf(IEnumerable<ResourceLogs> resources)
    {
        foreach (var resource in resources)
        {
            var resourceAttributes = new Lazy<MapValue>(() => resource.Resource is { } known ? MapOf(known.Attributes) : NoEntries);
            foreach (var scope in resource.ScopeLogs)
            {
                var surroundings = new Surroundings(
                    resource.Resource ?? new Resource(),
                    resource.SchemaUrl,
                    resourceAttributes,
                    scope.Scope ?? new InstrumentationScope(),
                    scope.SchemaUrl,
                    new Lazy<MapValue>(() => scope.Scope is { } known ? MapOf(known.Attributes) : NoEntries));
                foreach (var record in scope.LogRecords)
                {
                    yield return new TelemetryItem(RuleContext.Log, surroundings, record.Attributes) { Log = record };
                }
            }
        }
    }

    public static Value ValueOf(AnyValue? value) => value?.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => new TextValue(ByteText.Of(value.StringValue)),
        AnyValue.ValueOneofCase.BoolValue => BoolValue.Of(value.BoolValue),
        AnyValue.ValueOneofCase.IntValue => new IntValue(value.IntValue),
        AnyValue.ValueOneofCase.DoubleValue => new DoubleValue(value.DoubleValue),
        AnyValue.ValueOneofCase.BytesValue => new BytesValue(value.BytesValue.ToByteArray()),
        AnyValue.ValueOneofCase.ArrayValue => new ListValue([.. value.ArrayValue.Values.Select(ValueOf)]),
        AnyValue.ValueOneofCase.KvlistValue => MapOf(value.KvlistValue.Values),
        _ => Value.Nil,
    };

    /// <summary>An absent id is one of zeros.</summary>
    public static IdValue IdOf(IdKind kind, ByteString bytes)
    {
        var id = new byte[kind == IdKind.Span ? 8 : 16];
        if (bytes.Length == id.Length)
        {
            bytes.CopyTo(id, 0);
        }

        return new IdValue(kind, id);
    }

    private static MapValue MapOf(RepeatedField<KeyValue> entries) =>
        entries.Count == 0 ? NoEntries : new MapValue([.. entries.Select(entry => KeyValuePair.Create(ByteText.Of(entry.Key), ValueOf(entry.Value)))]);

    private sealed record Surroundings(
        Resource Resource,
        string ResourceSchemaUrl,
        Lazy<MapValue> ResourceAttributes,
        InstrumentationScope Scope,
        string ScopeSchemaUrl,
        Lazy<MapValue> ScopeAttributes);
}
