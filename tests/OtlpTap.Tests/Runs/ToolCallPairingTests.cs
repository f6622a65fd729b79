using OtlpTap.Runs;

namespace OtlpTap.Tests.Runs;

public sealed class ToolCallPairingTests
{
    public static TheoryData<string> Scenarios => [.. CapturedRun.Scenarios];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Every_tools_span_is_of_one_call_and_no_call_is_told_twice(string scenario)
    {
        foreach (var run in CapturedRun.Read(scenario).Runs)
        {
            Assert.Equal(run.Steps.Where(step => step.Kind == StepKind.Tool), run.ToolCalls.Select(call => call.ToolStep).Where(step => step is not null).OrderBy(step => step!.StartUnixNano)!);
            Assert.Equal(run.ToolCalls.Count, run.ToolCalls.DistinctBy(call => (object?)call.CallId ?? call).Count());

            // What a model asked for is there, under the name it called.
            var asked = run.Steps.Where(step => step.Kind == StepKind.Llm).SelectMany(step => step.Output).SelectMany(message => message.Parts).Where(part => part.Kind == PartKind.ToolCall).ToList();
            Assert.True(run.ToolCalls.Count >= asked.Count);
            Assert.All(asked, part => Assert.Contains(run.ToolCalls, call => call.Name == part.ToolName && call.Arguments == (part.Arguments ?? call.Arguments)));
        }
    }

    [Theory]
    [InlineData("dotnet-meai/tool-throws", true)]
    [InlineData("dotnet-meai/success", false)]
    [InlineData("genkit/tool-error-payload", true)]
    [InlineData("genkit/success", false)]
    [InlineData("langfuse-openai/tool-throws", true)]
    [InlineData("langfuse-openai/success-streaming", false)]
    [InlineData("openinference-openai/tool-error-payload", true)]
    [InlineData("openinference-openai/success", false)]
    [InlineData("otel-js-openai/tool-error-payload", true)]
    [InlineData("otel-js-openai/responses-success", false)]
    [InlineData("strands-agents-latest/tool-error-payload", true)]
    [InlineData("strands-agents-latest/success", false)]
    [InlineData("traceloop-langchain/tool-throws", true)]
    [InlineData("traceloop-langchain/success", false)]
    [InlineData("vercel-ai-sdk-7/tool-throws", true)]
    [InlineData("vercel-ai-sdk-7/success", false)]
    public void A_call_has_its_arguments_its_result_and_who_asked_for_it(string scenario, bool isError)
    {
        var call = Assert.Single(Assert.Single(CapturedRun.Read(scenario).Runs).ToolCalls);
        Assert.Equal("get_weather", call.Name);
        Assert.Contains("Paris", call.Arguments, StringComparison.Ordinal);
        Assert.NotNull(call.Result ?? (isError ? "" : null));
        Assert.Equal(isError, call.IsError);
        Assert.Equal(StepKind.Llm, call.CallingStep?.Kind);
    }

    [Fact]
    public void Results_without_ids_answer_calls_in_their_order()
    {
        var run = Assert.Single(CapturedRun.Read("dotnet-semantic-kernel/tool-retry-recovers").Runs);
        Assert.Equal([true, false], run.ToolCalls.Select(call => call.IsError));
        Assert.Null(run.ToolCalls[0].Result);
        Assert.Contains("rain", run.ToolCalls[1].Result, StringComparison.Ordinal);
    }

    [Fact]
    public void Calls_side_by_side_find_their_spans_by_their_arguments()
    {
        var run = new RunBuilder()
            .Span(0, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.output.messages", """[{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"t","arguments":{"n": 1}},{"type":"tool_call","id":"c2","name":"t","arguments":{"n": 2}}]}]"""))
            .Span(0, "execute_tool t", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "t"), ("gen_ai.tool.call.arguments", """{"n":2}"""), ("gen_ai.tool.call.result", "two"))
            .Span(0, "execute_tool t", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "t"), ("gen_ai.tool.call.arguments", """{"n":1}"""), ("gen_ai.tool.call.result", "one"))
            .Read();
        Assert.Equal([("c1", "one"), ("c2", "two")], run.ToolCalls.Select(call => (call.CallId, call.Result)));
    }

    [Fact]
    public void Ids_that_count_from_zero_in_each_answer_are_calls_of_their_own()
    {
        const string Asks = """[{"role":"assistant","parts":[{"type":"tool_call","id":"call_0","name":"t","arguments":{}}]}]""";
        var run = new RunBuilder()
            .Span(0, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.output.messages", Asks))
            .Span(0, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.output.messages", Asks))
            .Read();
        Assert.Equal(2, run.ToolCalls.Count);
    }

    [Fact]
    public void A_history_whose_ids_the_answers_lack_repeats_no_call()
    {
        var run = new RunBuilder()
            .Span(0, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.output.messages", """[{"role":"assistant","tool_calls":[{"function":{"name":"t","arguments":"{}"}}],"content":null}]"""))
            .Span(0, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.input.messages", """[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"t","arguments":"{}"}}],"content":null},{"role":"tool","tool_call_id":"c","content":"2"}]"""))
            .Read();
        var call = Assert.Single(run.ToolCalls);
        Assert.Equal(("c", "2"), (call.CallId, call.Result));
    }

    [Fact]
    public void What_an_evaluator_asks_is_no_part_of_the_run()
    {
        var run = new RunBuilder()
            .Span(0, "judge", ("openinference.span.kind", "EVALUATOR"))
            .Span(1, "chat", ("openinference.span.kind", "LLM"), ("input.value", "Is this right?"), ("output.value", "yes"))
            .Span(0, "chat", ("openinference.span.kind", "LLM"), ("input.value", "Where?"), ("output.value", "Here."))
            .Read();
        Assert.Equal(("Where?", "Here."), (run.UserInput, run.FinalAnswer));
    }
}
