using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>A model's answer that was cut off, filtered or refused, as its finish reason or a part of it says. On the model's call.</summary>
internal sealed class FinishReasonDetector : IDetector
{
    public string Name => "finish_reason";

    public void Examine(AgentRun run, DetectionContext context)
    {
        foreach (var step in run.Steps.Where(static step => step.Kind == StepKind.Llm))
        {
            if (context.IsTimeOver)
            {
                return;
            }

            var reason = step.FinishReason ?? step.Output.Select(static message => message.FinishReason).LastOrDefault(static reason => reason is not null);
            if ((RefusalOf(step) ?? (reason == "stop" ? ErrorOf(step) : null)) is { } refusal)
            {
                context.Found(step, FailureKind.Refusal, "The model refused.", refusal);
            }
            else if (reason == "refusal")
            {
                context.Found(step, FailureKind.Refusal, "The model refused, as its finish reason says.");
            }
            else if (reason == "length" && step.Status != StepStatus.Error)
            {
                context.Found(step, FailureKind.Truncated, "The answer was cut off at the limit of tokens.");
            }
            else if (reason == "malformed_call" && step.Status != StepStatus.Error)
            {
                context.Found(step, FailureKind.PlanningError, "The model wrote a call that cannot be carried out, as its finish reason says.");
            }
            else if (reason == "content_filter" && !context.IsKnown(step.SpanId, FailureKind.Refusal))
            {
                context.Found(step, FailureKind.ContentFilter, "A filter took the answer.");
            }
        }
    }

    /// <summary>Microsoft.Extensions.AI, under whatever name its telemetry goes, keeps a refusal as an error part of an answer that ended well.</summary>
    private static string? ErrorOf(RunStep step) =>
        step.Status != StepStatus.Error && step.Exceptions.Count == 0 && step.Output is [{ Parts: [{ Kind: PartKind.Error, Text: { Length: > 0 } text }] }] ? text : null;

    private static string? RefusalOf(RunStep step) => step.Output
        .SelectMany(static message => message.Parts)
        .FirstOrDefault(static part => part.Kind == PartKind.Refusal && part.Text.Trim() is not ("" or "null" or "false"))?.Text;
}
