using OtlpTap.Advice.Effect;
using OtlpTap.Health;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Advice.Effect;

public sealed class FallbackOutcomesTests : IDisposable
{
    private readonly EffectWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task Feedback_twenty_minutes_later_turns_a_success_into_a_failure_and_is_counted_as_a_revision()
    {
        var advice = _world.Advice.Raise(EffectWorld.Search);
        var trace = _world.NewTrace(isHeldOut: false);
        _world.Send(_world.Fallback(trace, adviceId: advice.Id), _world.Root(trace));
        _world.Settle();
        Assert.Equal(new Proportion(1, 1), Policy().Fallback.Success);

        _world.Time.Advance(TimeSpan.FromMinutes(20));
        _world.Judge(trace, FailureKind.NegativeFeedback, source: VerdictSource.Feedback);
        _world.Settle();

        Assert.Equal(new Proportion(0, 1), Policy().Fallback.Success);
        Assert.Equal((1, 1), (Policy().Fallback.WithFeedback, Policy().Fallback.WithBlame));
        var scrape = await _world.ScrapeAsync();
        Assert.Equal(1, scrape["""otlptap_advice_outcomes_total{policy="tool-failing",arm="fallback",outcome="succeeded"}"""]);
        Assert.Equal(1, scrape["""otlptap_advice_outcome_revisions_total{policy="tool-failing",arm="fallback",outcome="failed"}"""]);
        Assert.Single(scrape.SeriesOf("otlptap_advice_outcomes_total"));
    }

    [Fact]
    public void A_run_is_counted_once_nothing_of_it_has_come_for_the_settle_time()
    {
        _world.Advice.Raise(EffectWorld.Search);
        var trace = _world.NewTrace(isHeldOut: true);
        for (var i = 0; i < 10; i++)
        {
            _world.Send(_world.Step(trace, StepKind.Tool, "search"));
            _world.Time.Advance(TimeSpan.FromSeconds(20));
            Assert.Empty(_world.Outcomes.Report().Policies);
        }

        _world.Settle();

        Assert.Equal(new Proportion(1, 1), Policy().HeldOut.Success);
    }

    [Fact]
    public void A_trace_in_many_requests_out_of_order_is_one_run()
    {
        var advice = _world.Advice.Raise(EffectWorld.Search);
        var trace = _world.NewTrace(isHeldOut: false);
        var facts = new List<SpanFact> { _world.Root(trace, seconds: 60) };
        for (var i = 0; i < 20; i++)
        {
            facts.Add(_world.Step(trace, StepKind.Tool, "search", failure: "tool_error") with { Agent = "" });
        }

        _world.Time.Advance(TimeSpan.FromSeconds(2));
        facts.Add(_world.Fallback(trace, adviceId: advice.Id));
        facts.Add(_world.Step(trace, StepKind.Tool, "search_backup"));
        foreach (var fact in facts.OrderBy(_ => _world.Random.Next()))
        {
            _world.Send(fact);
            _world.Send(fact); // and each was sent again
            _world.Time.Advance(TimeSpan.FromSeconds(5));
        }

        _world.Settle();

        var policy = Policy();
        Assert.Equal(new Proportion(1, 1), policy.Fallback.Success);
        Assert.Equal(0, policy.Advised.Success.Count + policy.HeldOut.Success.Count);
        Assert.InRange(policy.Fallback.MedianSeconds!.Value, 57, 63);
        Assert.Equal(1, Assert.Single(_world.Outcomes.Report().Fallbacks).Count);
    }

    [Fact]
    public void A_step_that_ran_before_the_advice_or_after_it_was_not_advised()
    {
        var early = _world.Step(_world.NewTrace(), StepKind.Tool, "search");
        _world.Time.Advance(TimeSpan.FromSeconds(5));
        var advice = _world.Advice.Raise(EffectWorld.Search);
        _world.Time.Advance(TimeSpan.FromSeconds(5));
        var during = _world.Step(_world.NewTrace(), StepKind.Tool, "search");
        _world.Time.Advance(TimeSpan.FromSeconds(5));
        _world.Advice.Withdraw(advice);
        _world.Time.Advance(TimeSpan.FromSeconds(5));
        var late = _world.Step(_world.NewTrace(), StepKind.Tool, "search");

        // All of them come now.
        _world.Send(early, during, late);
        _world.Settle();

        Assert.Equal(1, Policy().Effect.With.Success.Count + Policy().Effect.Without.Success.Count);
    }

    [Fact]
    public void Advice_for_another_service_agent_or_tool_concerns_no_run()
    {
        _world.Advice.Raise(EffectWorld.Search with { Service = "bank" }, policy: "a");
        _world.Advice.Raise(EffectWorld.Search with { Agent = "writer" }, policy: "b");
        _world.Advice.Raise(EffectWorld.Search with { Tool = "pay" }, policy: "c");
        var trace = _world.NewTrace();
        _world.Send(_world.Step(trace, StepKind.Tool, "search"), _world.Root(trace));
        _world.Settle();

        // The last is for its agent, and the run did not come to the tool.
        var policy = Policy();
        Assert.Equal("c", policy.Policy);
        Assert.Equal(0, policy.Effect.With.Success.Count + policy.Effect.Without.Success.Count);
        Assert.Equal(1, policy.AllRuns.With.Success.Count + policy.AllRuns.Without.Success.Count);
    }

    [Fact]
    public void A_tool_whose_agent_is_known_later_is_that_agents()
    {
        _world.Advice.Raise(EffectWorld.Search);
        var (trace, other) = (_world.NewTrace(isHeldOut: true), _world.NewTrace(isHeldOut: true));
        _world.Send(_world.Step(trace, StepKind.Tool, "search") with { Agent = "" }, _world.Root(trace));
        _world.Send(_world.Step(other, StepKind.Tool, "search") with { Agent = "" }, _world.Root(other) with { Agent = "writer" });
        _world.Settle();

        Assert.Equal(1, Policy().HeldOut.Success.Count);
    }

    [Fact]
    public void A_fallback_without_an_id_that_does_what_was_advised_followed_it_and_another_did_not()
    {
        _world.Advice.Raise(EffectWorld.Search, "reroute");
        foreach (var word in new[] { "reroute", "ask_user" })
        {
            var trace = _world.NewTrace(isHeldOut: false);
            _world.Send(_world.Step(trace, StepKind.Tool, "search"), _world.Fallback(trace, word), _world.Root(trace));
        }

        _world.Settle();

        Assert.Equal((1, 1), (Policy().Fallback.Success.Count, Policy().Advised.Success.Count));
    }

    [Fact]
    public void A_run_that_was_held_out_stays_so_whatever_its_agent_did_and_that_is_told()
    {
        var advice = _world.Advice.Raise(EffectWorld.Search);
        var trace = _world.NewTrace(isHeldOut: true);
        _world.Send(_world.Fallback(trace, adviceId: advice.Id), _world.Root(trace));
        _world.Settle();

        Assert.Equal(1, Policy().HeldOut.Success.Count);
        Assert.Equal(0, Policy().Fallback.Success.Count);
        Assert.Equal(1, Policy().Against);
    }

    [Fact]
    public void Two_items_of_a_policy_in_one_run_count_once_for_the_policy_and_once_for_each()
    {
        _world.Advice.Raise(EffectWorld.Search);
        _world.Advice.Raise(EffectWorld.Search with { Tool = "pay" });
        var trace = _world.NewTrace(isHeldOut: true);
        _world.Send(_world.Step(trace, StepKind.Tool, "search"), _world.Step(trace, StepKind.Tool, "pay"), _world.Root(trace));
        _world.Settle();

        Assert.Equal(1, Policy().HeldOut.Success.Count);
        Assert.Equal([1, 1], Policy().Items.Select(item => item.HeldOut.Success.Count));
    }

    [Fact]
    public void Fallbacks_of_their_own_are_compared_with_runs_in_which_the_same_tool_failed_and_none_was_taken()
    {
        for (var i = 0; i < 40; i++)
        {
            var (own, similar, other) = (_world.NewTrace(), _world.NewTrace(), _world.NewTrace());
            _world.Send(_world.Step(own, StepKind.Tool, "search", failure: "tool_error"));
            _world.Send(_world.Step(similar, StepKind.Tool, "search", failure: "tool_error"), _world.Root(similar));
            _world.Send(_world.Step(other, StepKind.Tool, "pay", failure: "tool_error"), _world.Root(other));
            _world.Time.Advance(TimeSpan.FromSeconds(2));
            _world.Send(_world.Fallback(own, "cached"), _world.Root(own));
        }

        _world.Settle();

        // From the first on the service is one that is followed.
        var effect = Assert.Single(_world.Outcomes.Report().Own, own => own.Situation == EffectWorld.Search);
        Assert.Equal(new Proportion(39, 39), effect.Comparison.With.Success);
        Assert.Equal(new Proportion(0, 39), effect.Comparison.Without.Success);
        Assert.True(effect.Comparison.IsBiased);
        Assert.Equal(Claim.Observed, effect.Comparison.Claim);
        Assert.Empty(_world.Outcomes.Report().Policies);
    }

    [Fact]
    public void Scores_durations_and_opinions_stand_beside_success()
    {
        var advice = _world.Advice.Raise(EffectWorld.Search);
        for (var i = 0; i < 30; i++)
        {
            var (given, held) = (_world.NewTrace(isHeldOut: false), _world.NewTrace(isHeldOut: true));
            _world.Send(_world.Fallback(given, adviceId: advice.Id), _world.Root(given, seconds: 2));
            _world.Send(_world.Step(held, StepKind.Tool, "search"), _world.Root(held, seconds: 8));
            _world.Score(given, 0.9);
            _world.Score(given, 0.7);
            _world.Score(held, double.NaN);
            _world.Judge(given, FailureKind.PositiveFeedback, source: VerdictSource.Feedback);
        }

        _world.Settle();

        var effect = Policy().Effect;
        Assert.Equal(0.8, effect.With.Scores["relevance"].Sum / effect.With.Scores["relevance"].Count, 6);
        Assert.Empty(effect.Without.Scores);
        Assert.InRange(effect.LatencyRatio!.Value, 0.23, 0.27);
        Assert.Equal((30, 0), (effect.With.WithFeedback, effect.With.WithBlame));
        Assert.Equal(0, effect.Without.WithFeedback);
    }

    [Fact]
    public void What_is_older_than_the_window_is_forgotten_and_opinions_on_it_change_nothing()
    {
        _world.Advice.Raise(EffectWorld.Search);
        var trace = _world.NewTrace(isHeldOut: true);
        _world.Send(_world.Step(trace, StepKind.Tool, "search"), _world.Fallback(trace, "cached"), _world.Root(trace));
        _world.Settle();
        _world.Time.Advance(TimeSpan.FromHours(22));
        Assert.Equal(1, Policy().HeldOut.Success.Count);

        _world.Time.Advance(TimeSpan.FromHours(2));
        _world.Judge(trace, FailureKind.NegativeFeedback, source: VerdictSource.Feedback);
        _world.Settle();

        var report = _world.Outcomes.Report();
        Assert.Empty(report.Policies);
        Assert.Empty(report.Fallbacks);
    }

    [Fact]
    public void The_report_can_be_of_one_policy_or_service()
    {
        _world.Advice.Raise(EffectWorld.Search, policy: "a");
        _world.Advice.Raise(EffectWorld.Search with { Service = "bank" }, policy: "b");
        foreach (var service in new[] { "shop", "bank" })
        {
            var trace = _world.NewTrace();
            _world.Send(_world.Step(trace, StepKind.Tool, "search") with { Service = service }, _world.Fallback(trace, "cached") with { Service = service });
        }

        _world.Settle();

        Assert.Equal(["a", "b"], _world.Outcomes.Report().Policies.Select(policy => policy.Policy));
        Assert.Equal(["b"], _world.Outcomes.Report(service: "bank").Policies.Select(policy => policy.Policy));
        Assert.Equal(["a"], _world.Outcomes.Report(policy: "a").Policies.Select(policy => policy.Policy));
        Assert.Equal(["shop"], _world.Outcomes.Report(service: "shop").Fallbacks.Select(row => row.Labels.Service));
    }

    private PolicyEffect Policy() => Assert.Single(_world.Outcomes.Report().Policies);
}
