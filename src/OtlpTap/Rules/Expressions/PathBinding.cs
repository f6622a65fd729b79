using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Rules.Ottl;

namespace OtlpTap.Rules.Expressions;

/// <summary>
/// The fields that paths read. Sources: github.com/open-telemetry/opentelemetry-collector-contrib, pkg/ottl/contexts, the
/// README of each context.
/// </summary>
internal static class PathBinding
{
    private static readonly MapValue NoEntries = new([]);

    /// <summary>Null when the context has no such field, or not with keys: those of what is no map or list are refused.</summary>
    /// <param name="context">In the long form: <c>instrumentation_scope</c>.</param>
    /// <param name="field">With its dots: <c>status.code</c>.</param>
    public static Func<TelemetryItem, Value>? Find(RuleContext own, string context, string field, IReadOnlyList<Expression> keys)
    {
        if (field == "cache")
        {
            // Starts empty, and a condition puts nothing in.
            return context == Names.ContextsFor(own)[0] ? Keyed(_ => NoEntries, keys) : null;
        }

        if (MapOf(context, field) is { } map)
        {
            return Keyed(map, keys);
        }

        switch (context, field)
        {
            case ("span", "trace_state") when keys.Count > 0:
                return keys.Count == 1 ? TraceStateMember(keys[0]) : null;
            case ("log", "body") when keys.Count > 0:
                return item => Body(item, keys);
            case ("otelcol", "client.metadata" or "client.auth.attributes" or "grpc.metadata") when keys.Count > 0:
                return context == "otelcol" && field == "grpc.metadata" ? _ => Value.Nil : item => Name(keys[0].Get(item)) is Failure failure ? failure : Value.Nil;
        }

        return keys.Count == 0 ? Field(context, field) : null;
    }

    private static Func<TelemetryItem, MapValue>? MapOf(string context, string field) => (context, field) switch
    {
        ("span", "attributes") => item => item.SpanAttributes,
        ("spanevent" or "log", "attributes") => item => item.Attributes,
        ("resource", "attributes") => item => item.ResourceAttributes,
        ("instrumentation_scope", "attributes") => item => item.ScopeAttributes,
        _ => null,
    };

    private static Func<TelemetryItem, Value>? Field(string context, string field) => context switch
    {
        "span" => SpanField(field),
        "spanevent" => EventField(field),
        "log" => LogField(field),
        "resource" => field switch
        {
            "dropped_attributes_count" => item => new IntValue(item.Resource.DroppedAttributesCount),
            "schema_url" => item => Text(item.ResourceSchemaUrl),
            _ => null,
        },
        "instrumentation_scope" => field switch
        {
            "name" => item => Text(item.Scope.Name),
            "version" => item => Text(item.Scope.Version),
            "dropped_attributes_count" => item => new IntValue(item.Scope.DroppedAttributesCount),
            "schema_url" => item => Text(item.ScopeSchemaUrl),
            _ => null,
        },

        // Who sent a request is not part of the payload.
        _ => field switch
        {
            "client.addr" => _ => Value.Nil,
            "client.metadata" or "client.auth.attributes" or "grpc.metadata" => _ => NoEntries,
            _ => null,
        },
    };

    private static Func<TelemetryItem, Value>? SpanField(string field) => field switch
    {
        "trace_id" => item => TelemetryItem.IdOf(IdKind.Trace, item.Span!.TraceId),
        "trace_id.string" => item => Hexadecimal(TelemetryItem.IdOf(IdKind.Trace, item.Span!.TraceId)),
        "span_id" => item => TelemetryItem.IdOf(IdKind.Span, item.Span!.SpanId),
        "span_id.string" => item => Hexadecimal(TelemetryItem.IdOf(IdKind.Span, item.Span!.SpanId)),
        "parent_span_id" => item => TelemetryItem.IdOf(IdKind.Span, item.Span!.ParentSpanId),
        "parent_span_id.string" => item => Hexadecimal(TelemetryItem.IdOf(IdKind.Span, item.Span!.ParentSpanId)),
        "trace_state" => item => Text(item.Span!.TraceState),
        "name" => item => Text(item.Span!.Name),
        "kind" => item => new IntValue((int)item.Span!.Kind),
        "kind.string" => item => Text(KindName(item.Span!.Kind)),
        "kind.deprecated_string" => item => Text(KindName(item.Span!.Kind) is { Length: > 0 } name ? "SPAN_KIND_" + name.ToUpperInvariant() : ""),
        "start_time" => item => new TimeValue(Instant.FromWire(item.Span!.StartTimeUnixNano)),
        "start_time_unix_nano" => item => new IntValue(unchecked((long)item.Span!.StartTimeUnixNano)),
        "end_time" => item => new TimeValue(Instant.FromWire(item.Span!.EndTimeUnixNano)),
        "end_time_unix_nano" => item => new IntValue(unchecked((long)item.Span!.EndTimeUnixNano)),
        "dropped_attributes_count" => item => new IntValue(item.Span!.DroppedAttributesCount),
        "events" => item => new OpaqueValue("ptrace.SpanEventSlice", item.Span!.Events, item.Span.Events.Count),
        "dropped_events_count" => item => new IntValue(item.Span!.DroppedEventsCount),
        "links" => item => new OpaqueValue("ptrace.SpanLinkSlice", item.Span!.Links, item.Span.Links.Count),
        "dropped_links_count" => item => new IntValue(item.Span!.DroppedLinksCount),
        "status" => item => new OpaqueValue("ptrace.Status", item.Span!, null),
        "status.code" => item => new IntValue((int)(item.Span!.Status?.Code ?? 0)),
        "status.message" => item => Text(item.Span!.Status?.Message ?? ""),
        "flags" => item => new IntValue(item.Span!.Flags),
        _ => null,
    };

    private static Func<TelemetryItem, Value>? EventField(string field) => field switch
    {
        "time" => item => new TimeValue(Instant.FromWire(item.Event!.TimeUnixNano)),
        "time_unix_nano" => item => new IntValue(unchecked((long)item.Event!.TimeUnixNano)),
        "name" => item => Text(item.Event!.Name),
        "dropped_attributes_count" => item => new IntValue(item.Event!.DroppedAttributesCount),
        "event_index" => item => new IntValue(item.EventIndex),
        _ => null,
    };

    private static Func<TelemetryItem, Value>? LogField(string field) => field switch
    {
        "time" => item => new TimeValue(Instant.FromWire(item.Log!.TimeUnixNano)),
        "time_unix_nano" => item => new IntValue(unchecked((long)item.Log!.TimeUnixNano)),
        "observed_time" => item => new TimeValue(Instant.FromWire(item.Log!.ObservedTimeUnixNano)),
        "observed_time_unix_nano" => item => new IntValue(unchecked((long)item.Log!.ObservedTimeUnixNano)),
        "severity_number" => item => new IntValue((int)item.Log!.SeverityNumber),
        "severity_text" => item => Text(item.Log!.SeverityText),
        "body" => item => TelemetryItem.ValueOf(item.Log!.Body),
        "body.string" => item => new TextValue(DisplayText.Of(TelemetryItem.ValueOf(item.Log!.Body))),
        "dropped_attributes_count" => item => new IntValue(item.Log!.DroppedAttributesCount),
        "flags" => item => new IntValue(item.Log!.Flags),
        "trace_id" => item => TelemetryItem.IdOf(IdKind.Trace, item.Log!.TraceId),
        "trace_id.string" => item => Hexadecimal(TelemetryItem.IdOf(IdKind.Trace, item.Log!.TraceId)),
        "span_id" => item => TelemetryItem.IdOf(IdKind.Span, item.Log!.SpanId),
        "span_id.string" => item => Hexadecimal(TelemetryItem.IdOf(IdKind.Span, item.Log!.SpanId)),
        "event_name" => item => Text(item.Log!.EventName),
        _ => null,
    };

    private static TextValue Text(string text) => text.Length == 0 ? TextValue.Empty : new TextValue(ByteText.Of(text));

    private static TextValue Hexadecimal(IdValue id) => new(Convert.ToHexStringLower(id.Bytes));

    private static string KindName(Span.Types.SpanKind kind) => kind switch
    {
        Span.Types.SpanKind.Unspecified => "Unspecified",
        Span.Types.SpanKind.Internal => "Internal",
        Span.Types.SpanKind.Server => "Server",
        Span.Types.SpanKind.Client => "Client",
        Span.Types.SpanKind.Producer => "Producer",
        Span.Types.SpanKind.Consumer => "Consumer",
        _ => "",
    };

    private static Func<TelemetryItem, Value> TraceStateMember(Expression key) => item =>
        TraceState.Find(ByteText.Of(item.Span!.TraceState), key is LiteralExpression { Value: TextValue name } ? name.Text : "") is { } member
            ? key is LiteralExpression { Value: TextValue } ? new TextValue(member) : new Failure("a key of a trace state is a string written in the condition")
            : Value.Nil;

    private static Value Body(TelemetryItem item, IReadOnlyList<Expression> keys) => TelemetryItem.ValueOf(item.Log!.Body) switch
    {
        (MapValue or ListValue) and var body => Index(body, keys, 0, item),
        var other => new Failure($"a body of type {other.TypeName} has no keys"),
    };

    private static Func<TelemetryItem, Value> Keyed(Func<TelemetryItem, MapValue> map, IReadOnlyList<Expression> keys) =>
        keys.Count == 0 ? map : keys is [LiteralExpression { Value: TextValue key }] ? item => map(item).TryGet(key.Text, out var value) ? value : Value.Nil : item => Index(map(item), keys, 0, item);

    /// <summary>A key that a map lacks makes nil of all that follows; a scalar with a key, or an index out of bounds, is an error.</summary>
    private static Value Index(Value value, IReadOnlyList<Expression> keys, int from, TelemetryItem item)
    {
        for (var i = from; i < keys.Count; i++)
        {
            switch (value)
            {
                case MapValue map:
                    var name = Name(keys[i].Get(item));
                    if (name is Failure)
                    {
                        return name;
                    }

                    if (!map.TryGet(((TextValue)name).Text, out value))
                    {
                        return Value.Nil;
                    }

                    break;

                case ListValue list:
                    switch (keys[i].Get(item))
                    {
                        case IntValue { Value: var index } when index >= 0 && index < list.Elements.Count:
                            value = list.Elements[(int)index];
                            break;
                        case IntValue { Value: var index }:
                            return new Failure($"the index {index} is out of bounds");
                        case Failure failure:
                            return failure;
                        case var other:
                            return new Failure($"an index into a list is an integer, not of type {other.TypeName}");
                    }

                    break;

                default:
                    return new Failure($"a value of type {value.TypeName} has no keys");
            }
        }

        return value;
    }

    private static Value Name(Value key) => key is TextValue or Failure ? key : new Failure($"a key into a map is a string, not of type {key.TypeName}");
}
