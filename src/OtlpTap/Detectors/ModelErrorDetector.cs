using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// A model's call failed, and no rule knows its dialect: what the call is was told by its name, its scope or its contents.
/// On that call, the innermost where one is recorded around another.
/// </summary>
internal sealed class ModelErrorDetector : IDetector
{
    private static readonly string[] Explained =
        [FailureKind.LlmError, FailureKind.PlanningError, FailureKind.ContentFilter, FailureKind.Truncated, FailureKind.Refusal, FailureKind.SchemaError];

    public string Name => "model_error";

    public void Examine(AgentRun run, DetectionContext context)
    {
        var failed = run.Steps.Where(static step => step is { Kind: StepKind.Llm or StepKind.Tool, Status: StepStatus.Error }).ToList();
        var around = failed.SelectMany(context.Tree.AncestorsOf).ToHashSet();
        foreach (var step in failed)
        {
            if (context.IsTimeOver)
            {
                return;
            }

            if (step.Kind == StepKind.Llm
                && !around.Contains(step)
                && !Array.Exists(Explained, kind => context.IsKnown(step.SpanId, kind))
                && !Executions.IsNoFailure(step)
                && ResultText.Reason($"{step.ErrorType} {step.StatusMessage}") == ResultKind.Failed)
            {
                context.Found(step, FailureKind.LlmError, "The model's call failed.", EvidenceOf(step));
            }
        }
    }

    private static string EvidenceOf(RunStep step) =>
        step.StatusMessage.Length > 0 ? step.StatusMessage
        : step.Exceptions.Count > 0 ? $"{step.Exceptions[0].Type}: {step.Exceptions[0].Message}"
        : step.ErrorType;
}
