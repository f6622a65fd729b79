using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// A model answered with nothing: no text, no call, no refusal. On the model's call. Only where contents are recorded at all:
/// with content capture off every answer looks empty.
/// </summary>
internal sealed class EmptyAnswerDetector : IDetector
{
    public string Name => "empty_answer";

    public void Examine(AgentRun run, DetectionContext context)
    {
        foreach (var step in run.Steps.Where(static step => step.Kind == StepKind.Llm))
        {
            if (context.IsTimeOver)
            {
                return;
            }

            if (IsEmpty(step) && !IsExplained(step, context) && RecordsContent(step, run) && !HasCalled(step, run, context))
            {
                context.Found(step, FailureKind.EmptyOutput, "The model answered with nothing.");
            }
        }
    }

    private static bool IsEmpty(RunStep step) =>
        step.Status != StepStatus.Error
        && step.Exceptions.Count == 0
        && step.Output.Count > 0
        && (step.FinishReason ?? step.Output[^1].FinishReason) is null or "stop" or "end_turn" or "endturn" or "completed" or "unknown" or "other"
        && step.Output.All(static message => message.Parts.All(static part => part.Kind is PartKind.Text or PartKind.Reasoning && (part.Kind == PartKind.Reasoning || part.Text.Trim().Length == 0)))
        && string.IsNullOrWhiteSpace(step.Result);

    private static bool IsExplained(RunStep step, DetectionContext context) =>
        context.IsKnown(step.SpanId, FailureKind.Refusal)
        || context.IsKnown(step.SpanId, FailureKind.ContentFilter)
        || context.IsKnown(step.SpanId, FailureKind.Truncated)
        || context.IsKnown(step.SpanId, FailureKind.LlmError)
        || context.IsKnown(step.SpanId, FailureKind.PlanningError)
        || context.IsKnown(step.SpanId, FailureKind.SchemaError);

    // The same span must show the other side's words. That outputs of other calls are there is as good.
    private static bool RecordsContent(RunStep step, AgentRun run) =>
        step.Input.Any(static message => message.Text.Trim().Length > 0)
        && (step.Output.Any(static message => message.Parts.Count > 0)
            || step.Input.Any(static message => message.Role == MessageRole.User && message.Text.Trim().Length > 0)
            || run.FinalAnswer is { Length: > 0 });

    // Some instrumentations lose the calls that an answer consists of: a tool that starts inside the run after it, before the next model's call.
    private static bool HasCalled(RunStep step, AgentRun run, DetectionContext context)
    {
        var next = run.Steps.FirstOrDefault(other => other.Kind == StepKind.Llm && other.StartUnixNano >= step.EndUnixNano && other != step);
        return (next is not null && next.Input.Any(static message => message.Parts.Any(static part => part.Kind == PartKind.ToolResult)))
            || run.Steps.Any(tool => tool.Kind == StepKind.Tool
                && !context.Calls.IsAskedFor(tool)
                && tool.StartUnixNano >= step.StartUnixNano
                && tool.EndUnixNano > step.EndUnixNano // one within it came before the answer: Mastra's calls of models hold those of tools
                && (next is null || tool.StartUnixNano < next.StartUnixNano));
    }
}
