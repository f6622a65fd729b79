using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Scan;

/// <summary>A field as the specification names it; <see cref="Message"/> is set where the scan walks into it.</summary>
internal sealed class FieldShape(string name, bool isRepeated = false, MessageShape? message = null)
{
    public string Name => name;

    public bool IsRepeated => isRepeated;

    public MessageShape? Message => message;
}

/// <summary>The fields of the messages that the scan walks, by name: for error texts alone.</summary>
internal sealed class MessageShape(Dictionary<uint, FieldShape> fields)
{
    private static readonly MessageShape KeyValue = new(new()
    {
        [FieldTags.Key] = new("key"),
        [FieldTags.Value] = new("value"),
    });

    private static readonly MessageShape Traces = Request("resource_spans", "scope_spans", "spans", new(new()
    {
        [FieldTags.SpanTraceId] = new("trace_id"),
        [FieldTags.SpanSpanId] = new("span_id"),
        [Tag(OtlpFields.Span.TraceState, WireType.LengthDelimited)] = new("trace_state"),
        [Tag(OtlpFields.Span.ParentSpanId, WireType.LengthDelimited)] = new("parent_span_id"),
        [FieldTags.SpanName] = new("name"),
        [FieldTags.SpanKind] = new("kind"),
        [Tag(OtlpFields.Span.StartTimeUnixNano, WireType.Fixed64)] = new("start_time_unix_nano"),
        [Tag(OtlpFields.Span.EndTimeUnixNano, WireType.Fixed64)] = new("end_time_unix_nano"),
        [FieldTags.SpanAttributes] = new("attributes", true, KeyValue),
        [Tag(OtlpFields.Span.DroppedAttributesCount, WireType.Varint)] = new("dropped_attributes_count"),
        [FieldTags.SpanEvents] = new("events", true),
        [Tag(OtlpFields.Span.DroppedEventsCount, WireType.Varint)] = new("dropped_events_count"),
        [Tag(OtlpFields.Span.Links, WireType.LengthDelimited)] = new("links", true),
        [Tag(OtlpFields.Span.DroppedLinksCount, WireType.Varint)] = new("dropped_links_count"),
        [FieldTags.SpanStatus] = new("status", message: new(new()
        {
            [FieldTags.StatusMessage] = new("message"),
            [FieldTags.StatusCode] = new("code"),
        })),
        [Tag(OtlpFields.Span.Flags, WireType.Fixed32)] = new("flags"),
    }), walksResourceAndScope: true);

    private static readonly MessageShape Logs = Request("resource_logs", "scope_logs", "log_records", new(new()
    {
        [Tag(OtlpFields.LogRecord.TimeUnixNano, WireType.Fixed64)] = new("time_unix_nano"),
        [Tag(OtlpFields.LogRecord.SeverityNumber, WireType.Varint)] = new("severity_number"),
        [Tag(OtlpFields.LogRecord.SeverityText, WireType.LengthDelimited)] = new("severity_text"),
        [Tag(OtlpFields.LogRecord.Body, WireType.LengthDelimited)] = new("body"),
        [Tag(OtlpFields.LogRecord.Attributes, WireType.LengthDelimited)] = new("attributes", true),
        [Tag(OtlpFields.LogRecord.DroppedAttributesCount, WireType.Varint)] = new("dropped_attributes_count"),
        [Tag(OtlpFields.LogRecord.Flags, WireType.Fixed32)] = new("flags"),
        [FieldTags.LogRecordTraceId] = new("trace_id"),
        [Tag(OtlpFields.LogRecord.SpanId, WireType.LengthDelimited)] = new("span_id"),
        [Tag(OtlpFields.LogRecord.ObservedTimeUnixNano, WireType.Fixed64)] = new("observed_time_unix_nano"),
        [Tag(OtlpFields.LogRecord.EventName, WireType.LengthDelimited)] = new("event_name"),
    }));

    private static readonly MessageShape MetricData = new(new() { [FieldTags.DataPoints] = new("data_points", true) });

    private static readonly MessageShape Metrics = Request("resource_metrics", "scope_metrics", "metrics", new(new()
    {
        [Tag(OtlpFields.Metric.Name, WireType.LengthDelimited)] = new("name"),
        [Tag(OtlpFields.Metric.Description, WireType.LengthDelimited)] = new("description"),
        [Tag(OtlpFields.Metric.Unit, WireType.LengthDelimited)] = new("unit"),
        [FieldTags.Gauge] = new("gauge", message: MetricData),
        [FieldTags.Sum] = new("sum", message: MetricData),
        [FieldTags.Histogram] = new("histogram", message: MetricData),
        [FieldTags.ExponentialHistogram] = new("exponential_histogram", message: MetricData),
        [FieldTags.Summary] = new("summary", message: MetricData),
        [Tag(OtlpFields.Metric.Metadata, WireType.LengthDelimited)] = new("metadata", true),
    }));

    public static MessageShape Of(Signal signal) => signal switch
    {
        Signal.Traces => Traces,
        Signal.Logs => Logs,
        _ => Metrics,
    };

    public FieldShape? Field(uint tag) => fields.GetValueOrDefault(tag);

    private static MessageShape Request(string resources, string scopes, string items, MessageShape item, bool walksResourceAndScope = false)
    {
        var resource = new MessageShape(new()
        {
            [FieldTags.ResourceAttributes] = new("attributes", true, KeyValue),
            [Tag(OtlpFields.Resource.DroppedAttributesCount, WireType.Varint)] = new("dropped_attributes_count"),
            [Tag(OtlpFields.Resource.EntityRefs, WireType.LengthDelimited)] = new("entity_refs", true),
        });
        var scope = new MessageShape(new()
        {
            [FieldTags.ScopeName] = new("name"),
            [FieldTags.ScopeVersion] = new("version"),
            [FieldTags.ScopeAttributes] = new("attributes", true, KeyValue),
            [Tag(OtlpFields.Scope.DroppedAttributesCount, WireType.Varint)] = new("dropped_attributes_count"),
        });
        var scopeItems = new MessageShape(new()
        {
            [FieldTags.Scope] = new("scope", message: walksResourceAndScope ? scope : null),
            [FieldTags.ScopeItems] = new(items, true, item),
            [Tag(OtlpFields.ScopeSpans.SchemaUrl, WireType.LengthDelimited)] = new("schema_url"),
        });
        var resourceItems = new MessageShape(new()
        {
            [FieldTags.Resource] = new("resource", message: walksResourceAndScope ? resource : null),
            [FieldTags.ResourceScopes] = new(scopes, true, scopeItems),
            [Tag(OtlpFields.ResourceSpans.SchemaUrl, WireType.LengthDelimited)] = new("schema_url"),
        });
        return new(new() { [FieldTags.RequestResources] = new(resources, true, resourceItems) });
    }

    private static uint Tag(int number, WireType wireType) => ProtoWriter.TagOf(number, wireType);
}
