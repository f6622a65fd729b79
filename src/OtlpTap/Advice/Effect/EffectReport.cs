using OtlpTap.Health;

namespace OtlpTap.Advice.Effect;

/// <summary>What can be said of a difference.</summary>
internal enum Claim : byte
{
    /// <summary>No run was held out: there is nothing to compare with.</summary>
    NoHoldout,

    /// <summary>Fewer runs than <see cref="EffectOptions.RunsMin"/> on one side.</summary>
    NotEnoughData,

    /// <summary>Chance alone would not have held out so many, or so few: the two sides are not alike.</summary>
    Unbalanced,

    /// <summary>The interval has 0 in it.</summary>
    NoDifferenceShown,
    Helps,
    Harms,

    /// <summary>Of a comparison that is biased: it may be looked at, and nothing is claimed.</summary>
    Observed,
}

/// <summary>What came of the runs on one side.</summary>
/// <param name="MedianSeconds">Null: no duration is known.</param>
/// <param name="WithFeedback">Runs that users praised or complained of.</param>
internal sealed record ArmSummary(Proportion Success, double? MedianSeconds, long WithFeedback, long WithBlame, IReadOnlyDictionary<string, Score> Scores)
{
    public static ArmSummary Of(params ReadOnlySpan<Tally> tallies)
    {
        var sum = new Tally();
        foreach (var tally in tallies)
        {
            sum.Add(tally);
        }

        return new ArmSummary(sum.Success, sum.MedianSeconds, sum.WithFeedback, sum.WithBlame, sum.Scores);
    }
}

/// <summary>Two sides, and how they differ.</summary>
/// <param name="IsBiased">Agents, not chance, decided who is on which side: a difference may have other causes than advice.</param>
internal sealed record Comparison(Claim Claim, bool IsBiased, ArmSummary With, ArmSummary Without)
{
    /// <summary>Success with, less success without; null where either has no runs.</summary>
    public double? Difference => With.Success.Count > 0 && Without.Success.Count > 0 ? With.Success.Share - Without.Success.Share : null;

    /// <summary>Its 95 % interval.</summary>
    public Interval? Interval => Difference is null ? null : With.Success.MinusInterval(Without.Success);

    /// <summary>The median duration with, by that without.</summary>
    public double? LatencyRatio => With.MedianSeconds / Without.MedianSeconds;
}

/// <summary>Whether as many runs were held out as chance should have.</summary>
/// <param name="IsBalanced">Chance alone is further away in less than one of a thousand cases; true where there are too few to tell.</param>
internal readonly record struct Balance(long HeldOut, double Expected, bool IsBalanced);

/// <summary>The effect of a policy, or of one item of its advice.</summary>
/// <param name="AdviceId">Empty: of the policy.</param>
internal sealed record PolicyEffect(string Policy, string AdviceId, HealthScope Scope)
{
    public required ArmSummary Fallback { get; init; }

    public required ArmSummary Advised { get; init; }

    public required ArmSummary HeldOut { get; init; }

    /// <summary>By intention to treat, of runs that came to what the advice is about: not held out, followed or not, against held out.</summary>
    public required Comparison Effect { get; init; }

    /// <summary>The same of all runs that began while the advice was in force for their agent: smaller, since it has runs in it that it could not change, and never biased.</summary>
    public required Comparison AllRuns { get; init; }

    /// <summary>As treated: followed against not followed or held out. Biased: agents choose when to follow.</summary>
    public required Comparison AsTreated { get; init; }

    public required Balance Balance { get; init; }

    /// <summary>Held out and followed all the same: their agents do not keep to the hold-out.</summary>
    public required long Against { get; init; }

    /// <summary>Of a policy: each of its items.</summary>
    public IReadOnlyList<PolicyEffect> Items { get; init; } = [];
}

/// <summary>Fallbacks that agents took of their own, against similar runs in which they took none. Biased.</summary>
internal sealed record OwnEffect(HealthScope Situation, Comparison Comparison);

/// <param name="Hours">Counts by the hour's beginning.</param>
internal sealed record FallbackRow(FallbackLabels Labels, long Count, IReadOnlyList<(DateTimeOffset Hour, long Count)> Hours);

internal sealed record EffectReport(DateTimeOffset GeneratedAt, TimeSpan Window, double Holdout, int RunsMin)
{
    public required IReadOnlyList<PolicyEffect> Policies { get; init; }

    public required IReadOnlyList<OwnEffect> Own { get; init; }

    public required IReadOnlyList<FallbackRow> Fallbacks { get; init; }
}
