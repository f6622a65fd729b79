using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Evaluations;

/// <summary>Whether a span that a result was written in is a step of an agent, or of whatever took the result in (a web server that users rate at).</summary>
internal static class AgentSpanSearch
{
    /// <param name="spanId">Zero: any span of the trace.</param>
    /// <returns>Null: the span is not in the request.</returns>
    public static bool? Find(ReadOnlySpan<byte> traceRequest, TraceId traceId, SpanId spanId)
    {
        bool? found = null;
        var resources = new ProtoReader(traceRequest);
        while (resources.Next())
        {
            var scopes = new ProtoReader(traceRequest, resources.ValueOffset, IsMessage(resources) ? resources.ValueEnd : resources.ValueOffset);
            while (scopes.Next())
            {
                var spans = new ProtoReader(traceRequest, scopes.ValueOffset, scopes.FieldNumber == OtlpFields.ResourceSpans.ScopeSpans && IsMessage(scopes) ? scopes.ValueEnd : scopes.ValueOffset);
                while (spans.Next())
                {
                    if (spans.FieldNumber == OtlpFields.ScopeSpans.Spans && IsMessage(spans) && IsAgents(spans.Value, traceId, spanId) is { } isAgents)
                    {
                        if (isAgents)
                        {
                            return true;
                        }

                        found = false;
                    }
                }
            }
        }

        return found;
    }

    private static bool IsMessage(in ProtoReader reader) => reader.WireType == WireType.LengthDelimited;

    private static bool? IsAgents(ReadOnlySpan<byte> span, TraceId traceId, SpanId spanId)
    {
        var isTrace = false;
        var isSpan = spanId.IsZero;
        var isAgents = false;
        var reader = new ProtoReader(span);
        while (reader.Next())
        {
            switch ((reader.FieldNumber, reader.WireType))
            {
                case (OtlpFields.Span.TraceId, WireType.LengthDelimited):
                    isTrace = TraceId.TryRead(reader.Value, out var trace) && trace == traceId;
                    break;
                case (OtlpFields.Span.SpanId, WireType.LengthDelimited):
                    isSpan |= SpanId.TryRead(reader.Value, out var id) && id == spanId;
                    break;
                case (OtlpFields.Span.Attributes, WireType.LengthDelimited):
                    var key = new ProtoReader(reader.Value);
                    isAgents |= key.Next() && key.FieldNumber == OtlpFields.KeyValue.Key && EvaluationKeys.IsAgents(key.Value);
                    break;
            }
        }

        return isTrace && isSpan ? isAgents : null;
    }
}
