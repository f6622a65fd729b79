using OtlpTap.Health;
using OtlpTap.Runs;

namespace OtlpTap.Advice.Effect;

/// <summary>On which sides of which comparisons a run is.</summary>
internal static class RunPlacement
{
    private const int SituationsMax = 4;

    public static CountedRun Count(RunRecord run) => new(
        EffectWindow.HourOf(run.SeenAt),
        Places(run),
        RunOutcome.IsSuccess(run),
        run.Seconds,
        run.HasBlame,
        run.HasBlame || run.HasPraise,
        [.. run.Scores]);

    private static List<Place> Places(RunRecord run)
    {
        var places = new List<Place>();
        var isConcerned = false;
        foreach (var policy in run.Exposures.Where(exposure => exposure.Concerns(run)).GroupBy(exposure => exposure.Period.Item.Policy))
        {
            isConcerned |= policy.Any(exposure => IsReached(exposure, run));
            Add(places, run, [.. policy], exposure => new EffectGroup(GroupKind.Policy, exposure.Period.Item.Policy, "", HealthScope.OfService(exposure.Service)));
            foreach (var item in policy.GroupBy(exposure => exposure.Period.Item.Id))
            {
                Add(places, run, [.. item], exposure => new EffectGroup(GroupKind.Advice, exposure.Period.Item.Policy, item.Key, exposure.Period.Item.Scope with { Service = exposure.Service }));
            }
        }

        if (!isConcerned)
        {
            AddSituations(places, run);
        }

        return places;
    }

    // A run counts once for a policy, however many of its items concern it.
    private static void Add(List<Place> places, RunRecord run, IReadOnlyList<Exposure> exposures, Func<Exposure, EffectGroup> groupOf)
    {
        var reached = exposures.Where(exposure => IsReached(exposure, run)).ToList();
        if (reached.Count > 0)
        {
            var first = reached[0];
            var arm = first.IsHeldOut ? Arm.HeldOut : reached.Exists(exposure => exposure.IsFollowed(run)) ? Arm.Fallback : Arm.Advised;
            places.Add(new Place(groupOf(first), arm, first.Holdout, first.IsHeldOut && reached.Exists(exposure => exposure.IsFollowedByName(run))));
        }

        // What was in force when it began cannot have come of how it went on.
        if (exposures.FirstOrDefault(exposure => exposure.Period.Contains(run.Start)) is { } inForce)
        {
            places.Add(new Place(groupOf(inForce), inForce.IsHeldOut ? Arm.AllHeldOut : Arm.AllAdvised, inForce.Holdout, false));
        }
    }

    // Who follows advice may never come to what it is about.
    private static bool IsReached(Exposure exposure, RunRecord run) => exposure.IsReached || exposure.IsFollowed(run);

    private static void AddSituations(List<Place> places, RunRecord run)
    {
        if (run.Fallbacks.Count == 0)
        {
            places.Add(new Place(SituationOf(run, null), Arm.Similar, 0, false));
            places.AddRange(RunOutcome.FailedSteps(run).Take(SituationsMax).Select(step => new Place(SituationOf(run, step), Arm.Similar, 0, false)));
        }
        else if (run.Fallbacks.TrueForAll(fallback => fallback.AdviceId.Length == 0))
        {
            var replaced = RunOutcome.ReplacedBy(run, run.Fallbacks[0]);
            var step = replaced is { Kind: StepKind.Tool or StepKind.Llm, Name.Length: > 0 } known ? (known.Kind, known.Name) : ((StepKind, string)?)null;
            places.Add(new Place(SituationOf(run, step), Arm.Own, 0, false));
        }
    }

    private static EffectGroup SituationOf(RunRecord run, (StepKind Kind, string Name)? step)
    {
        var scope = HealthScope.OfAgent(run.Service, run.Agent);
        return new EffectGroup(GroupKind.Situation, "", "", step switch
        {
            (StepKind.Tool, var tool) => scope with { Tool = tool },
            (StepKind.Llm, var model) => scope with { Model = model },
            _ => scope,
        });
    }
}
