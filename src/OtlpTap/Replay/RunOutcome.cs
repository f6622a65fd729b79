namespace OtlpTap.Replay;

internal enum RunResult
{
    Passed,

    /// <summary>The case's own failure shows.</summary>
    StillFails,

    /// <summary>Its failure is gone, and another is there.</summary>
    NewFailure,

    /// <summary>The agent answered with an error, or ended with one.</summary>
    AgentFailed,

    TimedOut,

    /// <summary>No span of the run came: nothing can be said of it.</summary>
    NoSpans,

    /// <summary>The agent asked the recorded world for something that was not recorded.</summary>
    Unrecorded,
}

/// <summary>What a rerun found: a failure's kind, where and why.</summary>
internal sealed record Finding(string Failure, string SpanName, IReadOnlyList<string> Rules, string Evidence);

/// <summary>How one run of a case went.</summary>
/// <param name="Why">For people; empty when it passed.</param>
/// <param name="Version">Of the service that ran; null where it says none.</param>
internal sealed record RunOutcome(RunResult Result, string Why, IReadOnlyList<Finding> Findings, string TraceId, TimeSpan Duration, string? Version = null);

/// <summary>What became of a case over all its runs.</summary>
/// <param name="Skipped">Why it was not run; null when it was.</param>
internal sealed record ReplayOutcome(string Path, string Id, string Failure, string Title, IReadOnlyList<RunOutcome> Runs, double PassRateNeeded, string? Skipped = null)
{
    public int PassCount => Runs.Count(static run => run.Result == RunResult.Passed);

    // A rate such as 0.8 of five runs is four of them, whatever the fractions of a double make of it.
    public bool HasPassed => Skipped is null && Runs.Count > 0 && PassCount >= Math.Ceiling((PassRateNeeded * Runs.Count) - 1e-9);

    public TimeSpan Duration => Runs.Aggregate(TimeSpan.Zero, static (sum, run) => sum + run.Duration);

    /// <summary>Why the first run that failed did so; empty when none did.</summary>
    public string Why => Runs.FirstOrDefault(static run => run.Result != RunResult.Passed)?.Why ?? "";
}
