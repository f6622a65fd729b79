using OtlpTap.Advice.Effect;

namespace OtlpTap.Tests.Advice.Effect;

/// <summary>Worlds whose truth is known.</summary>
public sealed class KnownEffectTests
{
    [Fact]
    public void Advice_that_lifts_success_by_thirty_points_is_seen_to_help_by_about_that()
    {
        using var world = new EffectWorld();
        var effect = EffectOf(world, runs: 2000, toolWorks: 0.5, fallbackWorks: 0.8);

        Assert.Equal(Claim.Helps, effect.Effect.Claim);
        Assert.False(effect.Effect.IsBiased);
        Assert.InRange(effect.Effect.Difference!.Value, 0.25, 0.35);
        Assert.True(effect.Effect.Interval!.Value.Contains(0.3));
        Assert.Equal(2000, effect.Effect.With.Success.Count + effect.Effect.Without.Success.Count);
        Assert.InRange(effect.HeldOut.Success.Count, 900, 1100);
        Assert.Equal(0, effect.Advised.Success.Count);
        Assert.True(effect.Balance.IsBalanced);
    }

    [Fact]
    public void Advice_that_half_of_the_agents_follow_has_half_of_the_effect_and_more_as_treated()
    {
        using var world = new EffectWorld();
        var effect = EffectOf(world, runs: 4000, toolWorks: 0.4, fallbackWorks: 0.9, follows: 0.5);

        Assert.InRange(effect.Effect.Difference!.Value, 0.2, 0.3);
        Assert.InRange(effect.AsTreated.Difference!.Value, 0.45, 0.55);
        Assert.True(effect.AsTreated.IsBiased);
        Assert.Equal(Claim.Observed, effect.AsTreated.Claim);
        Assert.InRange(effect.Advised.Success.Count, 900, 1100);
    }

    [Fact]
    public void Advice_that_harms_is_said_to_harm()
    {
        using var world = new EffectWorld();
        var effect = EffectOf(world, runs: 1000, toolWorks: 0.9, fallbackWorks: 0.6);

        Assert.Equal(Claim.Harms, effect.Effect.Claim);
        Assert.True(effect.Effect.Interval!.Value.High < 0);
    }

    [Fact]
    public void Of_four_hundred_worlds_without_an_effect_about_five_in_a_hundred_seem_to_have_one()
    {
        var covered = 0;
        for (var seed = 0; seed < 400; seed++)
        {
            using var world = new EffectWorld(seed: seed);
            covered += EffectOf(world, runs: 120, toolWorks: 0.7, fallbackWorks: 0.7).Effect.Interval!.Value.Contains(0) ? 1 : 0;
        }

        // 380 are expected, with a standard deviation of 4.4.
        Assert.InRange(covered, 365, 397);
    }

    [Fact]
    public void Nothing_is_claimed_of_few_runs()
    {
        using var world = new EffectWorld();
        var effect = EffectOf(world, runs: 40, toolWorks: 0, fallbackWorks: 1);

        Assert.Equal(Claim.NotEnoughData, effect.Effect.Claim);
    }

    [Fact]
    public void Nothing_is_claimed_where_nothing_is_held_out()
    {
        using var world = new EffectWorld();
        world.Advice.Holdout = 0;

        Assert.Equal(Claim.NoHoldout, EffectOf(world, runs: 200, toolWorks: 0, fallbackWorks: 1).Effect.Claim);
    }

    [Fact]
    public void Agents_that_follow_without_a_trace_of_it_make_the_sides_unlike_and_that_is_said()
    {
        using var world = new EffectWorld();
        var advice = world.Advice.Raise(EffectWorld.Search);
        for (var i = 0; i < 400; i++)
        {
            var trace = world.NewTrace();

            // Who is not held out leaves the tool alone, and says so to nobody.
            var tool = OtlpTap.Advice.Holdout.Has(trace, world.Advice.Holdout) ? "search" : "other";
            world.Send(world.Step(trace, OtlpTap.Runs.StepKind.Tool, tool, failure: tool == "search" ? "tool_error" : null), world.Root(trace));
        }

        world.Settle();
        var effect = Assert.Single(world.Outcomes.Report().Policies);

        Assert.Equal(advice.Policy, effect.Policy);
        Assert.Equal(Claim.Unbalanced, effect.Effect.Claim);
        Assert.False(effect.Balance.IsBalanced);

        // Of all runs of the agent it can be told all the same.
        Assert.Equal(Claim.Helps, effect.AllRuns.Claim);
    }

    [Fact]
    public void What_is_offered_instead_of_the_tool_shows_who_followed()
    {
        using var world = new EffectWorld();
        world.Advice.Raise(EffectWorld.Search, parameters: new() { ["fallback_tool"] = "search_backup" });
        for (var i = 0; i < 400; i++)
        {
            var trace = world.NewTrace();
            var tool = OtlpTap.Advice.Holdout.Has(trace, world.Advice.Holdout) ? "search" : "search_backup";
            world.Send(world.Step(trace, OtlpTap.Runs.StepKind.Tool, tool, failure: tool == "search" ? "tool_error" : null), world.Root(trace));
        }

        world.Settle();
        var effect = Assert.Single(world.Outcomes.Report().Policies);

        Assert.Equal(Claim.Helps, effect.Effect.Claim);
        Assert.Equal(1, effect.Effect.Difference);
    }

    private static PolicyEffect EffectOf(EffectWorld world, int runs, double toolWorks, double fallbackWorks, double follows = 1)
    {
        var advice = world.Advice.Raise(EffectWorld.Search);
        for (var i = 0; i < runs; i++)
        {
            world.Run(advice, toolWorks, fallbackWorks, follows);
        }

        world.Settle();
        return Assert.Single(world.Outcomes.Report().Policies);
    }
}
