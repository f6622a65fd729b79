using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>Where an agent's turn ends, and whether that end is known to be a failure.</summary>
internal static class RunEnd
{
    /// <summary>The step, or one around it, is known to have ended in a planning error: its limit of steps, as its framework says.</summary>
    public static bool IsSaidAbove(RunStep step, DetectionContext context) =>
        context.IsKnown(step.SpanId, FailureKind.PlanningError)
        || context.Tree.AncestorsOf(step).Any(ancestor => context.IsKnown(ancestor.SpanId, FailureKind.PlanningError));

    /// <summary>The last call of a model, by its start; null where there is none.</summary>
    public static RunStep? LastModelCall(AgentRun run) => run.Steps.LastOrDefault(static step => step.Kind == StepKind.Llm);
}
