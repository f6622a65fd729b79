namespace OtlpTap.Otlp;

/// <summary>
/// Why one item of a well-formed request is invalid. Source: the comments of the OTLP messages
/// (https://github.com/open-telemetry/opentelemetry-proto/tree/v1.9.0/opentelemetry/proto) and the data model of metrics
/// (https://opentelemetry.io/docs/specs/otel/metrics/data-model/).
/// </summary>
internal enum InvalidReason : byte
{
    /// <summary>A <c>string</c> field that is not UTF-8: strict parsers refuse the whole request for it.</summary>
    Text,

    /// <summary>A span's trace id that is not 16 bytes or all zeros; a log record's that is neither empty nor 16 bytes.</summary>
    TraceId,

    /// <summary>A span's own id that is not 8 bytes or all zeros; a log record's that is neither empty nor 8 bytes.</summary>
    SpanId,

    /// <summary>A parent's id that is neither empty nor 8 bytes.</summary>
    ParentSpanId,

    /// <summary>A link whose trace id is neither empty nor 16 bytes, or span id neither empty nor 8, or that cannot be read.</summary>
    Link,

    /// <summary>An exemplar with an id of another length, without a value, or that cannot be read.</summary>
    Exemplar,

    /// <summary>A metric without a name.</summary>
    MetricName,

    /// <summary>A sum or histogram that does not say whether its points are cumulative: "UNSPECIFIED ... MUST not be used".</summary>
    Temporality,

    /// <summary>A histogram whose <c>bucket_counts</c> are not one more than its <c>explicit_bounds</c>.</summary>
    Buckets,

    /// <summary>A number data point without a number, and without the flag that says so.</summary>
    NoValue,

    /// <summary>Messages nested deeper than parsers follow.</summary>
    TooDeep,

    /// <summary>A nested message that is no well-formed protobuf, deeper than the scan looks.</summary>
    Malformed,
}
