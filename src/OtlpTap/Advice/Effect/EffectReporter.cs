using OtlpTap.Health;

namespace OtlpTap.Advice.Effect;

/// <summary>Compares what was counted.</summary>
internal static class EffectReporter
{
    /// <summary>The normal distribution's point beyond which, on both sides, lies 0.1 %.</summary>
    private const double BalanceZ = 3.29;

    /// <summary>From where on the normal distribution is near enough to the binomial.</summary>
    private const double BalanceExpectedMin = 5;

    private const int SituationsMax = 100;

    public static EffectReport Build(EffectOptions options, double holdout, DateTimeOffset now, EffectWindow window, FallbackCounts fallbacks, string? policy, string? service)
    {
        var sums = window.Sums()
            .Where(sum => (service is null || sum.Group.Scope.Service == service) && (policy is null || sum.Group.Policy == policy))
            .ToList();
        return new EffectReport(now, options.Window, holdout, options.RunsMin)
        {
            Policies = [.. Policies(options, sums)],
            Own = [.. Own(options, sums)],
            Fallbacks = [.. Rows(fallbacks, policy, service)],
        };
    }

    private static IEnumerable<PolicyEffect> Policies(EffectOptions options, List<(EffectGroup Group, Tally[] Arms)> sums)
    {
        var items = sums.Where(sum => sum.Group.Kind == GroupKind.Advice).ToLookup(sum => sum.Group.Policy);
        return
            from sum in sums
            where sum.Group.Kind == GroupKind.Policy
            group sum by sum.Group.Policy into services
            orderby services.Key
            let scope = services.Count() == 1 ? services.First().Group.Scope : new HealthScope("", "", "", "")
            select Effect(options, services.Key, "", scope, Merge(services.Select(sum => sum.Arms))) with
            {
                Items = [.. items[services.Key].OrderBy(sum => sum.Group.AdviceId, StringComparer.Ordinal).Select(sum => Effect(options, sum.Group.Policy, sum.Group.AdviceId, sum.Group.Scope, sum.Arms))],
            };
    }

    private static Tally[] Merge(IEnumerable<Tally[]> services)
    {
        var merged = Enumerable.Range(0, Arms.Count).Select(_ => new Tally()).ToArray();
        foreach (var arms in services)
        {
            for (var arm = 0; arm < merged.Length; arm++)
            {
                merged[arm].Add(arms[arm]);
            }
        }

        return merged;
    }

    private static PolicyEffect Effect(EffectOptions options, string policy, string adviceId, HealthScope scope, Tally[] arms)
    {
        var (fallback, advised, heldOut) = (arms[(int)Arm.Fallback], arms[(int)Arm.Advised], arms[(int)Arm.HeldOut]);
        var (allAdvised, allHeldOut) = (arms[(int)Arm.AllAdvised], arms[(int)Arm.AllHeldOut]);
        var balance = BalanceOf(heldOut, fallback, advised);
        return new PolicyEffect(policy, adviceId, scope)
        {
            Fallback = ArmSummary.Of(fallback),
            Advised = ArmSummary.Of(advised),
            HeldOut = ArmSummary.Of(heldOut),
            Effect = Randomised(options, balance, ArmSummary.Of(fallback, advised), ArmSummary.Of(heldOut)),
            AllRuns = Randomised(options, BalanceOf(allHeldOut, allAdvised), ArmSummary.Of(allAdvised), ArmSummary.Of(allHeldOut)),
            AsTreated = Observed(options, ArmSummary.Of(fallback), ArmSummary.Of(advised, heldOut)),
            Balance = balance,
            Against = heldOut.Against,
        };
    }

    private static Balance BalanceOf(Tally heldOut, params ReadOnlySpan<Tally> given)
    {
        var (expected, variance, count) = (heldOut.ExpectedHeldOut, heldOut.HeldOutVariance, heldOut.Runs);
        foreach (var tally in given)
        {
            expected += tally.ExpectedHeldOut;
            variance += tally.HeldOutVariance;
            count += tally.Runs;
        }

        var canTell = expected >= BalanceExpectedMin && count - expected >= BalanceExpectedMin;
        return new Balance(heldOut.Runs, expected, !canTell || Math.Abs(heldOut.Runs - expected) <= BalanceZ * Math.Sqrt(variance));
    }

    private static Comparison Randomised(EffectOptions options, in Balance balance, ArmSummary with, ArmSummary without)
    {
        var comparison = new Comparison(Claim.NotEnoughData, false, with, without);
        return comparison with
        {
            Claim = balance.Expected <= 0 ? Claim.NoHoldout
                : !balance.IsBalanced ? Claim.Unbalanced
                : !IsEnough(options, with, without) ? Claim.NotEnoughData
                : comparison.Interval is { Low: > 0 } ? Claim.Helps
                : comparison.Interval is { High: < 0 } ? Claim.Harms
                : Claim.NoDifferenceShown,
        };
    }

    private static Comparison Observed(EffectOptions options, ArmSummary with, ArmSummary without) =>
        new(IsEnough(options, with, without) ? Claim.Observed : Claim.NotEnoughData, true, with, without);

    private static bool IsEnough(EffectOptions options, ArmSummary with, ArmSummary without) =>
        with.Success.Count >= options.RunsMin && without.Success.Count >= options.RunsMin;

    private static IEnumerable<OwnEffect> Own(EffectOptions options, List<(EffectGroup Group, Tally[] Arms)> sums) => sums
        .Where(sum => sum.Group.Kind == GroupKind.Situation && sum.Arms[(int)Arm.Own].Runs > 0)
        .OrderByDescending(sum => sum.Arms[(int)Arm.Own].Runs)
        .Take(SituationsMax)
        .Select(sum => new OwnEffect(sum.Group.Scope, Observed(options, ArmSummary.Of(sum.Arms[(int)Arm.Own]), ArmSummary.Of(sum.Arms[(int)Arm.Similar]))));

    private static IEnumerable<FallbackRow> Rows(FallbackCounts fallbacks, string? policy, string? service) => fallbacks.Rows
        .Where(row => (service is null || row.Labels.Service == service) && (policy is null || row.Labels.Reason == policy))
        .Select(row => new FallbackRow(row.Labels, row.Hours.Sum(hour => hour.Value), [.. row.Hours.Select(hour => (DateTimeOffset.FromUnixTimeSeconds(hour.Key * 3600), hour.Value))]))
        .OrderByDescending(row => row.Count);
}
