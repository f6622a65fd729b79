using OtlpTap.Corpus;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Replay;

/// <summary>A case that can be run again: what is given to the agent, and what must not show.</summary>
/// <param name="Id">The name of its folder.</param>
/// <param name="Kinds">All failures of its recorded trace: any other is new.</param>
/// <param name="Recorded">The recorded trace, for the recorded world; null where it cannot be read.</param>
internal sealed record ReplayCase(string Path, string Id, string Failure, string Title, string Input, CaseStatus Status, IReadOnlySet<string> Kinds, AgentRun? Recorded)
{
    public static ReplayCase Of(string path, CaseDocument document, AgentRun? recorded)
    {
        var kinds = document.Verdicts.Select(static verdict => verdict.Failure).Append(document.Failure).Where(static kind => !FailureKind.IsMark(kind)).ToHashSet(StringComparer.Ordinal);
        return new ReplayCase(path, System.IO.Path.GetFileName(path), document.Failure, document.Title, InputOf(document) ?? "", document.Life.Status, kinds, recorded);
    }

    /// <summary>Why a case cannot be run again; null when it can.</summary>
    public static string? NotReplayable(CaseDocument document) =>
        document.NotReplayable.Count > 0 ? string.Join(", ", document.NotReplayable)
        : string.IsNullOrEmpty(InputOf(document)) ? "user_input_not_recorded"
        : null;

    private static string? InputOf(CaseDocument document) => document.Run is { } run ? JsonText.Text(run, "user_input") : null;
}
