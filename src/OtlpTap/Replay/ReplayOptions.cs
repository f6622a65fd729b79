namespace OtlpTap.Replay;

/// <summary>How cases are run again.</summary>
internal sealed record ReplayOptions
{
    /// <summary>Runs of each case, for models vary. 1 to 1000.</summary>
    public int Repeat { get; init; } = 1;

    /// <summary>Share of them that must pass, above 0 to 1.</summary>
    public double PassRate { get; init; } = 1;

    /// <summary>Runs at the same time, 1 to 256.</summary>
    public int Parallel { get; init; } = 1;

    /// <summary>Of one run: until the agent has answered.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long after the answer the run's spans are waited for: SDKs send in batches, five seconds apart.</summary>
    public TimeSpan SpansWithin { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Quiet time after the last span of a run that looks whole.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(1);
}
