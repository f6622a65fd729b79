using OtlpTap.Detectors;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Detectors;

public sealed class CauseAnalysisTests
{
    [Fact]
    public void Ancestors_that_repeat_a_failure_keep_their_verdict_and_name_the_cause()
    {
        var found = Find(
            [Step(1, 0, StepKind.Agent, error: "timed out in the backend"), Step(2, 1, StepKind.Step, error: "timed out in the backend"), Step(3, 2, StepKind.Tool, error: "timed out in the backend")],
            Rule(1, "llm_error"), Rule(2, "llm_error"), Rule(3, "tool_error"));

        Assert.Equal([3UL, 3UL, 0UL], found.Select(verdict => verdict.Origin.Value));
    }

    [Fact]
    public void A_tool_that_refuses_a_call_repeats_the_failure_of_the_model_that_wrote_it()
    {
        var found = Find(
            [Step(1, 0, StepKind.Agent), Step(2, 1, StepKind.Llm, calls: "search"), Step(3, 1, StepKind.Tool, tool: "search", error: "missing argument q")],
            Detector(2, "planning_error", "tool_arguments"), Rule(3, "planning_error"));

        Assert.Equal([0UL, 2UL], found.Select(verdict => verdict.Origin.Value));
    }

    [Fact]
    public void Another_tool_that_refuses_a_call_is_a_cause()
    {
        var found = Find(
            [Step(1, 0, StepKind.Agent), Step(2, 1, StepKind.Llm, calls: "search"), Step(3, 1, StepKind.Tool, tool: "buy", error: "missing argument q")],
            Detector(2, "planning_error", "tool_arguments"), Rule(3, "planning_error"));

        Assert.All(found, verdict => Assert.True(verdict.Origin.IsZero));
    }

    [Fact]
    public void A_model_that_is_told_of_a_wrong_call_repeats_the_failure_of_the_one_that_wrote_it()
    {
        var found = Find(
            [Step(1, 0, StepKind.Agent), Step(2, 1, StepKind.Llm, calls: "serch"), Step(3, 1, StepKind.Llm, says: "Sorry.")],
            Detector(2, "planning_error", "unknown_tool"), Rule(3, "planning_error"));

        Assert.Equal([0UL, 2UL], found.Select(verdict => verdict.Origin.Value));
    }

    [Fact]
    public void A_tools_failure_that_a_model_is_told_of_is_that_of_the_tools_span()
    {
        var found = Find(
            [Step(1, 0, StepKind.Agent), Step(2, 1, StepKind.Tool, tool: "search"), Step(3, 1, StepKind.Llm, says: "Sorry.")],
            Detector(2, "tool_error", "tool_result"), Rule(3, "tool_error"));

        Assert.Equal([0UL, 2UL], found.Select(verdict => verdict.Origin.Value));
    }

    [Fact]
    public void What_is_wrong_with_an_answer_is_so_once_though_the_agent_passes_it_on()
    {
        var found = Find([Step(1, 0, StepKind.Agent), Step(2, 1, StepKind.Llm)], Detector(1, "refusal", "refusal"), Rule(2, "refusal"));

        Assert.Equal([2UL, 0UL], found.Select(verdict => verdict.Origin.Value));
    }

    [Fact]
    public void A_run_that_was_stopped_and_one_that_goes_in_circles_are_one_failure()
    {
        var found = Find(
            [Step(1, 0, StepKind.Agent, error: "Max turns (3) exceeded"), Step(2, 1, StepKind.Tool, tool: "search"), Step(3, 1, StepKind.Llm, calls: "search")],
            Rule(1, "planning_error"), Detector(2, "planning_error", "loops"), Detector(3, "planning_error", "unfinished_run"));

        Assert.Equal([0UL, 1UL, 1UL], found.Select(verdict => verdict.Origin.Value));
    }

    [Fact]
    public void What_evaluators_and_people_say_of_a_span_is_of_that_span()
    {
        var found = Find(
            [Step(1, 0, StepKind.Agent, error: ""), Step(2, 1, StepKind.Tool, error: "timed out in the backend")],
            new Verdict(new SpanId(1), "negative_feedback", "thumbs", VerdictSource.Feedback), new Verdict(new SpanId(1), "hallucination", "x", VerdictSource.Evaluation), Rule(2, "tool_error"));

        Assert.All(found, verdict => Assert.True(verdict.Origin.IsZero));
    }

    [Fact]
    public void What_the_line_said_stands_where_a_run_shows_nothing_else()
    {
        var found = Find(
            [Step(1, 0, StepKind.Agent, error: "one"), Step(2, 1, StepKind.Tool, error: "two")],
            Rule(1, "tool_error") with { Origin = new SpanId(2) }, Rule(2, "tool_error"));

        Assert.Equal([2UL, 0UL], found.Select(verdict => verdict.Origin.Value));
    }

    [Fact]
    public void A_tool_that_failed_and_worked_when_called_again_is_marked_and_stays_a_failure()
    {
        var found = Find(
            [Step(1, 0, StepKind.Agent), Step(2, 1, StepKind.Tool, tool: "search", error: "x"), Step(3, 1, StepKind.Tool, tool: "search"), Step(4, 1, StepKind.Llm, says: "Here.")],
            Rule(2, "tool_error"));

        Assert.Equal([("tool_error", 2UL), ("recovered", 2UL)], found.Select(verdict => (verdict.Failure, verdict.SpanId.Value)));
        Assert.True(FailureKind.IsMark(found[1].Failure));
    }

    [Theory]
    [InlineData("buy", StepKind.Llm, null, null)]
    [InlineData("search", StepKind.Llm, "failed", null)]
    [InlineData("search", StepKind.Llm, null, "failed")]
    [InlineData("search", StepKind.Other, null, null)]
    public void Without_a_later_success_of_the_same_tool_and_an_answer_nothing_is_recovered(string tool, object last, string? secondError, string? answerError)
    {
        var found = Find(
            [Step(1, 0, StepKind.Agent), Step(2, 1, StepKind.Tool, tool: "search", error: "x"), Step(3, 1, StepKind.Tool, tool: tool, error: secondError), Step(4, 1, (StepKind)last, error: answerError, says: "Here.")],
            Rule(2, "tool_error"));

        Assert.DoesNotContain(found, verdict => verdict.Failure == "recovered");
    }

    [Fact]
    public void Another_agents_success_is_no_recovery()
    {
        var found = Find(
            [
                Step(1, 0, StepKind.Workflow), Step(2, 1, StepKind.Agent), Step(3, 2, StepKind.Tool, tool: "search", error: "x"),
                Step(4, 1, StepKind.Agent), Step(5, 4, StepKind.Tool, tool: "search"), Step(6, 4, StepKind.Llm, says: "Here."),
            ],
            Rule(3, "tool_error"));

        Assert.DoesNotContain(found, verdict => verdict.Failure == "recovered");
    }

    [Fact]
    public void Where_tools_have_no_spans_the_messages_show_that_one_worked_in_the_end()
    {
        var found = Find(
            [Step(1, 0, StepKind.Agent), Step(2, 1, StepKind.Llm, told: "search", calls: "search"), Step(3, 1, StepKind.Llm, told: "search", says: "Here.")],
            Detector(2, "tool_error", "tool_result"));

        Assert.Equal(["tool_error", "recovered"], found.Select(verdict => verdict.Failure));
    }

    [Fact]
    public void A_failure_on_a_span_that_never_came_stands_beside_a_run_that_goes_in_circles()
    {
        var found = Find([Step(1, 0, StepKind.Agent), Step(2, 1, StepKind.Llm, calls: "search")], Rule(99, "planning_error"), Detector(2, "planning_error", "loops"));

        Assert.Equal([99UL, 2UL], found.Select(verdict => verdict.SpanId.Value));
    }

    private static IReadOnlyList<Verdict> Find(RunStep[] steps, params Verdict[] verdicts) => CauseAnalysis.Find(new AgentRun(new TraceId(0, 1), steps), verdicts);

    private static Verdict Rule(ulong span, string failure) => new(new SpanId(span), failure, "a_rule", VerdictSource.Rule);

    private static Verdict Detector(ulong span, string failure, string name) => new(new SpanId(span), failure, name, VerdictSource.Detector);

    /// <summary>Agents and steps last for the whole run, everything else one behind the other in the order of the ids.</summary>
    internal static RunStep Step(ulong id, ulong parent, StepKind kind, string? error = null, string? tool = null, string? calls = null, string? says = null, string? told = null)
    {
        var isAround = kind is StepKind.Agent or StepKind.Workflow or StepKind.Step;
        return new RunStep
        {
            TraceId = new TraceId(0, 1),
            SpanId = new SpanId(id),
            ParentId = new SpanId(parent),
            Name = $"{kind} {id}",
            Kind = kind,
            StartUnixNano = 1_000_000_000_000 + (id * 1_000_000_000),
            EndUnixNano = isAround ? 2_000_000_000_000 - id : 1_000_000_500_000 + (id * 1_000_000_000),
            Status = error is null ? StepStatus.Unset : StepStatus.Error,
            StatusMessage = error ?? "",
            Tool = tool,
            FinishReason = calls is null ? null : "tool_call",
            Input = told is null ? [] : [new Message(MessageRole.Tool, [new MessagePart(PartKind.ToolResult, "{}") { ToolName = told }])],
            Output = calls is null && says is null ? [] : [new Message(MessageRole.Assistant, [calls is null ? new MessagePart(PartKind.Text, says!) : new MessagePart(PartKind.ToolCall, "") { ToolName = calls }])],
        };
    }
}
