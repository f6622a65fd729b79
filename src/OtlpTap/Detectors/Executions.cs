using System.Text.RegularExpressions;
using OtlpTap.Runs;

namespace OtlpTap.Detectors;

/// <summary>What a tool's own span says of how it went.</summary>
internal static class Executions
{
    // Somebody gave up waiting, or the call waits for a person or another program: no failure.
    private static readonly Regex NoFailure = new(
        "(?:^|[.:_$])(?:(?:operation|task)?_?cancell?ed(?:error|exception)?|abort(?:ed)?error|call_?deferred|approval_?required|(?:graph|node)?interrupt(?:ed|exception)?|tool_?deferred|handoff|parent_?command)$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);

    public static ResultKind OutcomeOf(RunStep tool)
    {
        if (IsNoFailure(tool))
        {
            return ResultKind.Healthy;
        }

        if (tool.Status == StepStatus.Error || tool.Exceptions.Count > 0)
        {
            var raised = tool.Exceptions.Count > 0 ? $"{tool.Exceptions[0].Type}: {tool.Exceptions[0].Message}" : "";
            return ResultText.Reason($"{tool.ErrorType} {tool.StatusMessage} {raised}");
        }

        return tool.Result is { } result ? ResultText.Read(result) : ResultKind.Healthy;
    }

    /// <summary>Cancelled, deferred, or handed to somebody else.</summary>
    public static bool IsNoFailure(RunStep tool) =>
        NoFailure.IsMatch(tool.ErrorType) || tool.Exceptions.Any(static exception => NoFailure.IsMatch(exception.Type));
}
