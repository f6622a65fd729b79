using OtlpTap.Advice;

namespace OtlpTap.Tests.Advice;

public sealed class HysteresisTests
{
    private static readonly HysteresisOptions Options = new() { CoolDown = TimeSpan.FromSeconds(60), CoolDownMax = TimeSpan.FromSeconds(300) };

    private readonly Hysteresis _hysteresis = new();
    private TimeSpan _now;

    [Fact]
    public void Advice_is_raised_when_the_condition_has_held_for_long_enough_without_a_break()
    {
        var options = Options with { For = TimeSpan.FromSeconds(3) };
        Assert.Equal("......R", Run(options, "++-++++"));
    }

    [Fact]
    public void Without_a_time_to_wait_it_is_raised_at_once() => Assert.Equal("R.", Run(Options, "++"));

    [Fact]
    public void It_is_withdrawn_when_the_condition_has_not_held_for_the_cool_down()
    {
        Run(Options, "+");
        Assert.Equal(new string('.', 59), Run(Options, new string('-', 59)));
        Run(Options, "+");
        Assert.Equal(new string('.', 59) + "W", Run(Options, new string('-', 60)));
    }

    [Fact]
    public void A_trial_that_fails_raises_it_at_once_and_doubles_the_cool_down_up_to_its_bound()
    {
        var options = Options with { For = TimeSpan.FromSeconds(10) };
        Assert.Equal("R", Run(options, new string('+', 11)).Trim('.'));
        foreach (var coolDown in (int[])[60, 120, 240, 300, 300])
        {
            Assert.Equal(new string('.', coolDown - 1) + "W", Run(options, new string('-', coolDown)));
            Assert.Equal(".R", Run(options, "-+"));
        }
    }

    [Fact]
    public void A_trial_that_succeeds_ends_the_matter()
    {
        var options = Options with { For = TimeSpan.FromSeconds(1) };
        Assert.Equal(".R", Run(options, "++"));
        Assert.Equal("W", Run(options, new string('-', 60)).Trim('.'));
        Assert.Equal("R", Run(options, "+"));
        Assert.Equal("W", Run(options, new string('-', 120)).Trim('.'));
        Run(options, new string('-', 119));
        Assert.False(_hysteresis.IsQuiet);
        Run(options, "-");
        Assert.True(_hysteresis.IsQuiet);
        Assert.Equal(".R", Run(options, "++"));
        Assert.Equal("W", Run(options, new string('-', 60)).Trim('.'));
    }

    [Fact]
    public void Where_there_is_no_room_that_is_told_once_and_it_is_raised_when_there_is()
    {
        Assert.Equal("X..", Run(Options, "+++", mayRaise: false));
        Assert.Equal("R", Run(Options, "+"));
    }

    /// <summary>Whatever the values do: between a raising and its withdrawal lies the cool-down, and every trial that fails makes the next life longer.</summary>
    [Fact]
    public void Random_values_never_make_it_flap()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var hysteresis = new Hysteresis();
            var changes = new List<(int At, HysteresisStep Step)>();
            var stay = random.NextDouble() * random.NextDouble();
            var holds = false;
            const int Seconds = 4 * 3600;
            for (var second = 0; second < Seconds; second++)
            {
                holds = random.NextDouble() < stay ? !holds : holds;
                var step = hysteresis.Look(Options, holds, TimeSpan.FromSeconds(second), mayRaise: true);
                if (step != HysteresisStep.None)
                {
                    changes.Add((second, step));
                }
            }

            Assert.All(changes.Index(), change => Assert.Equal(change.Index % 2 == 0 ? HysteresisStep.Raise : HysteresisStep.Withdraw, change.Item.Step));
            Assert.All(changes, change => Assert.True(changes.Count(other => other.At >= change.At && other.At < change.At + 60) <= 2, $"seed {seed} flaps at {change.At}"));
            var failedTrials = changes.Zip(changes.Skip(1)).Count(pair => pair.First.Step == HysteresisStep.Withdraw && pair.Second.At - pair.First.At < 60);
            Assert.True(failedTrials <= Seconds / 60, $"seed {seed}");
        }
    }

    [Fact]
    public void A_tool_that_stays_broken_while_its_agents_follow_is_tried_ever_more_rarely()
    {
        // The condition holds for as long as there are calls in its window, and again some seconds into each trial.
        var (steps, isActive, since) = (new List<HysteresisStep>(), false, 0);
        for (var second = 0; second < 3600; second++)
        {
            var step = _hysteresis.Look(Options, !isActive ? second - since > 5 : second - since < 60, TimeSpan.FromSeconds(second), mayRaise: true);
            if (step != HysteresisStep.None)
            {
                steps.Add(step);
                (isActive, since) = (step == HysteresisStep.Raise, second);
            }
        }

        // 60 s in the window, then cool-downs of 60, 120, 240 and 300 s.
        Assert.InRange(steps.Count, 20, 24);
    }

    // One look a second; + holds. R raised, W withdrawn, X refused.
    private string Run(HysteresisOptions options, string series, bool mayRaise = true) =>
        string.Concat(series.Select(sign =>
        {
            _now += TimeSpan.FromSeconds(1);
            return _hysteresis.Look(options, sign == '+', _now, mayRaise) switch
            {
                HysteresisStep.Raise => 'R',
                HysteresisStep.Withdraw => 'W',
                HysteresisStep.Refuse => 'X',
                _ => '.',
            };
        }));
}
