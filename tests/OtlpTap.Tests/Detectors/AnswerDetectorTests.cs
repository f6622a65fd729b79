using OtlpTap.Runs;

namespace OtlpTap.Tests.Detectors;

public sealed class AnswerDetectorTests
{
    [Theory]
    [InlineData("length", "truncated@2")]
    [InlineData("content_filter", "content_filter@2")]
    [InlineData("refusal", "refusal@2")]
    public void A_finish_reason_that_is_a_failure_is_said_of_the_model(string reason, string expected) =>
        Assert.Equal([expected], Judged.Of(new RunBuilder().Answers("The sky is", reason)));

    [Fact]
    public void A_refusal_that_is_marked_as_one_is_a_refusal() =>
        Assert.Equal(["refusal@2"], Judged.Of(new RunBuilder().AnswersWith("stop", new MessagePart(PartKind.Refusal, "No."))));

    [Fact]
    public void A_refusal_that_a_rule_sees_behind_a_filter_is_no_filter() =>
        Assert.Empty(Judged.Of(new RunBuilder().Answers("I would rather not.", "content_filter"), Judged.Rule(2, "refusal")));

    [Theory]
    [InlineData("I'm sorry, but I can't assist with that.")]
    [InlineData("I’m sorry, but I can’t help with that request.")]
    [InlineData("Sorry, I cannot comply with this request.")]
    [InlineData("I can't help with that.")]
    [InlineData("I am unable to provide instructions for that.")]
    [InlineData("As an AI language model, I cannot engage in this.")]
    [InlineData("I must decline to answer that.")]
    public void Plain_words_of_refusal_are_a_refusal(string answer) => Assert.Equal(["refusal@2"], Judged.Of(new RunBuilder().Answers(answer)));

    [Theory]
    [InlineData("I'm sorry, but I couldn't find a room in that hotel.")]
    [InlineData("I'm sorry, I can't help with that right now because the booking system is unavailable.")]
    [InlineData("I can't provide that until you tell me your booking number.")]
    [InlineData("Sorry to hear that! The refund is on its way.")]
    [InlineData("You cannot assist with the lifting while the lamp is on.")]
    [InlineData("I can help with that.")]
    [InlineData("The museum will not help with tickets.")]
    public void An_answer_with_bad_news_is_none(string answer) => Assert.Empty(Judged.Of(new RunBuilder().Answers(answer)));

    [Theory]
    [InlineData("")]
    [InlineData("  \n")]
    public void An_answer_of_nothing_is_empty(string answer) => Assert.Equal(["empty_output@2"], Judged.Of(new RunBuilder().User("Well?").Answers(answer)));

    [Fact]
    public void An_answer_without_parts_is_empty_where_the_question_is_recorded() =>
        Assert.Equal(["empty_output@2"], Judged.Of(new RunBuilder().User("Well?").AnswersWith("stop")));

    [Fact]
    public void With_content_capture_off_no_answer_is_empty()
    {
        var whole = new RunBuilder().AnswersWith("stop").Build();
        var chat = whole.Steps[^1];
        var bare = new RunStep { TraceId = chat.TraceId, SpanId = chat.SpanId, Name = "chat", Kind = StepKind.Llm, FinishReason = "stop", Output = [new Message(MessageRole.Assistant, [])] };

        Assert.Empty(Judged.Verdicts(new AgentRun(RunBuilder.Trace, [bare])));
    }

    [Theory]
    [InlineData(nameof(PartKind.ToolCall))]
    [InlineData(nameof(PartKind.Other))]
    [InlineData(nameof(PartKind.Error))]
    public void A_call_a_picture_or_an_error_is_something(string kind) =>
        Assert.DoesNotContain("empty_output@2", Judged.Of(new RunBuilder().User("Well?").AnswersWith("stop", new MessagePart(Enum.Parse<PartKind>(kind), ""))));

    [Fact]
    public void Calls_that_the_instrumentation_loses_are_seen_by_the_tools_after_them()
    {
        var run = new RunBuilder().User("Well?").Calls("look", "{}").Executes("a wall").Answers("A wall.").Build();
        var first = run.Steps[1];
        var lost = new RunStep
        {
            TraceId = first.TraceId, SpanId = first.SpanId, ParentId = first.ParentId, Name = "chat", Kind = StepKind.Llm, FinishReason = "stop", Input = first.Input,
            Output = [new Message(MessageRole.Assistant, [new MessagePart(PartKind.Text, "")])], StartUnixNano = first.StartUnixNano, EndUnixNano = first.EndUnixNano,
        };

        Assert.Empty(Judged.Verdicts(new AgentRun(RunBuilder.Trace, [run.Steps[0], lost, .. run.Steps.Skip(2)])));
    }
}
