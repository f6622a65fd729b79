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
        if (run.Find(spanId) is { } step)
        {
            return Of(step);
        }

        return run.Steps.Count == 0 ? new JudgedSpan(spanId, "", 0, null)
            : spanId.IsZero ? ForTrace(run.Steps[0])
            : ForTrace(run.Steps[0]) with { SpanId = spanId };
    }

    public static JudgedSpan Of(RunStep step) => ForTrace(step) with
    {
        Tool = step.Kind == StepKind.Tool ? step.Tool : null,
        Model = step.Kind == StepKind.Llm ? step.Model : null,
    };

    /// <summary>Of a step that stands for its trace: what is said of the trace is not said of the step's tool or model.</summary>
    public static JudgedSpan ForTrace(RunStep step) => new(step.SpanId, step.Service, step.EndUnixNano, step.ResponseId) { Agent = step.Agent };
}
