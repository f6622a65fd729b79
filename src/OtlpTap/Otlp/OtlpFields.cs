namespace OtlpTap.Otlp;

/// <summary>
/// Field numbers of the OTLP 1.9 messages that the tap reads or writes on their bytes, one group for each message,
/// named as in the specification (https://opentelemetry.io/docs/specs/otlp/).
/// </summary>
internal static class OtlpFields
{
    public static class TraceRequest
    {
        public const int ResourceSpans = 1;
    }

    public static class LogsRequest
    {
        public const int ResourceLogs = 1;
    }

    public static class MetricsRequest
    {
        public const int ResourceMetrics = 1;
    }

    public static class ExportResponse
    {
        public const int PartialSuccess = 1;
    }

    public static class PartialSuccess
    {
        public const int Rejected = 1;
        public const int ErrorMessage = 2;
    }

    public static class ResourceSpans
    {
        public const int Resource = 1;
        public const int ScopeSpans = 2;
        public const int SchemaUrl = 3;
    }

    public static class ResourceLogs
    {
        public const int Resource = 1;
        public const int ScopeLogs = 2;
        public const int SchemaUrl = 3;
    }

    public static class ResourceMetrics
    {
        public const int Resource = 1;
        public const int ScopeMetrics = 2;
        public const int SchemaUrl = 3;
    }

    public static class Resource
    {
        public const int Attributes = 1;
        public const int DroppedAttributesCount = 2;
        public const int EntityRefs = 3;
    }

    public static class ScopeSpans
    {
        public const int Scope = 1;
        public const int Spans = 2;
        public const int SchemaUrl = 3;
    }

    public static class ScopeLogs
    {
        public const int Scope = 1;
        public const int LogRecords = 2;
        public const int SchemaUrl = 3;
    }

    public static class ScopeMetrics
    {
        public const int Scope = 1;
        public const int Metrics = 2;
        public const int SchemaUrl = 3;
    }

    public static class Scope
    {
        public const int Name = 1;
        public const int Version = 2;
        public const int Attributes = 3;
        public const int DroppedAttributesCount = 4;
    }

    public static class Span
    {
        public const int TraceId = 1;
        public const int SpanId = 2;
        public const int TraceState = 3;
        public const int ParentSpanId = 4;
        public const int Name = 5;
        public const int Kind = 6;
        public const int StartTimeUnixNano = 7;
        public const int EndTimeUnixNano = 8;
        public const int Attributes = 9;
        public const int DroppedAttributesCount = 10;
        public const int Events = 11;
        public const int DroppedEventsCount = 12;
        public const int Links = 13;
        public const int DroppedLinksCount = 14;
        public const int Status = 15;
        public const int Flags = 16;
    }

    public static class Event
    {
        public const int TimeUnixNano = 1;
        public const int Name = 2;
        public const int Attributes = 3;
        public const int DroppedAttributesCount = 4;
    }

    public static class Link
    {
        public const int TraceId = 1;
        public const int SpanId = 2;
        public const int TraceState = 3;
        public const int Attributes = 4;
        public const int DroppedAttributesCount = 5;
        public const int Flags = 6;
    }

    public static class Status
    {
        public const int Message = 2;
        public const int Code = 3;
    }

    public static class KeyValue
    {
        public const int Key = 1;
        public const int Value = 2;
    }

    public static class AnyValue
    {
        public const int StringValue = 1;
        public const int BoolValue = 2;
        public const int IntValue = 3;
        public const int DoubleValue = 4;
        public const int ArrayValue = 5;
        public const int KvlistValue = 6;
        public const int BytesValue = 7;
    }

    public static class ArrayValue
    {
        public const int Values = 1;
    }

    public static class KeyValueList
    {
        public const int Values = 1;
    }

    public static class LogRecord
    {
        public const int TimeUnixNano = 1;
        public const int SeverityNumber = 2;
        public const int SeverityText = 3;
        public const int Body = 5;
        public const int Attributes = 6;
        public const int DroppedAttributesCount = 7;
        public const int Flags = 8;
        public const int TraceId = 9;
        public const int SpanId = 10;
        public const int ObservedTimeUnixNano = 11;
        public const int EventName = 12;
    }

    public static class Metric
    {
        public const int Name = 1;
        public const int Description = 2;
        public const int Unit = 3;
        public const int Gauge = 5;
        public const int Sum = 7;
        public const int Histogram = 9;
        public const int ExponentialHistogram = 10;
        public const int Summary = 11;
        public const int Metadata = 12;
    }

    /// <summary>The same number in all five kinds of metric data.</summary>
    public static class MetricData
    {
        public const int DataPoints = 1;
    }

    /// <summary>The same number in sums and both kinds of histogram.</summary>
    public static class AggregatedData
    {
        public const int AggregationTemporality = 2;
    }

    public static class NumberDataPoint
    {
        public const int AsDouble = 4;
        public const int Exemplars = 5;
        public const int AsInt = 6;
        public const int Flags = 8;
    }

    public static class HistogramDataPoint
    {
        public const int BucketCounts = 6;
        public const int ExplicitBounds = 7;
        public const int Exemplars = 8;
    }

    public static class ExponentialHistogramDataPoint
    {
        public const int Exemplars = 11;
    }

    public static class Exemplar
    {
        public const int AsDouble = 3;
        public const int SpanId = 4;
        public const int TraceId = 5;
        public const int AsInt = 6;
    }
}
