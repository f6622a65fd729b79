using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Verdicts;

/// <summary>What a verdict's telemetry takes over from the span that it is about, or from the trace's root where it is about the trace.</summary>
/// <param name="SpanId">Zero: not even a root is known.</param>
/// <param name="Service"><c>service.name</c>; empty where none is known.</param>
/// <param name="EndUnixNano">By the sender's clock; 0 where it is not known.</param>
/// <param name="ResponseId"><c>gen_ai.response.id</c>, of a model's call.</param>
internal sealed record JudgedSpan(SpanId SpanId, string Service, ulong EndUnixNano, string? ResponseId)
{
    /// <summary>Whose step it is; null where it does not say.</summary>
    public string? Agent { get; init; }

    public string? Tool { get; init; }

    public string? Model { get; init; }

    /// <summary>Of a step of the run. Zero, or a span that the run has not: its first step, which stands for the trace.</summary>
    public static JudgedSpan Of(AgentRun run, SpanId spanId)
    {
        var step = run.Find(spanId) ?? (run.Steps.Count > 0 ? run.Steps[0] : null);
        return step is null
            ? new JudgedSpan(spanId, "", 0, null)
            : new JudgedSpan(spanId.IsZero ? step.SpanId : spanId, step.Service, step.EndUnixNano, step.ResponseId);
    }
}
