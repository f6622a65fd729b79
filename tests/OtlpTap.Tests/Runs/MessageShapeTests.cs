using OtlpTap.Runs;

namespace OtlpTap.Tests.Runs;

/// <summary>Messages and tools in the shapes in which they occur, whatever attribute they stand in.</summary>
public sealed class MessageShapeTests
{
    [Theory]
    [InlineData("plain text", "User: plain text")]
    [InlineData("\"a quoted text\"", "User: a quoted text")]
    [InlineData("{not json", "User: {not json")]
    [InlineData("""{"role":"user","content":"hi"}""", "User: hi")]
    [InlineData("""{"messages":[{"role":"developer","content":"be"},{"role":"user","content":[{"type":"input_text","text":"hi"},{"type":"image_url","image_url":{}}]}]}""", "System: be;User: hi | [Other] ")]
    [InlineData("""[{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"so"},{"type":"tool_use","id":"c","name":"t","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":[{"type":"text","text":"no"}],"is_error":true}]}]""", """Assistant: [Reasoning] hm | so | t({"a":1}) c;Tool: c = no !""")]
    [InlineData("""{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"name":"t","args":{"a":1}}}]},{"role":"user","parts":[{"functionResponse":{"name":"t","response":{"b":2}}}]}]}""", """User: hi;Assistant: t({"a":1});Tool: = {"b":2}""")]
    [InlineData("""{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"MAX_TOKENS"}]}""", "Assistant: hi")]
    [InlineData("""{"messages":[[{"type":"human","content":"hi"},{"type":"ai","content":"","tool_calls":[{"name":"t","args":{"a":1},"id":"c","type":"tool_call"}]},{"type":"tool","content":"Error: no","tool_call_id":"c","status":"error"}]]}""", """User: hi;Assistant: t({"a":1}) c;Tool: c = Error: no !""")]
    [InlineData("""[{"type":"human","data":{"content":"hi"}}]""", "User: hi")]
    [InlineData("""{"input":[{"role":"user","content":"hi"},{"type":"function_call","call_id":"c","id":"fc","name":"t","arguments":"{"},{"type":"function_call_output","call_id":"c","output":"2"}],"instructions":"be"}""", "User: hi;Assistant: t({) c;Tool: c = 2")]
    [InlineData("""{"args":["hi"],"kwargs":{}}""", "User: hi")]
    [InlineData("""{"input":"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"}""", "User: hi")]
    [InlineData("""[{"role":"assistant","parts":[{"type":"Microsoft.Extensions.AI.TextContent","content":{"text":"hi"}}]}]""", "Assistant: hi")]
    [InlineData("""[{"role":"assistant","content":null,"refusal":"I won't"}]""", "Assistant: [Refusal] I won't")]
    [InlineData("""[{"role":"assistant","content":"","additional_kwargs":{"tool_calls":[{"id":"c","function":{"name":"t","arguments":"{}"}}]}}]""", "Assistant: t({}) c")]
    [InlineData("""[{"role":"assistant","content":[{"type":"tool-call","toolCallId":"c","toolName":"t","args":{}}]},{"role":"tool","content":[{"type":"tool-result","toolCallId":"c","toolName":"t","output":{"type":"error-text","value":"no"}}]}]""", "Assistant: t({}) c;Tool: c = no !")]
    [InlineData("""[{"role":"user","content":"quote \"it\" \u00e9 \ud83d\ude00 \\n"}]""", "User: quote \"it\" \u00e9 \ud83d\ude00 \\n")]
    public void Messages_are_found(string text, string expected)
    {
        var step = RunBuilder.Step("chat", ("openinference.span.kind", "LLM"), ("input.value", text));
        Assert.Equal(expected.Split(';'), RunBuilder.Tell(step.Input));
    }

    [Theory]
    [InlineData("""[{"type":"function","function":{"name":"t","description":"d","parameters":{"a":1}}}]""", "d", """{"a":1}""")]
    [InlineData("""[{"type":"function","name":"t","description":"d","parameters":{"a":1}}]""", "d", """{"a":1}""")]
    [InlineData("""[{"name":"t","description":"d","input_schema":{"a":1}}]""", "d", """{"a":1}""")]
    [InlineData("""[{"name":"t","description":"d","inputSchema":{"a":1}}]""", "d", """{"a":1}""")]
    [InlineData("""[{"toolSpec":{"name":"t","description":"d","inputSchema":{"json":{"a":1}}}}]""", "d", """{"a":1}""")]
    [InlineData("""[{"functionDeclarations":[{"name":"t","description":"d","parameters":{"a":1}}]}]""", "d", """{"a":1}""")]
    [InlineData("""{"t":{"description":"d","inputSchema":{"jsonSchema":{"a":1}}}}""", "d", """{"a":1}""")]
    [InlineData("""["t"]""", null, null)]
    [InlineData("""["/tool/t"]""", null, null)]
    public void Offered_tools_are_found(string definitions, string? description, string? schema)
    {
        var step = RunBuilder.Step("chat", ("gen_ai.operation.name", "chat"), ("gen_ai.tool.definitions", definitions));
        Assert.Equal([new OfferedTool("t", description, schema)], step.OfferedTools!);
    }

    [Fact]
    public void No_tools_offered_is_told_from_tools_not_recorded()
    {
        Assert.Empty(RunBuilder.Step("chat", ("gen_ai.operation.name", "chat"), ("gen_ai.tool.definitions", "[]")).OfferedTools!);
        Assert.Null(RunBuilder.Step("chat", ("gen_ai.operation.name", "chat")).OfferedTools);
    }

    [Theory]
    [InlineData("ToolCalls", "tool_call")]
    [InlineData("tool-calls", "tool_call")]
    [InlineData("""["tool_use"]""", "tool_call")]
    [InlineData("end_turn", "stop")]
    [InlineData("FinishReason.MAX_TOKENS", "length")]
    [InlineData("contentFiltered", "content_filter")]
    [InlineData("SAFETY", "content_filter")]
    [InlineData("refusal", "refusal")]
    [InlineData("error", "error")]
    [InlineData("limitTurns", "limitturns")]
    [InlineData("stop,length", "stop")]
    [InlineData("[]", null)]
    [InlineData("", null)]
    public void Finish_reasons_have_one_vocabulary(string reason, string? expected) =>
        Assert.Equal(expected, RunBuilder.Step("chat", ("gen_ai.operation.name", "chat"), ("gen_ai.response.finish_reasons", reason)).FinishReason);

    [Fact]
    public void Ordinary_texts_are_kept_to_the_letter()
    {
        var text = "  lines\r\n\twith \"quotes\", back\\slashes and {braces}\n\n";
        var json = System.Text.Json.JsonSerializer.Serialize(new[] { new { role = "user", parts = new[] { new { type = "text", content = text } } } });
        Assert.Equal(text, RunBuilder.Step("chat", ("gen_ai.operation.name", "chat"), ("gen_ai.input.messages", json)).Input[0].Text);
    }

    [Fact]
    public void Documents_of_a_retriever_are_found_in_its_output()
    {
        var step = RunBuilder.Step("search", ("langfuse.observation.type", "retriever"), ("langfuse.observation.input", "shoes"), ("langfuse.observation.output", """[{"pageContent":"30 days","metadata":{"source":"policy.md"},"score":0.9},{"id":"2","text":"card"}]"""));
        Assert.Equal([new RetrievedDocument("policy.md", "30 days", 0.9), new RetrievedDocument("2", "card", null)], step.Documents);
        Assert.Equal("shoes", step.Arguments);
    }
}
