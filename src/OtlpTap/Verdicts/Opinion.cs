using OtlpTap.Otlp;

namespace OtlpTap.Verdicts;

/// <summary>What somebody thinks of an answer.</summary>
internal enum OpinionValue : byte
{
    Negative,

    /// <summary>The middle of a scale, or words that nobody can weigh.</summary>
    Neutral,

    Positive,
}

/// <summary>What a person said outright of an answer, whichever way it came. Texts are as they may be told: redacted where the operator wants it.</summary>
/// <param name="SpanId">Zero: the trace as a whole.</param>
/// <param name="Name">What was asked for: <c>user_feedback</c>, or the sender's own word, which is no bounded set.</param>
internal sealed record Opinion(TraceId TraceId, SpanId SpanId, OpinionValue Value, string Name)
{
    /// <summary>What is known of the answer's span; null: nothing.</summary>
    public JudgedSpan? Judged { get; init; }

    /// <summary>On the scale from <see cref="Min"/> to <see cref="Max"/>, where these are known.</summary>
    public double? Score { get; init; }

    public double? Min { get; init; }

    public double? Max { get; init; }

    /// <summary><c>thumbs_down</c>, or the person's own word.</summary>
    public string? Label { get; init; }

    public string? Comment { get; init; }

    /// <summary>Of the feedback: a further opinion with it takes the place of this one. Null where it came without.</summary>
    public string? Id { get; init; }

    /// <summary>Who, by the name of the attribute that may say so.</summary>
    public (string Key, string Value)? User { get; init; }

    /// <summary>What this person had said before of the same; null: nothing that anybody was told of.</summary>
    public OpinionValue? Before { get; init; }

    /// <summary>The backend has a log record of it in this trace already.</summary>
    public bool IsRecorded { get; init; }
}

/// <summary>Told of each opinion once. Any thread; does not wait.</summary>
internal interface IFeedbackObserver
{
    void Said(Opinion opinion);
}
