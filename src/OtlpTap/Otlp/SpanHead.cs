using System.Buffers.Binary;
using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>
/// Whose span it is, where it hangs, and when it was: gathered while its fields are read.
/// <code>
///   Span  trace_id = 1, span_id = 2, parent_span_id = 4, start_time_unix_nano = 7, end_time_unix_nano = 8
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto
/// </summary>
internal struct SpanHead
{
    private const uint TraceIdTag = ((uint)OtlpFields.Span.TraceId << 3) | (uint)WireType.LengthDelimited;
    private const uint SpanIdTag = ((uint)OtlpFields.Span.SpanId << 3) | (uint)WireType.LengthDelimited;
    private const uint ParentIdTag = ((uint)OtlpFields.Span.ParentSpanId << 3) | (uint)WireType.LengthDelimited;
    private const uint StartTag = ((uint)OtlpFields.Span.StartTimeUnixNano << 3) | (uint)WireType.Fixed64;
    private const uint EndTag = ((uint)OtlpFields.Span.EndTimeUnixNano << 3) | (uint)WireType.Fixed64;

    public TraceId TraceId;
    public SpanId SpanId;
    public SpanId ParentId;
    public ulong StartUnixNano;
    public ulong EndUnixNano;

    /// <summary>False: the field is none of these.</summary>
    public bool TryTake(uint tag, ReadOnlySpan<byte> value)
    {
        switch (tag)
        {
            case TraceIdTag:
                TraceId.TryRead(value, out TraceId);
                return true;
            case SpanIdTag:
                SpanId.TryRead(value, out SpanId);
                return true;
            case ParentIdTag:
                SpanId.TryRead(value, out ParentId);
                return true;
            case StartTag:
                StartUnixNano = BinaryPrimitives.ReadUInt64LittleEndian(value);
                return true;
            case EndTag:
                EndUnixNano = BinaryPrimitives.ReadUInt64LittleEndian(value);
                return true;
            default:
                return false;
        }
    }
}
