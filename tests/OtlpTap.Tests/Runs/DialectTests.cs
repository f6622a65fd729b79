using OtlpTap.Runs;

namespace OtlpTap.Tests.Runs;

/// <summary>One story in the dialects of which there is no captured payload: a question, a call of a tool, its result, an answer.</summary>
public sealed class DialectTests
{
    private const string Question = "Where is order A-17?";
    private const string Instructions = "You are a shop's assistant.";
    private const string Arguments = """{"order":"A-17"}""";
    private const string Found = """{"order":"A-17","status":"sent"}""";
    private const string Reply = "Order A-17 has been sent.";
    private const string Schema = """{"type":"object","properties":{"order":{"type":"string"}},"required":["order"]}""";

    [Fact]
    public void Vercel_ai_sdk_5()
    {
        var prompt = $$"""[{"role":"system","content":"{{Instructions}}"},{"role":"user","content":[{"type":"text","text":"{{Question}}"}]}]""";
        var history = prompt[..^1] + $$""","""
            + $$"""{"role":"assistant","content":[{"type":"tool-call","toolCallId":"c1","toolName":"find_order","input":{{Arguments}} }]},"""
            + $$"""{"role":"tool","content":[{"type":"tool-result","toolCallId":"c1","toolName":"find_order","output":{"type":"json","value":{{Found}} } }]}]""";
        var tools = new[] { $$"""{"type":"function","name":"find_order","description":"Finds it","inputSchema":{{Schema}} }""" };
        var run = new RunBuilder("ai")
            .Span(0, "ai.generateText", ("ai.operationId", "ai.generateText"), ("ai.telemetry.functionId", "shop"), ("ai.telemetry.metadata.sessionId", "s1"), ("ai.prompt", $$"""{"system":"{{Instructions}}","prompt":"{{Question}}"}"""), ("ai.response.text", Reply), ("ai.response.finishReason", "stop"))
            .Span(1, "ai.generateText.doGenerate", ("ai.operationId", "ai.generateText.doGenerate"), ("ai.model.id", "m1"), ("ai.prompt.messages", prompt), ("ai.prompt.tools", tools), ("ai.response.toolCalls", $$"""[{"toolCallId":"c1","toolName":"find_order","input":{{Arguments}} }]"""), ("ai.response.finishReason", "tool-calls"), ("ai.usage.promptTokens", 11))
            .Span(1, "ai.toolCall", ("ai.operationId", "ai.toolCall"), ("ai.toolCall.name", "find_order"), ("ai.toolCall.id", "c1"), ("ai.toolCall.args", Arguments), ("ai.toolCall.result", Found))
            .Span(1, "ai.generateText.doGenerate", ("ai.operationId", "ai.generateText.doGenerate"), ("ai.prompt.messages", history), ("ai.response.text", Reply), ("ai.response.finishReason", "stop"))
            .Read();
        IsTheStory(run, id: "c1");
        Assert.Equal([StepKind.Agent, StepKind.Llm, StepKind.Tool, StepKind.Llm], run.Steps.Select(step => step.Kind));
        Assert.Equal("s1", run.Session);
        Assert.All(run.Steps, step => Assert.Equal("shop", step.Agent));
        Assert.Equal("tool_call", FinishReasonOf(run, 1));
        Assert.Equal(11, run.Steps[1].InputTokens);
        Assert.Equal([new OfferedTool("find_order", "Finds it", Schema)], run.Steps[1].OfferedTools!);
        Assert.Equal(["System: " + Instructions, "User: " + Question, $"Assistant: find_order({Arguments}) c1", "Tool: c1 = " + Found], RunBuilder.Tell(run.Steps[3].Input));
    }

    [Fact]
    public void LangSmith()
    {
        var request = $$"""{"model":"m1","messages":[{"role":"system","content":"{{Instructions}}"},{"role":"user","content":"{{Question}}"}],"tools":[{"type":"function","function":{"name":"find_order","parameters":{{Schema}} } }]}""";
        var asks = """{"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"find_order","arguments":"{\"order\":\"A-17\"}"}}]},"finish_reason":"tool_calls"}]}""";
        var run = new RunBuilder()
            .Span(0, "agent", ("langsmith.span.kind", "chain"), ("langsmith.metadata.thread_id", "s1"), ("gen_ai.prompt", $$"""{"input":"{{Question}}"}"""), ("gen_ai.completion", $$"""{"output":"{{Reply}}"}"""))
            .Span(1, "ChatOpenAI", ("langsmith.span.kind", "llm"), ("gen_ai.operation.name", "chat"), ("gen_ai.prompt", request), ("gen_ai.completion", asks), ("gen_ai.response.finish_reasons", "tool_calls"))
            .Span(1, "find_order", ("langsmith.span.kind", "tool"), ("gen_ai.operation.name", "execute_tool"), ("gen_ai.prompt", """{"input":"{\"order\":\"A-17\"}"}"""), ("gen_ai.completion", Found))
            .Span(1, "ChatOpenAI", ("langsmith.span.kind", "llm"), ("gen_ai.prompt", request), ("gen_ai.completion", $$"""{"choices":[{"message":{"role":"assistant","content":"{{Reply}}","refusal":null},"finish_reason":"stop"}]}"""))
            .Read();
        IsTheStory(run, id: "c1");
        Assert.Equal([StepKind.Workflow, StepKind.Llm, StepKind.Tool, StepKind.Llm], run.Steps.Select(step => step.Kind));
        Assert.Equal("s1", run.Session);
        Assert.Equal("tool_call", FinishReasonOf(run, 1));
        Assert.Equal("stop", FinishReasonOf(run, 3));
        Assert.Equal([new OfferedTool("find_order", null, Schema)], run.Steps[1].OfferedTools!);
    }

    [Fact]
    public void Mastra()
    {
        var run = new RunBuilder("@mastra/otel-exporter")
            .Span(0, "invoke_agent shop", ("mastra.span.type", "agent_run"), ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "shop"), ("mastra.metadata.sessionId", "s1"), ("mastra.agent_run.input", $$"""[{"role":"user","content":"{{Question}}"}]"""), ("mastra.agent_run.output", $$"""{"text":"{{Reply}}"}"""))
            .Span(1, "chat m1", ("mastra.span.type", "model_generation"), ("gen_ai.operation.name", "chat"), ("gen_ai.tool.definitions", """["find_order"]"""), ("gen_ai.response.finish_reasons", """["tool-calls"]"""), ("mastra.model_generation.input", $$"""{"messages":[{"role":"system","content":"{{Instructions}}"},{"role":"user","content":"{{Question}}"}]}"""), ("mastra.model_generation.output", $$"""{"text":"","toolCalls":[{"toolCallId":"c1","toolName":"find_order","args":{{Arguments}} }]}"""))
            .Span(1, "execute_tool find_order", ("mastra.span.type", "tool_call"), ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "find_order"), ("gen_ai.tool.call.arguments", Arguments), ("gen_ai.tool.call.result", Found))
            .Span(1, "chat m1", ("mastra.span.type", "model_generation"), ("gen_ai.input.messages", $$"""[{"role":"user","parts":[{"type":"text","content":"{{Question}}"}]}]"""), ("gen_ai.output.messages", $$"""[{"role":"assistant","parts":[{"type":"text","content":"{{Reply}}"}]}]"""), ("gen_ai.response.finish_reasons", """["stop"]"""))
            .Read();
        IsTheStory(run, id: "c1");
        Assert.Equal("tool_call", FinishReasonOf(run, 1));
        Assert.Equal([new OfferedTool("find_order", null, null)], run.Steps[1].OfferedTools!);
    }

    [Fact]
    public void OpenLit_puts_a_tools_name_on_the_models_span()
    {
        var run = new RunBuilder("@openlit/openai")
            .Span(0, "chat m1", ("gen_ai.operation.name", "chat"), ("gen_ai.tool.name", "find_order"), ("gen_ai.input.messages", $$"""[{"role":"system","parts":[{"type":"text","content":"{{Instructions}}"}]},{"role":"user","parts":[{"type":"text","content":"{{Question}}"}]}]"""), ("gen_ai.output.messages", """[{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"find_order","arguments":{"raw":"{\"order\": "}}],"finish_reason":"tool_calls"}]"""))
            .Read();
        Assert.Equal(StepKind.Llm, run.Steps[0].Kind);
        Assert.Equal((Question, Instructions, null), (run.UserInput, run.SystemPrompt, run.FinalAnswer));
        Assert.Equal("""{"raw":"{\"order\": "}""", Assert.Single(run.ToolCalls).Arguments);
    }

    [Fact]
    public void Pydantic_ai()
    {
        var all = $$"""[{"role":"system","parts":[{"type":"text","content":"{{Instructions}}"}]},{"role":"user","parts":[{"type":"text","content":"{{Question}}"}]},{"role":"assistant","parts":[{"type":"thinking","content":"hm"},{"type":"tool_call","id":"c1","name":"find_order","arguments":{{Arguments}} }]},{"role":"user","parts":[{"type":"tool_call_response","id":"c1","name":"find_order","result":{{Found}} }]},{"role":"assistant","parts":[{"type":"text","content":"{{Reply}}"}]}]""";
        var run = new RunBuilder("pydantic-ai")
            .Span(0, "agent run", ("gen_ai.agent.call.id", "r1"), ("agent_name", "shop"), ("pydantic_ai.all_messages", all), ("final_result", Reply))
            .Span(1, "running tool", ("gen_ai.tool.name", "find_order"), ("gen_ai.tool.call.id", "c1"), ("tool_arguments", Arguments), ("tool_response", Found))
            .Read();
        IsTheStory(run, id: "c1", isModelRecorded: false);
        Assert.Equal([StepKind.Agent, StepKind.Tool], run.Steps.Select(step => step.Kind));
        Assert.Equal("shop", run.Steps[1].Agent);
        Assert.Contains("Assistant: [Reasoning] hm | find_order(" + Arguments + ") c1", RunBuilder.Tell(run.Steps[0].Input));
    }

    [Fact]
    public void Pydantic_ais_first_version_lists_events_in_an_attribute()
    {
        var step = RunBuilder.Step("chat m1", ("gen_ai.operation.name", "chat"), ("events", $$"""[{"event.name":"gen_ai.system.message","role":"system","content":"{{Instructions}}"},{"event.name":"gen_ai.user.message","role":"user","content":"{{Question}}"},{"event.name":"gen_ai.choice","index":0,"message":{"role":"assistant","content":"{{Reply}}"} }]"""));
        Assert.Equal(["System: " + Instructions, "User: " + Question], RunBuilder.Tell(step.Input));
        Assert.Equal(["Assistant: " + Reply], RunBuilder.Tell(step.Output));
    }

    [Fact]
    public void Logfires_stand_ins_for_running_spans_are_no_steps()
    {
        var run = new RunBuilder().Span(0, "chat m1", ("logfire.span_type", "pending_span"), ("gen_ai.operation.name", "chat")).Span(0, "chat m1", ("gen_ai.operation.name", "chat")).Read();
        Assert.Single(run.Steps);
    }

    [Fact]
    public void MLflow_writes_every_value_as_json()
    {
        var run = new RunBuilder()
            .Span(0, "agent", ("mlflow.spanType", "\"AGENT\""), ("mlflow.trace.session", "\"s1\""), ("mlflow.spanInputs", $$"""{"question":"{{Question}}"}"""), ("mlflow.spanOutputs", $"\"{Reply}\""))
            .Span(1, "Completions", ("mlflow.spanType", "\"CHAT_MODEL\""), ("mlflow.spanInputs", $$"""{"model":"m1","messages":[{"role":"system","content":"{{Instructions}}"},{"role":"user","content":"{{Question}}"}]}"""), ("mlflow.chat.tools", $$"""[{"type":"function","function":{"name":"find_order","parameters":{{Schema}} } }]"""), ("mlflow.chat.tokenUsage", """{"input_tokens":11,"output_tokens":3,"total_tokens":14}"""), ("mlflow.spanOutputs", """{"choices":[{"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","function":{"name":"find_order","arguments":"{\"order\":\"A-17\"}"}}]}}]}"""))
            .Span(1, "find_order", ("mlflow.spanType", "\"TOOL\""), ("mlflow.spanInputs", Arguments), ("mlflow.spanOutputs", Found))
            .Span(1, "Completions", ("mlflow.spanType", "\"CHAT_MODEL\""), ("mlflow.spanOutputs", $$"""{"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"{{Reply}}"} }]}"""))
            .Read();
        IsTheStory(run, id: "c1");
        Assert.Equal([StepKind.Agent, StepKind.Llm, StepKind.Tool, StepKind.Llm], run.Steps.Select(step => step.Kind));
        Assert.Equal("s1", run.Session);
        Assert.Equal((11L, 3L), (run.Steps[1].InputTokens, run.Steps[1].OutputTokens));
        Assert.Equal([new OfferedTool("find_order", null, Schema)], run.Steps[1].OfferedTools!);
    }

    [Fact]
    public void Google_adk()
    {
        var request = $$"""{"model":"gemini","config":{"system_instruction":"{{Instructions}}","tools":[{"function_declarations":[{"name":"find_order","description":"Finds it","parameters":{{Schema}} }]}]},"contents":[{"role":"user","parts":[{"text":"{{Question}}"}]}]}""";
        var run = new RunBuilder("gcp.vertex.agent")
            .Span(0, "invocation")
            .Span(1, "invoke_agent shop", ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "shop"), ("gen_ai.conversation.id", "s1"))
            .Span(2, "call_llm", ("gen_ai.request.model", "gemini"), ("gcp.vertex.agent.llm_request", request), ("gcp.vertex.agent.llm_response", $$"""{"content":{"role":"model","parts":[{"function_call":{"id":"c1","name":"find_order","args":{{Arguments}} } }]},"finish_reason":"STOP"}"""))
            .Span(3, "execute_tool find_order", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "find_order"), ("gen_ai.tool.call.id", "<not specified>"), ("gcp.vertex.agent.llm_request", "{}"), ("gcp.vertex.agent.tool_call_args", Arguments), ("gcp.vertex.agent.tool_response", Found))
            .Span(2, "call_llm", ("gcp.vertex.agent.llm_request", request), ("gcp.vertex.agent.llm_response", $$"""{"content":{"role":"model","parts":[{"text":"{{Reply}}"}]},"finish_reason":"STOP"}"""))
            .Read();
        IsTheStory(run, id: "c1");
        Assert.Equal([StepKind.Workflow, StepKind.Agent, StepKind.Llm, StepKind.Tool, StepKind.Llm], run.Steps.Select(step => step.Kind));
        Assert.Equal([new OfferedTool("find_order", "Finds it", Schema)], run.Steps[2].OfferedTools!);
    }

    [Fact]
    public void Agent_framework_gives_the_whole_turn_as_the_agents_output()
    {
        var asks = $$"""{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"find_order","arguments":{{Arguments}} }]}""";
        var tells = $$"""{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":{{Found}} }]}""";
        var says = $$"""{"role":"assistant","parts":[{"type":"text","content":"{{Reply}}"}],"finish_reason":"stop"}""";
        var opens = $$"""{"role":"user","parts":[{"type":"text","content":"{{Question}}"}]}""";
        var system = $$"""[{"type":"text","content":"{{Instructions}}"}]""";
        var run = new RunBuilder("Experimental.Microsoft.Agents.AI")
            .Span(0, "invoke_agent shop(0123456789abcdef0123456789abcdef)", ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "shop"), ("gen_ai.system_instructions", system), ("gen_ai.input.messages", $"[{opens}]"), ("gen_ai.output.messages", $"[{asks},{tells},{says}]"), ("gen_ai.response.finish_reasons", """["stop"]"""))
            .Span(1, "chat m1", ("gen_ai.operation.name", "chat"), ("gen_ai.system_instructions", system), ("gen_ai.input.messages", $"[{opens}]"), ("gen_ai.output.messages", $"[{asks}]"))
            .Span(1, "execute_tool find_order", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "find_order"), ("gen_ai.tool.call.id", "c1"), ("gen_ai.tool.call.arguments", Arguments), ("gen_ai.tool.call.result", Found))
            .Span(1, "chat m1", ("gen_ai.operation.name", "chat"), ("gen_ai.input.messages", $"[{opens},{asks},{tells}]"), ("gen_ai.output.messages", $"[{says}]"))
            .Read();
        IsTheStory(run, id: "c1");
    }

    [Fact]
    public void Agent_framework_without_spans_of_its_models()
    {
        var run = new RunBuilder("Experimental.Microsoft.Agents.AI")
            .Span(0, "invoke_agent shop", ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.system_instructions", Instructions), ("gen_ai.input.messages", $$"""[{"role":"user","parts":[{"type":"text","content":"{{Question}}"}]}]"""), ("gen_ai.output.messages", $$"""[{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"find_order","arguments":{{Arguments}} }]},{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":{{Found}} }]},{"role":"assistant","parts":[{"type":"text","content":"{{Reply}}"}]}]"""))
            .Read();
        Assert.Equal((Question, Instructions, Reply), (run.UserInput, run.SystemPrompt, run.FinalAnswer));
        var call = Assert.Single(run.ToolCalls);
        Assert.Equal(("find_order", "c1", Arguments, Found), (call.Name, call.CallId, call.Arguments, call.Result));
    }

    [Fact]
    public void OpenInference_of_LangChain()
    {
        const string Human = """{"lc":1,"type":"constructor","id":["langchain_core","messages","HumanMessage"],"kwargs":{"content":"Where is order A-17?"}}""";
        const string Asks = """{"lc":1,"type":"constructor","id":["langchain_core","messages","AIMessage"],"kwargs":{"content":"","tool_calls":[{"name":"find_order","args":{"order":"A-17"},"id":"c1","type":"tool_call"}],"invalid_tool_calls":[],"response_metadata":{"finish_reason":"tool_calls"}}}""";
        const string Tells = """{"lc":1,"type":"constructor","id":["langchain_core","messages","ToolMessage"],"kwargs":{"content":"{\"order\":\"A-17\",\"status\":\"sent\"}","tool_call_id":"c1","name":"find_order","status":"success"}}""";
        const string Says = """{"lc":1,"type":"constructor","id":["langchain_core","messages","AIMessage"],"kwargs":{"content":"Order A-17 has been sent."}}""";
        const string System = """{"lc":1,"type":"constructor","id":["langchain_core","messages","SystemMessage"],"kwargs":{"content":[{"type":"text","text":"You are a shop's assistant."}]}}""";
        var run = new RunBuilder("@arizeai/openinference-instrumentation-langchain")
            .Span(0, "shop", ("openinference.span.kind", "CHAIN"), ("input.value", $$"""{"messages":[{{Human}}]}"""), ("output.value", $$"""{"messages":[{{Human}},{{Asks}},{{Tells}},{{Says}}]}"""), ("session.id", "s1"))
            .Span(1, "model_request", ("openinference.span.kind", "CHAIN"), ("input.value", $$"""{"messages":[{{Human}}]}"""))
            .Span(2, "ChatOpenAI", ("openinference.span.kind", "LLM"), ("llm.model_name", "m1"), ("input.value", $$"""{"messages":[[{{System}},{{Human}}]]}"""), ("llm.input_messages.0.message.role", "system"), ("llm.input_messages.1.message.role", "user"), ("llm.input_messages.1.message.content", Question), ("output.value", $$"""{"generations":[[{"text":"","message":{{Asks}} }]]}"""), ("llm.output_messages.0.message.role", "assistant"), ("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "find_order"), ("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", Arguments), ("llm.output_messages.0.message.tool_calls.0.tool_call.id", "c1"), ("llm.tools.0.tool.json_schema", $$"""{"type":"function","function":{"name":"find_order","parameters":{{Schema}} } }"""))
            .Span(1, "find_order", ("openinference.span.kind", "TOOL"), ("tool.name", "find_order"), ("input.value", """{"input":"{\"order\":\"A-17\"}"}"""), ("output.value", $$"""{"output":{{Tells}} }"""))
            .Span(1, "ChatOpenAI", ("openinference.span.kind", "LLM"), ("output.value", $$"""{"generations":[[{"text":"{{Reply}}","message":{{Says}} }]]}"""))
            .Read();
        IsTheStory(run, id: "c1");
        Assert.Equal([StepKind.Workflow, StepKind.Step, StepKind.Llm, StepKind.Tool, StepKind.Llm], run.Steps.Select(step => step.Kind));
        Assert.Equal("shop", run.Steps[2].Agent);
        Assert.Equal("s1", run.Session);
        Assert.Equal([new OfferedTool("find_order", null, Schema)], run.Steps[2].OfferedTools!);
    }

    [Fact]
    public void OpenInference_of_the_agents_sdk()
    {
        var run = new RunBuilder("@arizeai/openinference-instrumentation-openai-agents")
            .Span(0, "shop", ("openinference.span.kind", "AGENT"), ("agent.name", "shop"))
            .Span(1, "turn", ("openinference.span.kind", "CHAIN"))
            .Span(2, "response", ("openinference.span.kind", "LLM"), ("llm.model_name", "m1"), ("input.value", $$"""[{"type":"message","role":"user","content":"{{Question}}"}]"""), ("llm.input_messages.0.message.role", "system"), ("llm.input_messages.0.message.content", Instructions), ("llm.input_messages.1.message.role", "user"), ("llm.input_messages.1.message.content", Question), ("output.value", """{"object":"response","status":"completed","output":[{"type":"function_call","id":"fc_1","call_id":"c1","name":"find_order","arguments":"{\"order\":\"A-17\"}"}]}"""))
            .Span(2, "find_order", ("openinference.span.kind", "TOOL"), ("tool.name", "find_order"), ("input.value", Arguments), ("output.value", Found))
            .Span(2, "response", ("openinference.span.kind", "LLM"), ("input.value", $$"""[{"type":"message","role":"user","content":"{{Question}}"},{"type":"function_call","call_id":"c1","name":"find_order","arguments":"{\"order\":\"A-17\"}"},{"type":"function_call_output","call_id":"c1","output":"sent"}]"""), ("output.value", $$"""{"object":"response","status":"completed","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"{{Reply}}"}]}]}"""))
            .Read();
        IsTheStory(run, id: "c1");
        Assert.Equal([StepKind.Agent, StepKind.Step, StepKind.Llm, StepKind.Tool, StepKind.Llm], run.Steps.Select(step => step.Kind));
    }

    [Fact]
    public void Traceloops_flattened_prompts()
    {
        var run = new RunBuilder()
            .Span(0, "chat", ("llm.request.type", "chat"), ("gen_ai.prompt.0.role", "system"), ("gen_ai.prompt.0.content", Instructions), ("gen_ai.prompt.1.role", "user"), ("gen_ai.prompt.1.content", $$"""[{"type":"text","text":"{{Question}}"}]"""), ("gen_ai.completion.0.role", "assistant"), ("gen_ai.completion.0.finish_reason", "tool_calls"), ("gen_ai.completion.0.tool_calls.0.id", "c1"), ("gen_ai.completion.0.tool_calls.0.name", "find_order"), ("gen_ai.completion.0.tool_calls.0.arguments", Arguments), ("llm.request.functions.0.name", "find_order"), ("llm.request.functions.0.parameters", Schema))
            .Span(0, "find_order.tool", ("traceloop.span.kind", "tool"), ("traceloop.entity.name", "find_order"), ("traceloop.entity.input", """{"args":["{\"order\":\"A-17\"}"],"kwargs":{}}"""), ("traceloop.entity.output", Found))
            .Span(0, "chat", ("llm.request.type", "chat"), ("gen_ai.prompt.0.role", "tool"), ("gen_ai.prompt.0.content", Found), ("gen_ai.prompt.0.tool_call_id", "c1"), ("gen_ai.completion.0.content", Reply))
            .Read();
        IsTheStory(run, id: "c1");
        Assert.Equal("tool_call", FinishReasonOf(run, 0));
        Assert.Equal([new OfferedTool("find_order", null, Schema)], run.Steps[0].OfferedTools!);
    }

    [Fact]
    public void Strands_tells_messages_as_span_events()
    {
        var run = new RunBuilder("strands-agents")
            .Span(0, "invoke_agent shop", ("gen_ai.operation.name", "invoke_agent"), ("system_prompt", $"\"{Instructions}\""), ("gen_ai.agent.tools", """["find_order"]"""))
            .Event("gen_ai.user.message", ("content", $$"""[{"text":"{{Question}}"}]"""))
            .Event("gen_ai.choice", ("message", Reply), ("finish_reason", "end_turn"))
            .Span(1, "chat", ("gen_ai.operation.name", "chat"))
            .Event("gen_ai.user.message", ("content", $$"""[{"text":"{{Question}}"}]"""))
            .Event("gen_ai.choice", ("message", $$"""[{"toolUse":{"toolUseId":"c1","name":"find_order","input":{{Arguments}} } }]"""), ("finish_reason", "tool_use"))
            .Span(1, "execute_tool find_order", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "find_order"), ("gen_ai.tool.call.id", "c1"), ("gen_ai.tool.status", "success"))
            .Event("gen_ai.tool.message", ("role", "tool"), ("content", Arguments), ("id", "c1"))
            .Event("gen_ai.choice", ("message", $$"""[{"json":{{Found}} }]"""), ("id", "c1"))
            .Span(1, "chat", ("gen_ai.operation.name", "chat"))
            .Event("gen_ai.choice", ("message", $$"""[{"text":"{{Reply}}"}]"""), ("finish_reason", "end_turn"))
            .Read();
        IsTheStory(run, id: "c1");
        Assert.Equal("tool_call", FinishReasonOf(run, 1));
        Assert.Equal("stop", FinishReasonOf(run, 3));
        Assert.Equal([new OfferedTool("find_order", null, null)], run.Steps[0].OfferedTools!);
    }

    [Fact]
    public void OpenTelemetrys_details_of_a_call_stand_in_a_log_record()
    {
        var run = new RunBuilder()
            .Span(0, "chat m1", ("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "m1"))
            .Log("gen_ai.client.inference.operation.details", ("gen_ai.system_instructions", Instructions), ("gen_ai.input.messages", $$"""[{"role":"user","parts":[{"type":"text","content":"{{Question}}"}]}]"""))
            .Log("gen_ai.client.inference.operation.details", ("gen_ai.output.messages", $$"""[{"role":"assistant","parts":[{"type":"text","content":"{{Reply}}"}]}]"""))
            .Log("gen_ai.client.operation.exception", ("exception.type", "TimeoutException"), ("exception.message", "late"))
            .Read();
        Assert.Equal((Question, Instructions, Reply), (run.UserInput, run.SystemPrompt, run.FinalAnswer));
        Assert.Equal(new RaisedException("TimeoutException", "late", ""), Assert.Single(run.Steps[0].Exceptions));
    }

    [Fact]
    public void Prompts_and_completions_as_events_of_the_first_conventions()
    {
        var run = new RunBuilder().Span(0, "chat m1", ("gen_ai.operation.name", "chat"))
            .Event("gen_ai.content.prompt", ("gen_ai.prompt", $$"""[{"role":"system","content":"{{Instructions}}"},{"role":"user","content":"{{Question}}"}]"""))
            .Event("gen_ai.content.completion", ("gen_ai.completion", $$"""[{"role":"assistant","content":"{{Reply}}"}]"""))
            .Read();
        Assert.Equal((Question, Instructions, Reply), (run.UserInput, run.SystemPrompt, run.FinalAnswer));
    }

    [Fact]
    public void A_tool_of_an_mcp_server()
    {
        var run = new RunBuilder().Span(0, "tools/call find_order", ("mcp.method.name", "tools/call"), ("gen_ai.tool.name", "find_order"), ("gen_ai.tool.call.arguments", Arguments), ("gen_ai.tool.call.result", """{"content":[{"type":"text","text":"no such order"}],"isError":true}""")).Read();
        var call = Assert.Single(run.ToolCalls);
        Assert.Equal(("find_order", Arguments, true), (call.Name, call.Arguments, call.IsError));
        Assert.True(run.Steps[0].ResultIsError);
    }

    [Fact]
    public void An_unknown_instrumentation_that_follows_conventions_half_way()
    {
        var run = new RunBuilder("home.made")
            .Span(0, "model", ("gen_ai.request.model", "m1"), ("gen_ai.prompt", Question), ("gen_ai.completion", Reply))
            .Read();
        Assert.Equal(StepKind.Llm, run.Steps[0].Kind);
        Assert.Equal((Question, Reply), (run.UserInput, run.FinalAnswer));
        Assert.Same(run.Steps[0], run.AnsweringStep);
    }

    private static string? FinishReasonOf(AgentRun run, int step) => run.Steps[step].FinishReason;

    private static void IsTheStory(AgentRun run, string? id, bool isModelRecorded = true)
    {
        Assert.True(run.HasContent);
        Assert.Equal(Question, run.UserInput);
        Assert.Equal(Instructions, run.SystemPrompt);
        Assert.Equal(Reply, run.FinalAnswer);
        var call = Assert.Single(run.ToolCalls);
        Assert.Equal(("find_order", id, Arguments, Found, false), (call.Name, call.CallId, call.Arguments, call.Result, call.IsError));
        Assert.Equal(StepKind.Tool, call.ToolStep!.Kind);
        Assert.Equal("find_order", call.ToolStep.Tool);
        if (isModelRecorded)
        {
            Assert.Equal(StepKind.Llm, call.CallingStep!.Kind);
            Assert.Same(run.Steps[^1], run.AnsweringStep);
        }
    }
}
