using OtlpTap.Otlp;

namespace OtlpTap.Evaluations;

/// <summary>How far the search for an evaluated span came.</summary>
internal enum Resolution : byte
{
    Found,

    /// <summary>The span in which the result was written has not come yet; it decides between that span and what the result names.</summary>
    WaitForContext,

    /// <summary>The response or session that the result names has not come yet.</summary>
    WaitForReference,

    /// <summary>It names nothing.</summary>
    None,
}

/// <summary>Whether a span (zero: any of the trace) is an agent's; null: not seen. See <see cref="AgentSpanSearch"/>.</summary>
internal delegate bool? AgentSpanWitness(TraceId traceId, SpanId spanId);

/// <summary>
/// Finds the evaluated span. What names it for certain wins. Else the context in which the result was written, if that is
/// where the named response came from, or is an agent's step: that is how evaluators that follow the conventions write.
/// Else the named response: feedback that comes in over the web is written in the web server's own trace. Else the session.
/// </summary>
internal sealed class TargetResolver(ReferenceTable responses, ReferenceTable sessions, AgentSpanWitness witness)
{
    /// <param name="isFinal">Nothing is waited for any more.</param>
    public Resolution Resolve(in EvaluationTarget target, bool isFinal, out TraceId traceId, out SpanId spanId)
    {
        (traceId, spanId) = (target.TraceId, target.SpanId);
        if (target.IsCertain)
        {
            return traceId.IsZero ? Resolution.None : Resolution.Found;
        }

        if (target.Response != 0)
        {
            return ByResponse(target, isFinal, ref traceId, ref spanId);
        }

        if (!traceId.IsZero)
        {
            return Resolution.Found;
        }

        return target.Session == 0 ? Resolution.None : BySession(target.Session, isFinal, ref traceId, ref spanId);
    }

    private Resolution ByResponse(in EvaluationTarget target, bool isFinal, ref TraceId traceId, ref SpanId spanId)
    {
        var hasContext = !target.TraceId.IsZero;
        if (!responses.TryFind(target.Response, target.TraceId, out var span, out var isAmbiguous))
        {
            if (!hasContext)
            {
                return target.Session != 0 && isFinal ? BySession(target.Session, isFinal, ref traceId, ref spanId) : WaitOr(Resolution.None, Resolution.WaitForReference, isFinal);
            }

            return isFinal ? Resolution.Found : witness(target.TraceId, target.SpanId) switch
            {
                true => Resolution.Found,
                false => Resolution.WaitForReference,
                null => Resolution.WaitForContext,
            };
        }

        if (span.TraceId == target.TraceId)
        {
            spanId = target.SpanId.IsZero ? span.SpanId : target.SpanId;
            return Resolution.Found;
        }

        if (hasContext)
        {
            // Ids that repeat name nothing.
            var isAgents = isAmbiguous ? true : witness(target.TraceId, target.SpanId);
            if (isAgents == true)
            {
                return Resolution.Found;
            }

            if (isAgents is null && !isFinal)
            {
                return Resolution.WaitForContext;
            }
        }

        (traceId, spanId) = (span.TraceId, span.SpanId);
        return Resolution.Found;
    }

    private Resolution BySession(ulong session, bool isFinal, ref TraceId traceId, ref SpanId spanId)
    {
        if (!sessions.TryFind(session, default, out var span, out _))
        {
            return WaitOr(Resolution.None, Resolution.WaitForReference, isFinal);
        }

        (traceId, spanId) = (span.TraceId, span.IsRoot ? span.SpanId : default);
        return Resolution.Found;
    }

    private static Resolution WaitOr(Resolution final, Resolution waiting, bool isFinal) => isFinal ? final : waiting;
}
