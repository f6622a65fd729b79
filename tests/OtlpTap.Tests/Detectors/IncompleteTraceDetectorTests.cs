using Microsoft.Extensions.Time.Testing;
using OtlpTap.Detectors;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using static OtlpTap.Tests.Detectors.CauseAnalysisTests;

namespace OtlpTap.Tests.Detectors;

public sealed class IncompleteTraceDetectorTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(30));

    [Fact]
    public void Steps_of_an_agent_whose_span_never_came_are_an_incomplete_trace()
    {
        var verdict = Assert.Single(Find(Step(2, 1, StepKind.Llm), Step(3, 1, StepKind.Tool), Step(4, 1, StepKind.Llm)));

        Assert.Equal(("incomplete_trace", 2UL), (verdict.Failure, verdict.SpanId.Value));
        Assert.Equal(["Llm 2", "Tool 3", "Llm 4"], verdict.Evidence);
    }

    [Fact]
    public void A_trace_with_all_its_parents_is_complete() =>
        Assert.Empty(Find(Step(1, 0, StepKind.Agent), Step(2, 1, StepKind.Llm), Step(3, 1, StepKind.Tool)));

    [Theory]
    [InlineData(StepKind.Agent)]
    [InlineData(StepKind.Workflow)]
    [InlineData(StepKind.Llm)]
    [InlineData(StepKind.Other)]
    public void One_span_whose_caller_sends_its_own_elsewhere_is_a_complete_trace(object kind) =>
        Assert.Empty(Find(Step(2, 1, (StepKind)kind), Step(3, 2, StepKind.Llm), Step(4, 2, StepKind.Tool)));

    [Fact]
    public void Agents_that_a_caller_elsewhere_starts_are_no_incomplete_trace() =>
        Assert.Empty(Find(Step(2, 1, StepKind.Agent), Step(3, 1, StepKind.Agent), Step(4, 3, StepKind.Llm)));

    [Fact]
    public void A_server_of_tools_whose_callers_are_elsewhere_is_no_incomplete_trace() =>
        Assert.Empty(Find(Step(2, 1, StepKind.Tool), Step(3, 1, StepKind.Tool)));

    [Fact]
    public void A_run_that_may_still_go_on_is_not_called_incomplete()
    {
        var run = new AgentRun(new TraceId(0, 1), [Step(2, 1, StepKind.Llm), Step(3, 1, StepKind.Tool)]);
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddTicks((long)run.Steps[1].EndUnixNano / 100).AddSeconds(59));
        var context = new DetectionContext(run, [], time, TimeSpan.FromSeconds(1));
        var detector = new IncompleteTraceDetector(time, TimeSpan.FromMinutes(1));
        detector.Examine(run, context);
        Assert.Empty(context.Verdicts);

        time.Advance(TimeSpan.FromSeconds(1));
        detector.Examine(run, context);

        Assert.Single(context.Verdicts);
    }

    private IReadOnlyList<OtlpTap.Verdicts.Verdict> Find(params RunStep[] steps)
    {
        var run = new AgentRun(new TraceId(0, 1), steps);
        var context = new DetectionContext(run, [], _time, TimeSpan.FromMinutes(1));
        new IncompleteTraceDetector(_time, IncompleteTraceDetector.WaitDefault).Examine(run, context);
        return context.Verdicts;
    }
}
