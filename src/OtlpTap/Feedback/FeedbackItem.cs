using OtlpTap.Otlp;

namespace OtlpTap.Feedback;

/// <summary>In which way an opinion is given.</summary>
internal enum FeedbackForm : byte
{
    Thumbs,
    Stars,
    Score,
    Label,
}

/// <summary>One opinion as it was posted, found valid. Which of the three it speaks of: a trace, a response or a session.</summary>
internal sealed record FeedbackItem
{
    public const string DefaultName = "user_feedback";

    /// <summary>Null: its sender gave none.</summary>
    public string? Id { get; init; }

    /// <summary>Zero where it is not what it speaks of.</summary>
    public TraceId TraceId { get; init; }

    /// <summary>Zero: the trace as a whole.</summary>
    public SpanId SpanId { get; init; }

    public string? ResponseId { get; init; }

    public string? SessionId { get; init; }

    public FeedbackForm Form { get; init; }

    /// <summary>From <see cref="Worst"/> to <see cref="Best"/>; null of a mere label.</summary>
    public double? Score { get; init; }

    public double? Worst { get; init; }

    public double? Best { get; init; }

    public string? Label { get; init; }

    public string? Comment { get; init; }

    public string? User { get; init; }

    /// <summary>What may be told of the user, in place of <see cref="User"/>.</summary>
    public (string Key, string Value)? UserAttribute { get; init; }

    public string Name { get; init; } = DefaultName;

    /// <summary>What it costs to keep: bytes, about.</summary>
    public int Size => 256 + (2 * (Name.Length + (Id?.Length ?? 0) + (ResponseId?.Length ?? 0) + (SessionId?.Length ?? 0) + (Label?.Length ?? 0) + (Comment?.Length ?? 0) + (User?.Length ?? 0)));
}
