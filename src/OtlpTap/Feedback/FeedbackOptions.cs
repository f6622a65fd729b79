namespace OtlpTap.Feedback;

/// <summary>What users think of answers.</summary>
internal sealed record FeedbackOptions
{
    /// <summary>What they say.</summary>
    public ExplicitFeedbackOptions Explicit { get; init; } = new();

    /// <summary>What they show by the way in which they go on.</summary>
    public ImplicitFeedbackOptions Implicit { get; init; } = new();
}
