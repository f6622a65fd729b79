using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Scan;

/// <summary>
/// The tags, field number and wire type in one, of the fields that the scan looks at. A field that carries another
/// wire type than the schema's has another tag: it is unknown and passed over, as the generated parsers do.
/// </summary>
internal static class FieldTags
{
    private const uint Varint = (uint)WireType.Varint;
    private const uint Fixed64 = (uint)WireType.Fixed64;
    private const uint Message = (uint)WireType.LengthDelimited;

    /// <summary>The same in all three requests: <c>resource_spans</c>, <c>resource_logs</c>, <c>resource_metrics</c>.</summary>
    public const uint RequestResources = ((uint)OtlpFields.TraceRequest.ResourceSpans << 3) | Message;

    /// <summary><c>ResourceSpans.resource</c>.</summary>
    public const uint Resource = ((uint)OtlpFields.ResourceSpans.Resource << 3) | Message;

    /// <summary>The same in all three: <c>scope_spans</c>, <c>scope_logs</c>, <c>scope_metrics</c>.</summary>
    public const uint ResourceScopes = ((uint)OtlpFields.ResourceSpans.ScopeSpans << 3) | Message;

    public const uint ResourceAttributes = ((uint)OtlpFields.Resource.Attributes << 3) | Message;

    /// <summary><c>ScopeSpans.scope</c>.</summary>
    public const uint Scope = ((uint)OtlpFields.ScopeSpans.Scope << 3) | Message;

    /// <summary>The same in all three: <c>spans</c>, <c>log_records</c>, <c>metrics</c>.</summary>
    public const uint ScopeItems = ((uint)OtlpFields.ScopeSpans.Spans << 3) | Message;

    public const uint ScopeName = ((uint)OtlpFields.Scope.Name << 3) | Message;
    public const uint ScopeVersion = ((uint)OtlpFields.Scope.Version << 3) | Message;
    public const uint ScopeAttributes = ((uint)OtlpFields.Scope.Attributes << 3) | Message;

    public const uint SpanTraceId = ((uint)OtlpFields.Span.TraceId << 3) | Message;
    public const uint SpanSpanId = ((uint)OtlpFields.Span.SpanId << 3) | Message;
    public const uint SpanName = ((uint)OtlpFields.Span.Name << 3) | Message;
    public const uint SpanKind = ((uint)OtlpFields.Span.Kind << 3) | Varint;
    public const uint SpanAttributes = ((uint)OtlpFields.Span.Attributes << 3) | Message;
    public const uint SpanEvents = ((uint)OtlpFields.Span.Events << 3) | Message;
    public const uint SpanStatus = ((uint)OtlpFields.Span.Status << 3) | Message;

    public const uint StatusMessage = ((uint)OtlpFields.Status.Message << 3) | Message;
    public const uint StatusCode = ((uint)OtlpFields.Status.Code << 3) | Varint;

    public const uint EventName = ((uint)OtlpFields.Event.Name << 3) | Message;
    public const uint EventAttributes = ((uint)OtlpFields.Event.Attributes << 3) | Message;

    public const uint Key = ((uint)OtlpFields.KeyValue.Key << 3) | Message;
    public const uint Value = ((uint)OtlpFields.KeyValue.Value << 3) | Message;

    public const uint StringValue = ((uint)OtlpFields.AnyValue.StringValue << 3) | Message;
    public const uint BoolValue = ((uint)OtlpFields.AnyValue.BoolValue << 3) | Varint;
    public const uint IntValue = ((uint)OtlpFields.AnyValue.IntValue << 3) | Varint;
    public const uint DoubleValue = ((uint)OtlpFields.AnyValue.DoubleValue << 3) | Fixed64;
    public const uint ArrayValue = ((uint)OtlpFields.AnyValue.ArrayValue << 3) | Message;
    public const uint KvlistValue = ((uint)OtlpFields.AnyValue.KvlistValue << 3) | Message;
    public const uint BytesValue = ((uint)OtlpFields.AnyValue.BytesValue << 3) | Message;

    public const uint LogRecordSeverityNumber = ((uint)OtlpFields.LogRecord.SeverityNumber << 3) | Varint;
    public const uint LogRecordSeverityText = ((uint)OtlpFields.LogRecord.SeverityText << 3) | Message;
    public const uint LogRecordBody = ((uint)OtlpFields.LogRecord.Body << 3) | Message;
    public const uint LogRecordAttributes = ((uint)OtlpFields.LogRecord.Attributes << 3) | Message;
    public const uint LogRecordTraceId = ((uint)OtlpFields.LogRecord.TraceId << 3) | Message;
    public const uint LogRecordSpanId = ((uint)OtlpFields.LogRecord.SpanId << 3) | Message;
    public const uint LogRecordEventName = ((uint)OtlpFields.LogRecord.EventName << 3) | Message;

    public const uint Gauge = ((uint)OtlpFields.Metric.Gauge << 3) | Message;
    public const uint Sum = ((uint)OtlpFields.Metric.Sum << 3) | Message;
    public const uint Histogram = ((uint)OtlpFields.Metric.Histogram << 3) | Message;
    public const uint ExponentialHistogram = ((uint)OtlpFields.Metric.ExponentialHistogram << 3) | Message;
    public const uint Summary = ((uint)OtlpFields.Metric.Summary << 3) | Message;

    /// <summary>The same in all five kinds of metric data.</summary>
    public const uint DataPoints = ((uint)OtlpFields.MetricData.DataPoints << 3) | Message;
}
