using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// A tool failed, and only its result says so: on the tool's span, or, where there is none that shows it, on the model's call
/// that was told. Calls that the model got wrong are no failures of the tool.
/// </summary>
internal sealed class ToolResultDetector : IDetector
{
    public string Name => "tool_result";

    public void Examine(AgentRun run, DetectionContext context)
    {
        foreach (var step in run.Steps)
        {
            if (context.IsTimeOver)
            {
                return;
            }

            if (step.Kind == StepKind.Tool && !IsSaid(step, context) && Executions.OutcomeOf(step) == ResultKind.Failed && !IsInsideTool(step, context))
            {
                context.Found(step, FailureKind.ToolError, "The tool failed, as its result says.", EvidenceOf(step));
            }
        }

        foreach (var call in context.Calls.All)
        {
            if (call.Answer is { Kind: ResultKind.Failed } answer && !(call.Execution is { } execution && (IsSaid(execution, context) || Executions.IsNoFailure(execution))))
            {
                Told(answer, call.Name, context);
            }
        }

        foreach (var answer in context.Calls.UnclaimedAnswers)
        {
            if (answer.Kind == ResultKind.Failed && !HasSaidExecution(run, answer, context))
            {
                Told(answer, answer.Part.ToolName, context);
            }
            else if (answer.Kind is ResultKind.UnknownTool or ResultKind.BadArguments && !HasSaidExecution(run, answer, context))
            {
                // Who called is not recorded: the one that was told is the next best.
                context.FoundAbout(answer.ShownBy, FailureKind.PlanningError, Explain(answer), answer.Kind == ResultKind.UnknownTool ? null : answer.Part.ToolName, AspectOf(answer), answer.Part.Text);
            }
        }
    }

    private static string Explain(ToolAnswer answer) =>
        answer.Kind == ResultKind.UnknownTool ? "The model was told that there is no such tool." : "The model was told that its call was wrong.";

    private static string AspectOf(ToolAnswer answer) => answer.Kind == ResultKind.UnknownTool ? "unknown_tool" : "refused";

    private static void Told(ToolAnswer answer, string? tool, DetectionContext context) =>
        context.FoundAbout(answer.ShownBy, FailureKind.ToolError, "A tool failed, as the model was told.", tool, null, answer.Part.Text);

    private static bool IsSaid(RunStep tool, DetectionContext context) =>
        context.IsKnown(tool.SpanId, FailureKind.ToolError) || context.IsKnown(tool.SpanId, FailureKind.PlanningError);

    // The spans of one call in client and server: the outer one has it.
    private static bool IsInsideTool(RunStep step, DetectionContext context) =>
        context.Tree.AncestorsOf(step).Any(ancestor => ancestor.Kind == StepKind.Tool && ancestor.Tool == step.Tool && IsSaid(ancestor, context));

    private static bool HasSaidExecution(AgentRun run, ToolAnswer answer, DetectionContext context) => run.Steps.Any(step =>
        step.Kind == StepKind.Tool
        && (answer.Part.CallId is { Length: > 0 } id && step.CallId is { Length: > 0 } ? step.CallId == id : answer.Part.ToolName is null || step.Tool == answer.Part.ToolName)
        && (IsSaid(step, context) || Executions.IsNoFailure(step)));

    private static string EvidenceOf(RunStep step) =>
        step.Exceptions.Count > 0 ? $"{step.Exceptions[0].Type}: {step.Exceptions[0].Message}"
        : step.Status == StepStatus.Error && step.StatusMessage.Length > 0 ? step.StatusMessage
        : step.Result ?? step.ErrorType;
}
