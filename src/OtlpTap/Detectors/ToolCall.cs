using OtlpTap.Runs;

namespace OtlpTap.Detectors;

/// <summary>A call that a model asked for, with what became of it.</summary>
/// <param name="Caller">The model's call that asked for it.</param>
/// <param name="Name">Null where it is not recorded.</param>
internal sealed record ToolCall(RunStep Caller, string? Id, string? Name, string? Arguments)
{
    /// <summary>The span that carried it out; null where there is none.</summary>
    public RunStep? Execution { get; set; }

    /// <summary>The message in which the result was told to the model; null where none was.</summary>
    public ToolAnswer? Answer { get; set; }

    /// <summary>The result, whoever tells it; null where nobody does.</summary>
    public string? Result => Execution?.Result ?? Answer?.Part.Text;

    /// <summary>What became of it, by its span, its result or the message about it.</summary>
    public ResultKind Outcome => Execution is { } execution && Executions.OutcomeOf(execution) is var own && own != ResultKind.Healthy
        ? own
        : Answer?.Kind ?? ResultKind.Healthy;
}
