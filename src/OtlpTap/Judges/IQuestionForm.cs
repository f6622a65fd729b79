using OtlpTap.Runs;

namespace OtlpTap.Judges;

/// <summary>What an answer says.</summary>
/// <param name="Verdicts">Of failures that were found, without their trace and span; empty where all is well.</param>
/// <param name="Problem">Why it is none; null where it is one.</param>
internal readonly record struct JudgeAnswer(IReadOnlyList<Finding> Verdicts, JudgeProblem? Problem)
{
    /// <summary>Of an answer without verdicts: what was measured all the same, 0 is good. Null where it says a word only.</summary>
    public double? Score { get; init; }

    public static JudgeAnswer None(JudgeProblem problem) => new([], problem);
}

/// <summary>One failure as an evaluator says it, checked and cut.</summary>
internal sealed record Finding(string Failure, double? Score, string? Label, string? Explanation, IReadOnlyList<string> Evidence);

/// <summary>Why an answer that came is none.</summary>
internal enum JudgeProblem
{
    /// <summary>No JSON, or not of the form that was asked for.</summary>
    Malformed,

    /// <summary>A score that is no number from 0 to 1.</summary>
    AbsurdScore,

    /// <summary>Neither the label nor a score says whether the answer is good.</summary>
    Undecided,
}

/// <summary>In which form a run is asked about, and how the answer is read. Something outside stands behind each.</summary>
internal interface IQuestionForm
{
    /// <summary>Null where it cannot be put into <paramref name="bytesMax"/>.</summary>
    byte[]? Write(AgentRun run, int bytesMax);

    /// <summary>Never throws, whatever came.</summary>
    JudgeAnswer Read(ReadOnlyMemory<byte> answer);
}
