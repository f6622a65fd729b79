using OtlpTap.Advice.Effect;
using OtlpTap.Health;
using OtlpTap.Runs;
using OtlpTap.Verdicts;
using OtlpTap.Web;

namespace OtlpTap.Tests.Advice.Effect;

/// <summary>What senders can do to the memory, and to what others want to know.</summary>
public sealed class EffectBoundsTests
{
    [Fact]
    public async Task Runs_are_forgotten_beyond_the_bound_those_first_that_no_advice_concerned_and_stay_counted()
    {
        using var world = new EffectWorld(new EffectOptions { RunBytesMax = 200_000 });
        var advice = world.Advice.Raise(EffectWorld.Search);
        var kept = world.NewTrace(isHeldOut: false);
        world.Send(world.Fallback(kept, adviceId: advice.Id), world.Root(kept));
        world.Settle();
        for (var i = 0; i < 2000; i++)
        {
            world.Send(world.Root(world.NewTrace()) with { Agent = "other" });
            if (i % 100 == 0)
            {
                world.Settle();
            }
        }

        world.Settle();
        var scrape = await world.ScrapeAsync();
        Assert.InRange(scrape["otlptap_advice_runs_bytes"], 1, 200_000);
        Assert.Equal(2001, scrape["otlptap_advice_runs"] + scrape["otlptap_advice_runs_evicted_total"]);

        // An opinion still finds the run that matters.
        world.Judge(kept, FailureKind.NegativeFeedback, source: VerdictSource.Feedback);
        world.Settle();
        Assert.Equal(new Proportion(0, 1), Assert.Single(world.Outcomes.Report().Policies).Fallback.Success);
    }

    [Fact]
    public async Task A_run_that_is_forgotten_while_it_is_open_counts_as_far_as_it_is_known()
    {
        using var world = new EffectWorld(new EffectOptions { RunBytesMax = 100_000 });
        world.Advice.Raise(EffectWorld.Search);
        for (var i = 0; i < 1000; i++)
        {
            world.Send(world.Step(world.NewTrace(isHeldOut: true), StepKind.Tool, "search"));
        }

        var before = Assert.Single(world.Outcomes.Report().Policies).HeldOut.Success.Count;
        Assert.Equal(before, (await world.ScrapeAsync())["otlptap_advice_runs_evicted_total"]);
        Assert.InRange(before, 1, 999);
        world.Settle();
        Assert.Equal(1000, Assert.Single(world.Outcomes.Report().Policies).HeldOut.Success.Count);
    }

    [Fact]
    public async Task A_million_reasons_are_some_reasons_and_other()
    {
        using var world = new EffectWorld();
        var trace = world.NewTrace();
        for (var i = 0; i < 1_000_000; i++)
        {
            if (i % RunRecord.FallbacksMax == 0)
            {
                trace = world.NewTrace();
            }

            world.Send(world.Fallback(trace, reason: $"because of {Letters(i)}"));
        }

        var rows = world.Outcomes.Report().Fallbacks;
        Assert.Equal(FallbackCounts.ReasonsMax + 1, rows.Count);
        Assert.Equal(1_000_000, rows.Sum(row => row.Count));
        Assert.Equal(1_000_000 - FallbackCounts.ReasonsMax, rows.Single(row => row.Labels.Reason == FallbackCounts.Other).Count);
        Assert.Equal(FallbackCounts.ReasonsMax + 1, (await world.ScrapeAsync()).SeriesOf("otlptap_fallbacks_total").Count);
    }

    [Fact]
    public void Scores_beyond_every_scale_leave_the_report_as_it_is()
    {
        using var world = new EffectWorld();
        var advice = world.Advice.Raise(EffectWorld.Search);
        foreach (var score in (double[])[0.5, 1.7e308, 1.7e308])
        {
            var trace = world.NewTrace(isHeldOut: false);
            world.Send(world.Fallback(trace, adviceId: advice.Id), world.Root(trace));
            world.Score(trace, score);
        }

        world.Settle();

        var report = world.Outcomes.Report();
        Assert.Equal(new Score(0.5, 1), Assert.Single(report.Policies).Fallback.Scores["relevance"]);
        using var body = new MemoryStream();
        using var json = new System.Text.Json.Utf8JsonWriter(body);
        EffectJson.Write(json, report);
    }

    /// <summary>Evaluators choose the names of their metrics, and verdicts bring the names of what they judge.</summary>
    [Fact]
    public void What_is_said_of_a_run_counts_among_its_bytes()
    {
        var run = new RunRecord(new(0, 1), DateTimeOffset.UnixEpoch);
        var before = run.Bytes;
        var name = new string('x', RunRecord.NameLengthMax);

        run.Take(new PassedScore(default, name, VerdictSource.Evaluation, 0.5));
        Assert.InRange(run.Bytes - before, 2 * name.Length, 3 * name.Length);
        before = run.Bytes;
        run.Take(new Verdict(new(7), "tool_error", "any", VerdictSource.Detector) { Judged = new JudgedSpan(new(7), name, 0, null) { Agent = name, Tool = name, Model = name } });

        Assert.InRange(run.Bytes - before, 8 * name.Length, 10 * name.Length);
    }

    /// <summary>The room of another hour may have come free by then.</summary>
    [Fact]
    public void A_run_that_there_was_no_room_for_is_not_taken_out_again()
    {
        var window = new EffectWindow(TimeSpan.FromHours(2));
        var start = DateTimeOffset.UnixEpoch.AddYears(50);
        window.Advance(start);
        var hour = EffectWindow.HourOf(start);
        var group = new EffectGroup(GroupKind.Situation, "", "", HealthScope.OfAgent("shop", "planner"));
        for (var i = 0; i < EffectWindow.TalliesMax; i++)
        {
            window.Add(Run(hour, group with { Scope = HealthScope.OfAgent("shop", $"agent{i}") }, true));
        }

        var late = window.Add(Run(hour + 1, group, false));
        window.Advance(start.AddHours(2));
        window.Add(Run(hour + 1, group, true));
        window.Remove(late);

        Assert.Empty(late.Placed);
        Assert.Equal(new Proportion(1, 1), Assert.Single(window.Sums()).Arms[(int)Arm.Similar].Success);
    }

    private static CountedRun Run(long hour, EffectGroup group, bool isSuccess) => new(hour, [new Place(group, Arm.Similar, 0, false)], isSuccess, null, false, false, []);

    [Fact]
    public async Task Names_without_end_are_other_too()
    {
        using var world = new EffectWorld();
        for (var i = 0; i < 5000; i++)
        {
            var trace = world.NewTrace();
            world.Send(world.Fallback(trace, advice: Letters(i)) with { Service = Letters(i), Agent = new string('x', 10_000) + Letters(i) });
        }

        Assert.InRange((await world.ScrapeAsync()).SeriesOf("otlptap_fallbacks_total").Count, 1, FallbackCounts.KindsMax + 1);
        Assert.Equal(5000, world.Outcomes.Report().Fallbacks.Sum(row => row.Count));
    }

    [Fact]
    public async Task Agents_without_end_do_not_take_the_place_of_what_policies_advise()
    {
        using var world = new EffectWorld();
        world.Send(world.Fallback(world.NewTrace()));
        for (var i = 0; i < 40_000; i++)
        {
            world.Send(world.Root(world.NewTrace()) with { Agent = Letters(i) });
        }

        world.Settle();
        world.Advice.Raise(EffectWorld.Search);
        world.Send(world.Step(world.NewTrace(isHeldOut: true), StepKind.Tool, "search"));
        world.Settle();

        Assert.Equal(1, Assert.Single(world.Outcomes.Report().Policies).HeldOut.Success.Count);
        Assert.InRange((await world.ScrapeAsync())["otlptap_advice_runs_left_out_total"], 1, 40_000);
    }

    [Fact]
    public async Task Verdicts_on_traces_of_nobody_are_counted_and_forgotten()
    {
        using var world = new EffectWorld();
        world.Advice.Raise(EffectWorld.Search);
        world.Judge(world.NewTrace(), FailureKind.NegativeFeedback, source: VerdictSource.Feedback);
        world.Score(world.NewTrace(), 1);
        world.Settle();

        var scrape = await world.ScrapeAsync();
        Assert.Equal(2, scrape["otlptap_advice_verdicts_unmatched_total"]);
        Assert.Equal(0, scrape["otlptap_advice_runs"]);
        Assert.Equal(0, scrape["otlptap_advice_runs_bytes"]);
    }

    [Fact]
    public async Task Runs_that_have_nothing_to_do_with_advice_are_let_by()
    {
        using var world = new EffectWorld();
        var trace = world.NewTrace();
        world.Send(world.Step(trace, StepKind.Tool, "search", failure: "tool_error"), world.Root(trace));
        world.Judge(trace, FailureKind.NegativeFeedback, source: VerdictSource.Feedback);
        world.Score(trace, 1);
        Assert.Equal(0, (await world.ScrapeAsync())["otlptap_advice_runs"]);

        world.Advice.Raise(EffectWorld.Search);
        world.Send(world.Root(world.NewTrace()), world.Root(world.NewTrace()) with { Service = "bank" });
        Assert.Equal(1, (await world.ScrapeAsync())["otlptap_advice_runs"]);
    }

    [Fact]
    public void An_opinion_that_comes_before_the_spans_is_joined_with_them()
    {
        using var world = new EffectWorld();
        world.Advice.Raise(EffectWorld.Search);
        var trace = world.NewTrace(isHeldOut: true);
        world.Judge(trace, FailureKind.NegativeFeedback, source: VerdictSource.Feedback);
        world.Time.Advance(TimeSpan.FromSeconds(5));
        world.Send(world.Step(trace, StepKind.Tool, "search"), world.Root(trace));
        world.Settle();

        Assert.Equal(new Proportion(0, 1), Assert.Single(world.Outcomes.Report().Policies).HeldOut.Success);
    }

    [Fact]
    public void Times_that_cannot_be_harm_nothing()
    {
        using var world = new EffectWorld();
        world.Advice.Raise(EffectWorld.Search);
        foreach (var (start, end) in new[] { (0UL, 0UL), (ulong.MaxValue, 1UL), (1UL, ulong.MaxValue), (world.Now * 2, world.Now) })
        {
            var trace = world.NewTrace(isHeldOut: true);
            world.Send(world.Step(trace, StepKind.Tool, "search") with { StartUnixNano = start, EndUnixNano = end });
            world.Send(world.Fallback(trace) with { StartUnixNano = start }, world.Root(trace) with { StartUnixNano = start, EndUnixNano = end });
        }

        world.Settle();

        // One of them claims to have run in 1970, when there was no advice.
        var held = Assert.Single(world.Outcomes.Report().Policies).HeldOut;
        Assert.Equal(3, held.Success.Count);
        Assert.Null(held.MedianSeconds);
    }

    [Theory]
    [InlineData("3 of 10 calls failed", "# of # calls failed")]
    [InlineData("timeout\n after\t1500ms", "timeout after #ms")]
    [InlineData("", "none")]
    [InlineData(" \0 ", "none")]
    public void Reasons_that_differ_in_numbers_are_one_sort(string reason, string sort) => Assert.Equal(sort, FallbackCounts.Sort(reason));

    [Fact]
    public async Task The_reason_of_a_followed_fallback_is_its_policy()
    {
        using var world = new EffectWorld();
        var advice = world.Advice.Raise(EffectWorld.Search);
        world.Send(world.Fallback(world.NewTrace(), adviceId: advice.Id, reason: "8 of 10 calls failed"));

        Assert.Equal(1, (await world.ScrapeAsync())["""otlptap_fallbacks_total{service="shop",agent="planner",advice="reroute",reason="tool-failing"}"""]);
    }

    // Without digits, which would be one sort.
    private static string Letters(int number) => string.Concat(number.ToString("D7", System.Globalization.CultureInfo.InvariantCulture).Select(digit => (char)(digit - '0' + 'a')));
}
