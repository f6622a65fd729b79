namespace OtlpTap.Feedback;

/// <summary>What people say outright, by the tap's own endpoint.</summary>
internal sealed record ExplicitFeedbackOptions
{
    /// <summary>Whether there is an endpoint. Default true.</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>So many stars and fewer are negative; 1 to 4, default 2.</summary>
    public int NegativeStars { get; init; } = 2;

    /// <summary>A score below it, on the scale from 0 to 1, is negative; default 0.5.</summary>
    public double NegativeScore { get; init; } = 0.5;

    /// <summary>Of one sender in a minute; default 600. As many may come at once.</summary>
    public int PerMinuteMax { get; init; } = 600;

    /// <summary>Of all senders in a minute; default ten times <see cref="PerMinuteMax"/>. As many may come at once.</summary>
    public int TotalPerMinuteMax { get; init; } = 6000;

    /// <summary>In one request; default 100.</summary>
    public int ItemsMax { get; init; } = 100;
}
