using Microsoft.Extensions.Time.Testing;
using OtlpTap.Health;
using OtlpTap.Health.Steps;
using OtlpTap.Health.Windows;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Health;

/// <summary>Windows that were counted by hand.</summary>
public sealed class HealthWindowsTests
{
    private const string Shop = "shop";
    private const string Planner = "planner";

    private static readonly HealthScope All = HealthScope.OfService("");
    private static readonly HealthScope Service = HealthScope.OfService(Shop);
    private static readonly HealthScope Agent = HealthScope.OfAgent(Shop, Planner);
    private static readonly HealthScope Search = new(Shop, Planner, "search", "");

    private readonly FakeTimeProvider _time = new();
    private readonly TraceOwners _owners = new();
    private readonly HealthWindows _windows;
    private ulong _lastSpan;

    public HealthWindowsTests() => _windows = new HealthWindows(new HealthOptions(), _owners, _time);

    [Fact]
    public void Calls_count_for_a_tool_and_for_every_level_above_it()
    {
        Call("search", failure: "tool_error");
        Call("search");
        Call("pay");

        Assert.Equal((2, 1), Counts(Search));
        Assert.Equal((2, 1), Counts(Search with { Agent = "" }));
        Assert.Equal((2, 1), Counts(Search with { Service = "", Agent = "" }));
        Assert.Equal((3, 1), Counts(Agent));
        Assert.Equal((3, 1), Counts(Service));
        Assert.Equal((3, 1), Counts(All));
        Assert.Equal((0, 0), Counts(Search with { Tool = "other" }));
        Assert.Equal(0.5, Read("tool.errors.ratio_1m", Search));
        Assert.Equal(1, Read("tool.errors.tool_error_1m", Search));
        Assert.Equal(0, Read("tool.errors.planning_error_1m", Search));
        Assert.Equal(1 / 3.0, Read("tool.errors.tool_error.ratio_1m", Service)!.Value, 12);
    }

    [Theory]
    [InlineData("tool.calls_1m", 49, 1)]
    [InlineData("tool.calls_1m", 50, 0)]
    [InlineData("tool.calls_5m", 289, 1)]
    [InlineData("tool.calls_5m", 290, 0)]
    [InlineData("tool.calls_1h", 3470, 1)]
    [InlineData("tool.calls_1h", 3480, 0)]
    public void A_window_forgets_a_call_by_whole_buckets(string value, int secondsLater, int calls)
    {
        // At the end of its bucket of ten seconds, which is the last of its two minutes.
        _time.Advance(TimeSpan.FromSeconds(119.5));
        Call("search");

        _time.Advance(TimeSpan.FromSeconds(secondsLater + 0.5));
        Assert.Equal(calls, Read(value, Search));
    }

    [Fact]
    public void A_window_never_holds_what_is_older_than_it_says()
    {
        Call("search"); // at the very beginning of its bucket

        _time.Advance(TimeSpan.FromMilliseconds(59_999));
        Assert.Equal(1, Read("tool.calls_1m", Search));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, Read("tool.calls_1m", Search));
        Assert.Null(Read("tool.errors.ratio_1m", Search));
        Assert.Equal(1, Read("tool.calls_5m", Search));
        _time.Advance(TimeSpan.FromMilliseconds(239_999));
        Assert.Equal(1, Read("tool.calls_5m", Search));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, Read("tool.calls_5m", Search));
        Assert.Equal(1, Read("tool.calls_1h", Search));
        _time.Advance(TimeSpan.FromMilliseconds(3_299_999));
        Assert.Equal(1, Read("tool.calls_1h", Search));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, Read("tool.calls_1h", Search));
        Assert.Empty(_windows.Scopes());
    }

    [Fact]
    public void An_hour_of_one_call_a_second_is_counted_whole()
    {
        for (var second = 0; second < 7200; second++)
        {
            Call("search", failure: second % 4 == 0 ? "tool_error" : null, seconds: 0.1);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(50, Read("tool.calls_1m", Search)); // a bucket has just begun, and is empty
        Assert.Equal(290, Read("tool.calls_5m", Search));
        Assert.Equal(3480, Read("tool.calls_1h", Search));
        Assert.Equal(0.25, Read("tool.errors.ratio_1h", Search));
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.9)]
    [InlineData(0.95)]
    [InlineData(0.99)]
    public void A_quantile_is_wrong_by_two_hundredths_at_most(double quantile)
    {
        var random = new Random(7);
        var seconds = Enumerable.Range(0, 5000).Select(_ => Math.Exp((random.NextDouble() * 12) - 7)).ToList();
        foreach (var took in seconds)
        {
            Call("search", seconds: took);
            _time.Advance(TimeSpan.FromMilliseconds(50));
        }

        seconds.Sort();
        var exact = seconds[(int)Math.Ceiling(quantile * seconds.Count) - 1];
        Assert.InRange(Read($"tool.latency.p{quantile * 100}_5m", Search)!.Value / exact, 0.98, 1.02);
        Assert.InRange(Read($"tool.latency.p{quantile * 100}_1h", Search)!.Value / exact, 0.98, 1.02);
    }

    [Theory]
    [InlineData(0.0, 0.0001)]
    [InlineData(0.00001, 0.0001)]
    [InlineData(500_000, 86_400)]
    public void What_is_beyond_the_scale_counts_at_its_end(double seconds, double read)
    {
        Call("search", seconds: seconds);

        Assert.InRange(Read("tool.latency.p50_1m", Search)!.Value / read, 0.98, 1.02);
    }

    [Fact]
    public void Without_calls_there_is_no_quantile_and_no_ratio_but_a_count()
    {
        Assert.Equal(0, Read("llm.calls_1m", Service));
        Assert.Null(Read("llm.errors.ratio_1m", Service));
        Assert.Null(Read("llm.latency.p95_1m", Service));
        Assert.Null(Read("hallucination.ratio_1h", Service));
        Assert.Null(Read("evaluation.relevance.mean_1h", Service));
        Assert.Null(Read("feedback.negative.ratio_1h", Service));
        Assert.Equal(0, Read("tokens.total_1h", Service));
    }

    [Fact]
    public void A_call_whose_times_cannot_be_has_no_latency()
    {
        _windows.Observed([Fact(StepKind.Tool) with { Tool = "search", StartUnixNano = 2_000, EndUnixNano = 1_000 }]);

        Assert.Equal(1, Read("tool.calls_1m", Search));
        Assert.Null(Read("tool.latency.p50_1m", Search));
    }

    [Fact]
    public void A_call_that_only_repeats_a_failure_has_failed_too()
    {
        _windows.Observed([Fact(StepKind.Tool) with { Tool = "search", IsRepeated = true }]);
        _windows.Observed([Fact(StepKind.Agent) with { IsRepeated = true }]);

        Assert.Equal(1, Read("tool.errors.ratio_1m", Search));
        Assert.Equal(1, Read("run.errors.ratio_1m", Agent));
    }

    [Fact]
    public void Tokens_are_those_of_calls_of_models()
    {
        _windows.Observed([Fact(StepKind.Llm) with { Model = "m", InputTokens = 100, OutputTokens = 20 }]);
        _windows.Observed([Fact(StepKind.Llm) with { Model = "m", InputTokens = 10, OutputTokens = 2 }]);
        _windows.Observed([Fact(StepKind.Agent) with { InputTokens = 110, OutputTokens = 22 }]); // the sum again

        Assert.Equal(110, Read("tokens.input_1m", Service));
        Assert.Equal(22, Read("tokens.output_1m", Agent));
        Assert.Equal(132, Read("tokens.total_1m", new HealthScope(Shop, Planner, "", "m")));
    }

    [Fact]
    public void A_run_is_one_for_its_service_however_many_agents_take_part()
    {
        _windows.Observed([Fact(StepKind.Agent, trace: 1) with { Agent = "researcher", ParentId = new SpanId(9) }]);
        _windows.Observed([Fact(StepKind.Agent, trace: 1) with { Failure = "planning_error" }]);
        _windows.Observed([Fact(StepKind.Agent, trace: 2)]);

        Assert.Equal(2, Read("run.calls_1m", Service));
        Assert.Equal(0.5, Read("run.errors.ratio_1m", Service));
        Assert.Equal(2, Read("run.calls_1m", Agent));
        Assert.Equal(1, Read("run.calls_1m", HealthScope.OfAgent(Shop, "researcher")));
    }

    /// <summary>What is remembered of a trace at once is of a few agents; further ones are remembered one by one.</summary>
    [Fact]
    public void A_trace_of_ever_so_many_agents_is_still_one_run_of_their_service()
    {
        for (var round = 0; round < 2; round++)
        {
            for (var agent = 0; agent < 20; agent++)
            {
                _windows.Observed([Fact(StepKind.Agent, trace: 1) with { Agent = $"agent {agent}" }, Fact(StepKind.Agent, trace: 2)]);
            }
        }

        Assert.Equal(2, Read("run.calls_1m", Service));
        Assert.Equal(2, Read("run.calls_1m", HealthScope.OfAgent(Shop, "agent 19")));
        Call("search", FailureKind.ToolError, trace: 1);
        Assert.Equal(0.5, Read("tool_error.ratio_1m", Service));
    }

    [Fact]
    public void Calls_of_more_tools_than_are_noted_at_a_time_count_for_their_service()
    {
        for (var tool = 0; tool < 1000; tool++)
        {
            Call($"tool {tool}");
        }

        Assert.Equal(1000, Read("tool.calls_1m", Service));
        Assert.Equal(1, Read("tool.calls_1m", Search with { Tool = "tool 0" }));
    }

    [Fact]
    public void A_model_called_by_nobodys_agent_is_a_run_where_it_is_the_root()
    {
        _windows.Observed([Fact(StepKind.Llm, trace: 1) with { Agent = "", Model = "m" }]);
        _windows.Observed([Fact(StepKind.Llm, trace: 2) with { Agent = "", Model = "m", ParentId = new SpanId(9) }]);

        Assert.Equal(1, Read("run.calls_1m", Service));
    }

    [Fact]
    public void A_kind_of_failure_counts_once_for_a_run_and_each_time_for_a_tool()
    {
        Call("search", failure: "tool_error", trace: 1);
        Call("search", failure: "tool_error", trace: 1);
        Call("search", trace: 2);
        Call("search", trace: 3);
        Call("search", trace: 4);

        Assert.Equal(1, Read("tool_error.count_1h", Agent));
        Assert.Equal(0.25, Read("tool_error.ratio_1h", Agent));
        Assert.Equal(0.25, Read("tool_error.ratio_1h", All));
        Assert.Equal(2, Read("tool_error.count_1h", Search));
        Assert.Equal(0.4, Read("tool_error.ratio_1h", Search));
    }

    [Fact]
    public void A_verdict_counts_when_it_comes_for_the_run_that_was()
    {
        _owners.Tell(Trace(1), new TraceOwner(Shop, Planner));
        Call("search", trace: 1);
        _time.Advance(TimeSpan.FromMinutes(20));
        _windows.Judged(Trace(1), new Verdict(default, FailureKind.Hallucination, "grounding", VerdictSource.Detector) { Score = 0.75 });
        _windows.Judged(Trace(1), new Verdict(default, FailureKind.Hallucination, "faithfulness", VerdictSource.Evaluation) { Score = 0.25 });

        Assert.Equal(1, Read("hallucination.count_1m", Agent));
        Assert.Equal(1, Read("hallucination.ratio_1h", Agent));
        Assert.Null(Read("hallucination.ratio_1m", Agent));
        Assert.Equal(0.75, Read("grounding.mean_1m", Service));
        Assert.Equal(0.25, Read("evaluation.faithfulness.mean_1m", Service));
    }

    [Fact]
    public void A_verdict_counts_for_the_model_whose_answer_was_judged()
    {
        _windows.Judged(Trace(1), new Verdict(new SpanId(3), FailureKind.Hallucination, "grounding", VerdictSource.Detector)
        {
            Judged = new JudgedSpan(new SpanId(3), Shop, 0, null) { Agent = Planner, Model = "m" },
        });

        Assert.Equal(1, Read("hallucination.count_1h", new HealthScope(Shop, Planner, "", "m")));
        Assert.Equal(1, Read("hallucination.count_1h", Agent));
    }

    [Fact]
    public void A_tool_that_failed_by_its_result_alone_has_failed_once()
    {
        var span = Call("search", trace: 1);
        var verdict = new Verdict(span, FailureKind.ToolError, "tool_result", VerdictSource.Detector) { Judged = new JudgedSpan(span, Shop, 0, null) { Agent = Planner, Tool = "search" } };
        _windows.Judged(Trace(1), verdict);
        _windows.Judged(Trace(1), verdict);

        Assert.Equal((1, 1), Counts(Search));
        Assert.Equal((1, 1), Counts(Service));
    }

    [Fact]
    public void A_tools_failure_that_a_rule_has_found_is_not_counted_again()
    {
        var span = Call("search", failure: "tool_error", trace: 1);
        _windows.Judged(Trace(1), new Verdict(span, FailureKind.ToolError, "tool_result", VerdictSource.Detector) { Judged = new JudgedSpan(span, Shop, 0, null) { Agent = Planner, Tool = "search" } });

        Assert.Equal((1, 1), Counts(Search));
    }

    [Fact]
    public void Scores_of_what_is_well_and_of_what_is_not_make_one_mean()
    {
        _windows.Passed(Trace(1), new PassedScore(default, "relevance", VerdictSource.Evaluation, 1));
        _windows.Passed(Trace(2), new PassedScore(default, "relevance", VerdictSource.Evaluation, 0.75));
        _windows.Judged(Trace(3), new Verdict(default, FailureKind.FailedEvaluation, "relevance", VerdictSource.Evaluation) { Score = 0.5 });
        _windows.Passed(Trace(4), new PassedScore(default, "relevance", VerdictSource.Evaluation, double.NaN));

        Assert.Equal(0.75, Read("evaluation.relevance.mean_1h", All));
        Assert.Equal(3, Read("evaluation.relevance.count_1h", All));
    }

    [Fact]
    public void Feedback_counts_by_its_direction()
    {
        _owners.Tell(Trace(1), new TraceOwner(Shop, Planner));
        _windows.Judged(Trace(1), new Verdict(default, FailureKind.NegativeFeedback, "thumbs", VerdictSource.Feedback) { Score = 0 });
        _windows.Judged(Trace(1), new Verdict(default, FailureKind.ImplicitNegativeFeedback, "session", VerdictSource.ImplicitFeedback));
        _windows.Judged(Trace(1), new Verdict(default, FailureKind.PositiveFeedback, "thumbs", VerdictSource.Feedback) { Score = 1 });
        _windows.Passed(Trace(1), new PassedScore(default, "stars", VerdictSource.Feedback, 3));

        Assert.Equal(4, Read("feedback.count_1h", Agent));
        Assert.Equal(2, Read("feedback.negative_1h", Agent));
        Assert.Equal(2 / 3.0, Read("feedback.negative.ratio_1h", Agent)!.Value, 12);
        Assert.Equal(0, Read("positive_feedback.count_1h", Agent));
        Assert.Equal(0, Read("evaluation.thumbs.count_1h", Agent));
    }

    [Fact]
    public void What_is_of_no_known_trace_counts_for_all_there_are()
    {
        _windows.Judged(Trace(1), new Verdict(default, FailureKind.Hallucination, "faithfulness", VerdictSource.Evaluation));

        Assert.Equal(1, Read("hallucination.count_1h", All));
        Assert.Equal([All], _windows.Scopes());
    }

    [Fact]
    public void The_one_longest_not_heard_of_makes_room_and_is_counted()
    {
        var windows = new HealthWindows(new HealthOptions { SeriesMax = 16 }, _owners, _time);
        for (var tool = 0; tool < 100; tool++)
        {
            windows.Observed([Fact(StepKind.Tool) with { Tool = "search" }]);
            windows.Observed([Fact(StepKind.Tool) with { Tool = $"tool {tool}" }]);
        }

        var (series, bytes, evicted) = windows.Size;
        Assert.Equal(16, series);
        Assert.InRange(bytes, 1, 16 * 16_384);
        Assert.Equal(6 + (3 * 100) - 16, evicted);
        Assert.True(windows.TryRead(Search, Value("tool.calls_1m"), out var calls));
        Assert.Equal(100, calls);
        Assert.True(windows.TryRead(Service, Value("tool.calls_1m"), out calls));
        Assert.Equal(200, calls);
    }

    [Fact]
    public void Memory_is_bounded_in_bytes_whatever_comes()
    {
        const long BytesMax = 1 << 20;
        var windows = new HealthWindows(new HealthOptions { SeriesMax = 1_000_000, BytesMax = BytesMax }, _owners, _time);
        var random = new Random(3);
        for (var call = 0; call < 20_000; call++)
        {
            windows.Observed([Fact(StepKind.Tool, trace: (ulong)call) with
            {
                Service = $"service {random.Next(20)}",
                Tool = $"tool {random.Next(200)}",
                Failure = random.Next(3) == 0 ? $"kind {random.Next(1000)}" : null,
                StartUnixNano = 1,
                EndUnixNano = 1 + (ulong)random.NextInt64(100_000_000_000),
            }]);
            _time.Advance(TimeSpan.FromMilliseconds(200));
            Assert.InRange(windows.Size.Bytes, 1, BytesMax);
        }

        Assert.NotEqual(0, windows.Size.Evicted);
        Assert.True(windows.TryRead(All, Value("tool.calls_5m"), out var calls));
        Assert.InRange(calls, 290 * 5, 300 * 5);
    }

    [Fact]
    public void Who_was_quiet_for_an_hour_is_forgotten_and_not_counted_as_evicted()
    {
        Call("search");
        _time.Advance(TimeSpan.FromHours(1));
        _windows.Observed([Fact(StepKind.Tool) with { Service = "other", Tool = "pay" }]);

        Assert.DoesNotContain(_windows.Scopes(), scope => scope.Service == Shop);
        Assert.Equal((6, 0), (_windows.Size.Series, _windows.Size.Evicted));
    }

    [Fact]
    public void Who_is_heard_of_again_after_an_hour_is_there_at_once_and_does_not_go_for_a_new_one()
    {
        Call("search");
        _time.Advance(TimeSpan.FromMinutes(63));
        Call("search");
        Assert.Equal(6, _windows.Scopes().Count);

        Call("search");
        Call("pay");

        Assert.Equal((2, 0), Counts(Search));
        Assert.Equal((3, 0), Counts(Agent));
    }

    [Fact]
    public void Where_the_levels_of_one_tool_alone_are_too_many_bytes_those_that_went_are_not_accounted_for()
    {
        var windows = new HealthWindows(new HealthOptions { SeriesMax = 16, BytesMax = 8_000 }, _owners, _time);
        for (ulong trace = 1; trace <= 1_000; trace++)
        {
            var fact = Fact(StepKind.Tool, trace) with { Tool = "search", Failure = "tool_error", StartUnixNano = 1, EndUnixNano = 1 + (1_000_000UL << (int)(trace % 16)) };
            windows.Observed([fact]);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        _time.Advance(TimeSpan.FromHours(2));
        windows.Observed([Fact(StepKind.Tool) with { Tool = "pay" }]);
        _windows.Observed([Fact(StepKind.Tool) with { Tool = "pay" }]);

        Assert.Equal(_windows.Size.Bytes, windows.Size.Bytes);
    }

    /// <summary>They are held for a while by those who look for series by names.</summary>
    [Fact]
    public void Who_has_made_room_holds_nothing_that_was_counted()
    {
        var table = new SeriesTable(16, long.MaxValue);
        var series = table.Levels(Search, 0)[0];
        table.Noted(series, 0).Of(HealthSubject.Tool).Called();
        table.AddNotes();
        var before = series.Bytes;
        for (var other = 0; other < 20; other++)
        {
            table.Levels(Search with { Service = $"service {other}" }, 1);
        }

        Assert.False(series.IsListed);
        Assert.True(series.Bytes < before);
        Assert.True(series.Window(HealthWindow.FiveMinutes, 0, new Bucket?[Series.WindowLengthMax]).IsEmpty);
    }

    [Fact]
    public void All_values_of_a_scope_are_told_by_their_names()
    {
        Call("search", failure: "tool_error", seconds: 1);
        _windows.Passed(Trace(1), new PassedScore(default, "relevance", VerdictSource.Evaluation, 1) { Judged = new JudgedSpan(default, Shop, 0, null) { Agent = Planner } });

        var values = _windows.ReadAll(Agent).ToDictionary(row => row.Value.ToString(), row => row.Number);

        Assert.Equal(1, values["tool.calls_1m"]);
        Assert.Equal(1, values["tool.errors.tool_error.ratio_1h"]);
        Assert.Equal(1, values["tool_error.count_5m"]);
        Assert.Equal(1, values["evaluation.relevance.mean_1h"]);
        Assert.InRange(values["tool.latency.p95_1m"], 0.98, 1.02);
        Assert.DoesNotContain("llm.latency.p95_1m", values.Keys);
        Assert.All(values, row => Assert.Equal(row.Value, Read(row.Key, Agent)));
    }

    /// <summary>Two scores near the largest double have no finite sum, which no JSON can tell, and hide all others.</summary>
    [Fact]
    public void A_score_beyond_every_scale_is_no_score()
    {
        foreach (var score in (double[])[0.5, 1.7e308, 1.7e308, -1.7e308, double.NaN])
        {
            _windows.Passed(Trace(1), new PassedScore(default, "relevance", VerdictSource.Evaluation, score) { Judged = new JudgedSpan(default, Shop, 0, null) { Agent = Planner } });
        }

        Assert.Equal(0.5, Read("evaluation.relevance.mean_1h", Agent));
        Assert.Equal(1, Read("evaluation.relevance.count_1h", Agent));
    }

    private static TraceId Trace(ulong number) => new(0, number);

    private static HealthValue Value(string name) => HealthValue.TryParse(name, out var value, out var error) ? value : throw new ArgumentException(error);

    private SpanFact Fact(StepKind kind, ulong trace = 1) => new()
    {
        TraceId = Trace(trace),
        SpanId = new SpanId(++_lastSpan),
        Kind = kind,
        Service = Shop,
        Agent = Planner,
        Tool = "",
        Model = "",
    };

    private SpanId Call(string tool, string? failure = null, double? seconds = null, ulong trace = 1)
    {
        var fact = Fact(StepKind.Tool, trace) with { Tool = tool, Failure = failure, ParentId = new SpanId(1_000_000) };
        fact = seconds is { } took ? fact with { StartUnixNano = 1_000, EndUnixNano = 1_000 + (ulong)(took * 1e9) } : fact;
        _windows.Observed([fact]);
        return fact.SpanId;
    }

    private double? Read(string name, HealthScope scope) => _windows.TryRead(scope, Value(name), out var number) ? number : null;

    private (double Calls, double Errors) Counts(HealthScope scope) => (Read("tool.calls_1m", scope)!.Value, Read("tool.errors_1m", scope)!.Value);
}
