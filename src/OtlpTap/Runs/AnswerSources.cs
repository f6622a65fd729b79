namespace OtlpTap.Runs;

/// <summary>What the answer of a run should rest on: the tools that were called in it, or else that documents were retrieved.</summary>
internal static class AnswerSources
{
    public const string Documents = "documents";

    // Of more than these nobody reads the names, and a run that calls one more or less would be another failure.
    private const int NamesMax = 3;
    public const string Several = "several tools";

    /// <summary>Names in the order of their letters, whatever the order of the calls; empty where the run looked nothing up.</summary>
    public static string Of(AgentRun run)
    {
        // By their spans, or where those are not recorded by the answers to their calls: a tool that is only asked for is a model's word.
        var names = run.Steps.Where(static step => step.Kind == StepKind.Tool).Select(static step => step.Tool)
            .Concat(run.ToolCalls.Where(static call => call.Result is not null).Select(static call => call.Name))
            .Where(static name => !string.IsNullOrEmpty(name))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToList();
        return names.Count > NamesMax ? Several
            : names.Count > 0 ? string.Join(", ", names)
            : run.Steps.Any(static step => step.Documents.Count > 0) ? Documents : "";
    }
}
