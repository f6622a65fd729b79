namespace OtlpTap.Advice.Effect;

/// <summary>That a run ran while an item of advice was in force for its agent.</summary>
internal sealed class Exposure(AdvicePeriod period, string service, bool isHeldOut, double holdout)
{
    public AdvicePeriod Period { get; } = period;

    /// <summary>Of the step by which it is concerned.</summary>
    public string Service { get; } = service;

    /// <summary>Chance decided that it was to go without.</summary>
    public bool IsHeldOut { get; } = isHeldOut;

    /// <summary>How probable that was.</summary>
    public double Holdout { get; } = holdout;

    /// <summary>The run came to what the advice is about: see <see cref="Concern.Step"/>.</summary>
    public bool IsReached { get; set; }

    /// <summary>Its agents, as far as they are known now, are among those that the advice is for: a tool's span often comes before the span that says whose it is.</summary>
    public bool Concerns(RunRecord run)
    {
        var agent = Period.Item.Scope.Agent;
        return agent.Length == 0 || run.Agents.Count == 0 || run.Agents.Contains(agent);
    }

    /// <summary>The run took a fallback that names the advice.</summary>
    public bool IsFollowedByName(RunRecord run) => run.Fallbacks.Exists(fallback => Period.IsNamed(fallback.AdviceId));

    /// <summary>So it did, or it took one that names no advice and is what was advised at that time.</summary>
    public bool IsFollowed(RunRecord run) =>
        IsFollowedByName(run) || run.Fallbacks.Exists(fallback => fallback.AdviceId.Length == 0 && fallback.Advice == Period.Item.Advice && Period.Contains(fallback.At));
}
