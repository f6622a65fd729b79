using OtlpTap.Health;

namespace OtlpTap.Advice.Effect;

internal enum GroupKind : byte
{
    /// <summary>A policy in a service.</summary>
    Policy,

    /// <summary>One item of advice: a policy and a scope.</summary>
    Advice,

    /// <summary>A tool or a model of an agent that failed, or an agent as such: where agents decide for themselves.</summary>
    Situation,
}

/// <summary>Runs that are compared with each other.</summary>
/// <param name="Policy">Empty: a situation.</param>
/// <param name="AdviceId">Empty: all advice of the policy.</param>
internal readonly record struct EffectGroup(GroupKind Kind, string Policy, string AdviceId, HealthScope Scope);

/// <summary>On which side of which comparison a run counts.</summary>
/// <param name="Holdout">How probable it was that it was held out.</param>
/// <param name="IsAgainst">It was held out and followed the advice all the same.</param>
internal readonly record struct Place(EffectGroup Group, Arm Arm, double Holdout, bool IsAgainst);

/// <summary>What a run counts for: immutable, so that it can be taken out again as it was put in.</summary>
internal sealed record CountedRun(long Hour, IReadOnlyList<Place> Places, bool IsSuccess, double? Seconds, bool HasBlame, bool HasFeedback, IReadOnlyList<KeyValuePair<string, Score>> Scores)
{
    /// <summary>The places for which there was room: from no other is it taken out.</summary>
    public IReadOnlyList<Place> Placed { get; init; } = [];
}
