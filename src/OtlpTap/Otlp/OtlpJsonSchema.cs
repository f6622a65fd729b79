using static OtlpTap.Otlp.OtlpJsonCardinality;
using Type = OtlpTap.Otlp.OtlpJsonType;

namespace OtlpTap.Otlp;

/// <summary>
/// Every message that an export request of OTLP 1.9 can hold, field by field. A test compares it with the generated
/// classes, number by number. Inner messages stand before those that hold them, as a static field must be set before it
/// is used; AnyValue, which holds itself by way of its lists, looks these up when asked.
/// </summary>
internal static class OtlpJsonSchema
{
    /// <summary>The one message that can hold itself; the walkers bound its depth.</summary>
    public static readonly OtlpJsonMessage AnyValue = new(
        "AnyValue",
        Member(1, "stringValue", Type.String),
        Member(2, "boolValue", Type.Bool),
        Member(3, "intValue", Type.Int64),
        Member(4, "doubleValue", Type.Double),
        Member(5, "arrayValue", static () => ArrayValue!),
        Member(6, "kvlistValue", static () => KeyValueList!),
        Member(7, "bytesValue", Type.Bytes));

    private static readonly OtlpJsonMessage KeyValue = new(
        "KeyValue",
        Field(1, "key", Type.String),
        One(2, "value", AnyValue));

    private static readonly OtlpJsonMessage ArrayValue = new(
        "ArrayValue",
        Messages(1, "values", AnyValue));

    private static readonly OtlpJsonMessage KeyValueList = new(
        "KeyValueList",
        Messages(1, "values", KeyValue));

    private static readonly OtlpJsonMessage EntityRef = new(
        "EntityRef",
        Field(1, "schemaUrl", Type.String),
        Field(2, "type", Type.String),
        Field(3, "idKeys", Type.String, Repeated),
        Field(4, "descriptionKeys", Type.String, Repeated));

    private static readonly OtlpJsonMessage Resource = new(
        "Resource",
        Messages(1, "attributes", KeyValue),
        Field(2, "droppedAttributesCount", Type.UInt32),
        Messages(3, "entityRefs", EntityRef));

    private static readonly OtlpJsonMessage Scope = new(
        "InstrumentationScope",
        Field(1, "name", Type.String),
        Field(2, "version", Type.String),
        Messages(3, "attributes", KeyValue),
        Field(4, "droppedAttributesCount", Type.UInt32));

    private static readonly OtlpJsonMessage Event = new(
        "Event",
        Field(1, "timeUnixNano", Type.Fixed64),
        Field(2, "name", Type.String),
        Messages(3, "attributes", KeyValue),
        Field(4, "droppedAttributesCount", Type.UInt32));

    private static readonly OtlpJsonMessage Link = new(
        "Link",
        Field(1, "traceId", Type.HexId),
        Field(2, "spanId", Type.HexId),
        Field(3, "traceState", Type.String),
        Messages(4, "attributes", KeyValue),
        Field(5, "droppedAttributesCount", Type.UInt32),
        Field(6, "flags", Type.Fixed32));

    private static readonly OtlpJsonMessage Status = new(
        "Status",
        Field(2, "message", Type.String),
        Field(3, "code", Type.Enum));

    private static readonly OtlpJsonMessage Span = new(
        "Span",
        Field(1, "traceId", Type.HexId),
        Field(2, "spanId", Type.HexId),
        Field(3, "traceState", Type.String),
        Field(4, "parentSpanId", Type.HexId),
        Field(5, "name", Type.String),
        Field(6, "kind", Type.Enum),
        Field(7, "startTimeUnixNano", Type.Fixed64),
        Field(8, "endTimeUnixNano", Type.Fixed64),
        Messages(9, "attributes", KeyValue),
        Field(10, "droppedAttributesCount", Type.UInt32),
        Messages(11, "events", Event),
        Field(12, "droppedEventsCount", Type.UInt32),
        Messages(13, "links", Link),
        Field(14, "droppedLinksCount", Type.UInt32),
        One(15, "status", Status),
        Field(16, "flags", Type.Fixed32));

    private static readonly OtlpJsonMessage ScopeSpans = new(
        "ScopeSpans",
        One(1, "scope", Scope),
        Messages(2, "spans", Span),
        Field(3, "schemaUrl", Type.String));

    private static readonly OtlpJsonMessage ResourceSpans = new(
        "ResourceSpans",
        One(1, "resource", Resource),
        Messages(2, "scopeSpans", ScopeSpans),
        Field(3, "schemaUrl", Type.String));

    private static readonly OtlpJsonMessage LogRecord = new(
        "LogRecord",
        Field(1, "timeUnixNano", Type.Fixed64),
        Field(2, "severityNumber", Type.Enum),
        Field(3, "severityText", Type.String),
        One(5, "body", AnyValue),
        Messages(6, "attributes", KeyValue),
        Field(7, "droppedAttributesCount", Type.UInt32),
        Field(8, "flags", Type.Fixed32),
        Field(9, "traceId", Type.HexId),
        Field(10, "spanId", Type.HexId),
        Field(11, "observedTimeUnixNano", Type.Fixed64),
        Field(12, "eventName", Type.String));

    private static readonly OtlpJsonMessage ScopeLogs = new(
        "ScopeLogs",
        One(1, "scope", Scope),
        Messages(2, "logRecords", LogRecord),
        Field(3, "schemaUrl", Type.String));

    private static readonly OtlpJsonMessage ResourceLogs = new(
        "ResourceLogs",
        One(1, "resource", Resource),
        Messages(2, "scopeLogs", ScopeLogs),
        Field(3, "schemaUrl", Type.String));

    private static readonly OtlpJsonMessage Exemplar = new(
        "Exemplar",
        Field(2, "timeUnixNano", Type.Fixed64),
        Member(3, "asDouble", Type.Double),
        Field(4, "spanId", Type.HexId),
        Field(5, "traceId", Type.HexId),
        Member(6, "asInt", Type.SFixed64),
        Messages(7, "filteredAttributes", KeyValue));

    private static readonly OtlpJsonMessage NumberDataPoint = new(
        "NumberDataPoint",
        Field(2, "startTimeUnixNano", Type.Fixed64),
        Field(3, "timeUnixNano", Type.Fixed64),
        Member(4, "asDouble", Type.Double),
        Messages(5, "exemplars", Exemplar),
        Member(6, "asInt", Type.SFixed64),
        Messages(7, "attributes", KeyValue),
        Field(8, "flags", Type.UInt32));

    private static readonly OtlpJsonMessage HistogramDataPoint = new(
        "HistogramDataPoint",
        Field(2, "startTimeUnixNano", Type.Fixed64),
        Field(3, "timeUnixNano", Type.Fixed64),
        Field(4, "count", Type.Fixed64),
        Field(5, "sum", Type.Double, Optional),
        Field(6, "bucketCounts", Type.Fixed64, Repeated),
        Field(7, "explicitBounds", Type.Double, Repeated),
        Messages(8, "exemplars", Exemplar),
        Messages(9, "attributes", KeyValue),
        Field(10, "flags", Type.UInt32),
        Field(11, "min", Type.Double, Optional),
        Field(12, "max", Type.Double, Optional));

    private static readonly OtlpJsonMessage Buckets = new(
        "Buckets",
        Field(1, "offset", Type.SInt32),
        Field(2, "bucketCounts", Type.UInt64, Repeated));

    private static readonly OtlpJsonMessage ExponentialHistogramDataPoint = new(
        "ExponentialHistogramDataPoint",
        Messages(1, "attributes", KeyValue),
        Field(2, "startTimeUnixNano", Type.Fixed64),
        Field(3, "timeUnixNano", Type.Fixed64),
        Field(4, "count", Type.Fixed64),
        Field(5, "sum", Type.Double, Optional),
        Field(6, "scale", Type.SInt32),
        Field(7, "zeroCount", Type.Fixed64),
        One(8, "positive", Buckets),
        One(9, "negative", Buckets),
        Field(10, "flags", Type.UInt32),
        Messages(11, "exemplars", Exemplar),
        Field(12, "min", Type.Double, Optional),
        Field(13, "max", Type.Double, Optional),
        Field(14, "zeroThreshold", Type.Double));

    private static readonly OtlpJsonMessage ValueAtQuantile = new(
        "ValueAtQuantile",
        Field(1, "quantile", Type.Double),
        Field(2, "value", Type.Double));

    private static readonly OtlpJsonMessage SummaryDataPoint = new(
        "SummaryDataPoint",
        Field(2, "startTimeUnixNano", Type.Fixed64),
        Field(3, "timeUnixNano", Type.Fixed64),
        Field(4, "count", Type.Fixed64),
        Field(5, "sum", Type.Double),
        Messages(6, "quantileValues", ValueAtQuantile),
        Messages(7, "attributes", KeyValue),
        Field(8, "flags", Type.UInt32));

    private static readonly OtlpJsonMessage Gauge = new(
        "Gauge",
        Messages(1, "dataPoints", NumberDataPoint));

    private static readonly OtlpJsonMessage Sum = new(
        "Sum",
        Messages(1, "dataPoints", NumberDataPoint),
        Field(2, "aggregationTemporality", Type.Enum),
        Field(3, "isMonotonic", Type.Bool));

    private static readonly OtlpJsonMessage Histogram = new(
        "Histogram",
        Messages(1, "dataPoints", HistogramDataPoint),
        Field(2, "aggregationTemporality", Type.Enum));

    private static readonly OtlpJsonMessage ExponentialHistogram = new(
        "ExponentialHistogram",
        Messages(1, "dataPoints", ExponentialHistogramDataPoint),
        Field(2, "aggregationTemporality", Type.Enum));

    private static readonly OtlpJsonMessage Summary = new(
        "Summary",
        Messages(1, "dataPoints", SummaryDataPoint));

    private static readonly OtlpJsonMessage Metric = new(
        "Metric",
        Field(1, "name", Type.String),
        Field(2, "description", Type.String),
        Field(3, "unit", Type.String),
        Member(5, "gauge", Gauge),
        Member(7, "sum", Sum),
        Member(9, "histogram", Histogram),
        Member(10, "exponentialHistogram", ExponentialHistogram),
        Member(11, "summary", Summary),
        Messages(12, "metadata", KeyValue));

    private static readonly OtlpJsonMessage ScopeMetrics = new(
        "ScopeMetrics",
        One(1, "scope", Scope),
        Messages(2, "metrics", Metric),
        Field(3, "schemaUrl", Type.String));

    private static readonly OtlpJsonMessage ResourceMetrics = new(
        "ResourceMetrics",
        One(1, "resource", Resource),
        Messages(2, "scopeMetrics", ScopeMetrics),
        Field(3, "schemaUrl", Type.String));

    private static readonly OtlpJsonMessage TraceRequest = new(
        "ExportTraceServiceRequest",
        Messages(1, "resourceSpans", ResourceSpans));

    private static readonly OtlpJsonMessage LogsRequest = new(
        "ExportLogsServiceRequest",
        Messages(1, "resourceLogs", ResourceLogs));

    private static readonly OtlpJsonMessage MetricsRequest = new(
        "ExportMetricsServiceRequest",
        Messages(1, "resourceMetrics", ResourceMetrics));

    public static OtlpJsonMessage RequestOf(Signal signal) => signal switch
    {
        Signal.Traces => TraceRequest,
        Signal.Logs => LogsRequest,
        Signal.Metrics => MetricsRequest,
        _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, "OTLP has no such signal."),
    };

    private static OtlpJsonField Field(int number, string name, Type type, OtlpJsonCardinality cardinality = Singular) => new(number, name, type, cardinality);

    private static OtlpJsonField Member(int number, string name, Type type) => new(number, name, type, OneOf);

    private static OtlpJsonField Member(int number, string name, OtlpJsonMessage child) => new(number, name, Type.Message, OneOf, () => child);

    private static OtlpJsonField Member(int number, string name, Func<OtlpJsonMessage> child) => new(number, name, Type.Message, OneOf, child);

    private static OtlpJsonField One(int number, string name, OtlpJsonMessage child) => new(number, name, Type.Message, Singular, () => child);

    private static OtlpJsonField Messages(int number, string name, OtlpJsonMessage child) => new(number, name, Type.Message, Repeated, () => child);
}
