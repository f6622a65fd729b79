namespace OtlpTap.Feedback;

/// <summary>What became of a post of feedback: all of it was taken, or none.</summary>
internal sealed record FeedbackAnswer
{
    /// <summary>Each with what became of it: <c>accepted</c>, <c>changed</c>, <c>repeated</c>, or <c>unresolved</c> while what it speaks of is not known.</summary>
    public IReadOnlyList<(string Id, string Status)> Taken { get; init; } = [];

    /// <summary>Why none was taken.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>More is posted than may be, by whom.</summary>
    public FeedbackLimit Limit { get; init; }

    /// <summary>When it may be again; null: now.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
