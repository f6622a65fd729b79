using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// The run ends on a call of a tool, without an answer: it was stopped at a limit of steps. On the step around the models' calls,
/// which must have ended. A call that nobody in this run carries out is somebody else's to carry out (a tool of the client,
/// a person who approves), and one whose result is what the run was for (a tool for the final output) is the answer.
/// </summary>
internal sealed class UnfinishedRunDetector : IDetector
{
    public string Name => "unfinished_run";

    public void Examine(AgentRun run, DetectionContext context)
    {
        if (RunEnd.LastModelCall(run) is not { } last || last.Status == StepStatus.Error || !EndsOnCall(last) || last.Output.Any(static message => message.Text.Trim().Length > 0))
        {
            return;
        }

        var models = run.Steps.Where(static step => step.Kind == StepKind.Llm).ToList();
        var open = context.Calls.All.Where(call => call.Caller == last).ToList();

        // The run goes on after results of such calls: it did so before.
        var wentOn = open.Count > 0 && open.TrueForAll(call => context.Calls.All.Any(earlier => earlier.Caller != last && earlier.Name == call.Name && earlier.Answer is not null));
        if (models.Count < 2 || !wentOn || open.Exists(static call => call.Execution is { } execution && Executions.IsNoFailure(execution)))
        {
            return;
        }

        if (context.Tree.Around(models) is { } around && !HasAnswered(around, last) && !RunEnd.IsSaidAbove(around, context))
        {
            context.FoundAbout(around, FailureKind.PlanningError, $"The run ends on a call of \"{open[0].Name}\" without an answer.", open[0].Name, null, $"{open[0].Name}({open[0].Arguments})");
        }
    }

    private static bool EndsOnCall(RunStep step) =>
        step.FinishReason is null or "tool_call" && step.Output.Any(static message => message.Parts.Any(static part => part.Kind == PartKind.ToolCall));

    // The agent's own output is a text that no model gave: its code answered.
    private static bool HasAnswered(RunStep around, RunStep last) =>
        around.FinishReason is not "tool_call"
        && around.Output.Any(static message => message.Role is MessageRole.Assistant or MessageRole.Unknown && message.Text.Trim().Length > 0)
        && around.Output[^1].Text.Trim().Length > 0
        && around.EndUnixNano >= last.EndUnixNano;
}
