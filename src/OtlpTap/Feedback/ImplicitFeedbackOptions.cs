namespace OtlpTap.Feedback;

/// <summary>When the way in which users go on is taken for a judgement.</summary>
internal sealed record ImplicitFeedbackOptions
{
    /// <summary>Default true.</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>The similarity from which two inputs in a row say the same; 0 to 1, default 0.6.</summary>
    public double SimilarityThreshold { get; init; } = 0.6;

    /// <summary>How long a session is quiet before it has ended; default 10 min.</summary>
    public TimeSpan SessionIdle { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Memory for what is known of sessions; the one that was quiet longest goes first. Default 16 MiB.</summary>
    public long SessionBytesMax { get; init; } = 16L << 20;
}
