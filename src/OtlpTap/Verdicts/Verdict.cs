using OtlpTap.Otlp;

namespace OtlpTap.Verdicts;

/// <summary>Somebody found a failure in a trace, or marked it.</summary>
/// <param name="SpanId">Zero: on the trace as a whole.</param>
/// <param name="Failure">The kind, see <see cref="FailureKind"/>, or the user's own.</param>
/// <param name="Rule">The name of what decided: the rule, the detector, the evaluation's metric.</param>
/// <param name="Source">What sort of thing decided, see <see cref="VerdictSource"/>.</param>
internal readonly record struct Verdict(SpanId SpanId, string Failure, string Rule, string Source)
{
    /// <summary>The span whose failure this one only repeats; zero: it is a cause of its own.</summary>
    public SpanId Origin { get; init; }

    /// <summary>The tool that it is about, where the span does not name it; null: the span does, or it is about none.</summary>
    public string? Subject { get; init; }

    /// <summary>
    /// Which of the sorts that <see cref="Rule"/> tells apart: a word of its own (<c>number</c>, <c>schema</c>), never one that a
    /// model or a user wrote, so that it is the same for the same failure. Null where it knows one sort only.
    /// </summary>
    public string? Aspect { get; init; }

    /// <summary>What was measured, in the units of <see cref="Rule"/> (a detector: 0 to 1, the larger the worse).</summary>
    public double? Score { get; init; }

    /// <summary>The evaluator's word for it (<c>hallucinated</c>, <c>thumbs_down</c>).</summary>
    public string? Label { get; init; }

    /// <summary>Why, for people: one sentence.</summary>
    public string? Explanation { get; init; }

    /// <summary>What it rests on: pieces of text as they stand in the trace, each cut to 1,024 characters, 32 at most.</summary>
    public IReadOnlyList<string> Evidence { get; init; } = [];

    /// <summary>What is known of the span that was judged, for who tells others of it; null where nobody looked.</summary>
    public JudgedSpan? Judged { get; init; }
}

/// <summary>The values of a verdict's <c>source</c>, as they stand in case files.</summary>
internal static class VerdictSource
{
    /// <summary>A rule's condition on the span's own bytes.</summary>
    public const string Rule = "rule";

    /// <summary>A check of the whole trace.</summary>
    public const string Detector = "detector";

    /// <summary>An evaluator that the agent's own side ran, whose result came as telemetry.</summary>
    public const string Evaluation = "evaluation";

    /// <summary>An evaluator that the tap asked.</summary>
    public const string Judge = "judge";

    /// <summary>People.</summary>
    public const string Feedback = "feedback";

    /// <summary>The way in which people went on.</summary>
    public const string ImplicitFeedback = "implicit_feedback";

    /// <summary>A request to the tap's API.</summary>
    public const string Api = "api";
}
