using OtlpTap.Advice.Effect;
using OtlpTap.Health;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Advice.Effect;

/// <summary>What success means. Each test is a run that was advised to leave the tool <c>search</c> alone.</summary>
public sealed class RunOutcomeTests : IDisposable
{
    private readonly EffectWorld _world = new();
    private readonly TraceId _trace;
    private readonly string _advice;

    public RunOutcomeTests()
    {
        _trace = _world.NewTrace(isHeldOut: false);
        _advice = _world.Advice.Raise(EffectWorld.Search).Id;
    }

    public void Dispose() => _world.Dispose();

    [Fact]
    public void A_run_in_which_nothing_failed_succeeded()
    {
        _world.Send(_world.Step(_trace, StepKind.Tool, "search"), _world.Root(_trace));

        Assert.True(HasSucceeded());
    }

    [Fact]
    public void A_step_that_is_left_failing_fails_the_run()
    {
        _world.Send(_world.Step(_trace, StepKind.Tool, "search", failure: "tool_error"), _world.Root(_trace));

        Assert.False(HasSucceeded());
    }

    [Fact]
    public void The_failures_that_led_to_the_fallback_do_not_count()
    {
        Step("search", "tool_error");
        Step("search", "tool_error");
        Fallback();
        Step("search_backup");
        _world.Send(_world.Root(_trace));

        Assert.True(HasSucceeded());
    }

    [Fact]
    public void Nor_do_they_where_the_spans_come_in_the_opposite_order()
    {
        var root = _world.Root(_trace, seconds: 10);
        var failing = _world.Step(_trace, StepKind.Tool, "search", failure: "tool_error");
        _world.Time.Advance(TimeSpan.FromSeconds(2));
        var fallback = _world.Fallback(_trace, adviceId: _advice);
        _world.Time.Advance(TimeSpan.FromSeconds(2));
        foreach (var fact in new[] { root, fallback, failing })
        {
            _world.Send(fact);
            _world.Time.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.True(HasSucceeded());
    }

    [Fact]
    public void What_fails_after_the_fallback_counts()
    {
        Step("search", "tool_error");
        Fallback();
        Step("search_backup", "tool_error");
        _world.Send(_world.Root(_trace));

        Assert.False(HasSucceeded());
    }

    [Fact]
    public void However_soon_it_fails()
    {
        _world.Send(_world.Fallback(_trace, adviceId: _advice));
        _world.Time.Advance(TimeSpan.FromMilliseconds(1));
        _world.Send(_world.Step(_trace, StepKind.Tool, "search_backup", seconds: 0.001, failure: "tool_error"), _world.Root(_trace));

        Assert.False(HasSucceeded());
    }

    [Fact]
    public void A_fallback_that_fails_itself_counts()
    {
        _world.Send(_world.Fallback(_trace, adviceId: _advice) with { Failure = "tool_error" }, _world.Root(_trace));

        Assert.False(HasSucceeded());
    }

    [Fact]
    public void Another_tool_that_failed_before_the_fallback_counts()
    {
        Step("pay", "tool_error");
        Step("search", "tool_error");
        Fallback();
        _world.Send(_world.Root(_trace));

        Assert.False(HasSucceeded());
    }

    [Fact]
    public void What_failed_inside_the_replaced_step_does_not_count()
    {
        var tool = _world.Step(_trace, StepKind.Tool, "search", seconds: 3, failure: "tool_error") with { IsRepeated = true };
        _world.Send(_world.Step(_trace, StepKind.Llm, "gpt", failure: "llm_error"), tool);
        _world.Time.Advance(TimeSpan.FromSeconds(4));
        Fallback();
        _world.Send(_world.Root(_trace));

        Assert.True(HasSucceeded());
    }

    [Fact]
    public void An_agent_that_ended_on_the_failure_failed_whatever_it_tried()
    {
        var root = _world.Root(_trace, seconds: 9, failure: "tool_error") with { IsRepeated = true };
        Step("search", "tool_error");
        Fallback();
        _world.Send(root);

        Assert.False(HasSucceeded());
    }

    [Fact]
    public void A_root_that_failed_failed_though_it_ended_before_a_late_fallback()
    {
        _world.Send(_world.Root(_trace, failure: "tool_error"));
        _world.Time.Advance(TimeSpan.FromSeconds(5));
        Fallback();

        Assert.False(HasSucceeded());
    }

    [Fact]
    public void An_inner_agent_that_only_repeats_a_replaced_failure_does_not_count_and_an_outermost_does()
    {
        var outer = _world.Step(_trace, StepKind.Agent, seconds: 20);
        var inner = _world.Step(_trace, StepKind.Agent, seconds: 9, failure: "tool_error") with { IsRepeated = true, Agent = "helper" };
        Step("search", "tool_error");
        Fallback();
        _world.Send(inner);
        Assert.False(HasSucceeded());

        _world.Send(outer);
        Assert.True(HasSucceeded());
    }

    [Fact]
    public void A_step_that_worked_when_it_was_tried_again_does_not_count()
    {
        var failing = _world.Step(_trace, StepKind.Tool, "search", failure: "tool_error");
        _world.Send(failing, _world.Step(_trace, StepKind.Tool, "search"), _world.Root(_trace));
        Assert.False(HasSucceeded());

        _world.Judge(_trace, FailureKind.Recovered, failing.SpanId);
        Assert.True(HasSucceeded());
    }

    [Fact]
    public void A_detector_that_finds_the_replaced_step_failing_changes_nothing()
    {
        var failing = _world.Step(_trace, StepKind.Tool, "search");
        _world.Send(failing);
        _world.Time.Advance(TimeSpan.FromSeconds(2));
        Fallback();
        _world.Send(_world.Root(_trace));
        _world.Judge(_trace, FailureKind.ToolError, failing.SpanId);

        Assert.True(HasSucceeded());
    }

    [Fact]
    public void What_is_known_of_a_step_by_its_verdict_alone_is_used_when_its_span_is_forgotten()
    {
        var before = _world.Now;
        _world.Time.Advance(TimeSpan.FromSeconds(2));
        Fallback();
        _world.Send(_world.Root(_trace));
        Assert.True(HasSucceeded());

        _world.Judge(_trace, FailureKind.ToolError, _world.NewSpan(), judged: new JudgedSpan(default, "shop", before, null) { Tool = "search" });
        Assert.True(HasSucceeded());

        _world.Judge(_trace, FailureKind.ToolError, _world.NewSpan(), judged: new JudgedSpan(default, "shop", _world.Now, null) { Tool = "search_backup" });
        Assert.False(HasSucceeded());
    }

    [Theory]
    [InlineData(FailureKind.Hallucination, VerdictSource.Detector)]
    [InlineData(FailureKind.FailedEvaluation, VerdictSource.Evaluation)]
    [InlineData(FailureKind.NegativeFeedback, VerdictSource.Feedback)]
    [InlineData(FailureKind.ImplicitNegativeFeedback, VerdictSource.ImplicitFeedback)]
    public void A_verdict_on_the_answer_fails_the_run(string failure, string source)
    {
        var root = _world.Root(_trace);
        _world.Send(root);
        _world.Judge(_trace, failure, root.SpanId, source);

        Assert.False(HasSucceeded());
    }

    [Theory]
    [InlineData(FailureKind.PositiveFeedback)]
    [InlineData(FailureKind.Reported)]
    public void Praise_and_the_wish_to_keep_the_trace_do_not(string mark)
    {
        _world.Send(_world.Root(_trace));
        _world.Judge(_trace, mark, source: VerdictSource.Feedback);

        Assert.True(HasSucceeded());
    }

    [Fact]
    public void A_verdict_that_only_repeats_another_does_not_count()
    {
        var root = _world.Root(_trace);
        _world.Send(root);
        _world.Outcomes.Judged(_trace, new Verdict(root.SpanId, "tool_error", "test", VerdictSource.Detector) { Origin = new SpanId(7) });

        Assert.True(HasSucceeded());
    }

    [Fact]
    public void That_an_evaluator_failed_says_nothing_of_the_run()
    {
        _world.Send(_world.Root(_trace), _world.Step(_trace, StepKind.Evaluator, failure: "llm_error"));

        Assert.True(HasSucceeded());
    }

    [Fact]
    public void A_run_with_more_failures_than_are_kept_failed()
    {
        for (var i = 0; i < 1000; i++)
        {
            _world.Send(_world.Step(_trace, StepKind.Tool, "search", failure: "tool_error"));
        }

        _world.Time.Advance(TimeSpan.FromSeconds(2));
        Fallback();
        _world.Send(_world.Root(_trace));

        Assert.False(HasSucceeded());
    }

    private void Step(string tool, string? failure = null)
    {
        _world.Send(_world.Step(_trace, StepKind.Tool, tool, failure: failure));
        _world.Time.Advance(TimeSpan.FromSeconds(2));
    }

    private void Fallback()
    {
        _world.Send(_world.Fallback(_trace, adviceId: _advice));
        _world.Time.Advance(TimeSpan.FromSeconds(2));
    }

    private bool HasSucceeded()
    {
        _world.Settle();
        var success = Assert.Single(_world.Outcomes.Report().Policies).AllRuns.With.Success;
        Assert.Equal(1, success.Count);
        return success.Successes == 1;
    }
}
