"""How each instrumentation records a run. Names, types, scopes and statuses are those of its released packages."""
from otlp import dumps

CLIENT, INTERNAL = 3, 1
COMMON = {"tool-throws": "tool:status", "tool-error-payload": "tool:attribute", "bad-tool-args-json": "llm:attribute", "bad-tool-args-schema": "llm:attribute",
          "unknown-tool": "llm:attribute", "finish-length": "llm:attribute", "content-filter": "llm:attribute", "refusal": "llm:attribute", "empty-output": "llm:attribute",
          "max-steps": "root:attribute", "provider-error-429": "llm:status", "tool-retry-recovers": "tool:status", "hallucination": "llm:text", "rag-hallucination": "llm:text"}


def indented(value):
    import json
    return json.dumps(value, ensure_ascii=False, indent=2)


class Recorder:
    places = {}
    limit_error = None      # type and message where the framework makes an error of too many steps
    resource = None

    def __init__(self, trace, story, run):
        self.trace, self.story, self.run = trace, story, run
        self.llms, self.tools, self.root, self.failed = [], [], None, None
        self.agent = story.agents[0]

    def record(self):
        conversation = [("system", self.story.system)]
        number = 0
        for question, turns in self.run.history:
            conversation.append(("user", question))
            for turn in turns:
                conversation.append(("assistant", turn))
                for call in turn.calls:
                    number += 1
                    call.id = f"call_h{number}"
                    conversation.append(("tool", call, self.told(call)))
        self.asked = self.run.question
        if self.run.documents is not None:
            self.asked = "Answer from these passages only.\n\n" + "\n\n".join(text for _, text in self.run.documents) + "\n\n" + self.run.question
        conversation.append(("user", self.asked))
        self.begin()
        if self.run.documents is not None:
            self.retrieve(self.run.documents)
        for index, turn in enumerate(self.run.turns):
            for call in turn.calls:
                number += 1
                call.id = f"call_{self.trace.id[:4]}{number}"
            self.agent = self.story.agents[min(turn.agent, len(self.story.agents) - 1)]
            self.before_turn(index, turn)
            llm = self.llm(turn, list(conversation))
            self.llms.append(llm.end())
            if turn.error:
                self.failed = turn.error[:2]
                self.after_turn(index, turn)
                break
            conversation.append(("assistant", turn))
            for call in turn.calls:
                span = self.tool(call, llm)
                self.tools.append(span.end() if span and span.stop is None else span)
                conversation.append(("tool", call, self.told(call)))
            self.after_turn(index, turn)
        if self.run.limit and self.limit_error:
            self.failed = self.limit_error
        self.conversation = conversation
        self.finish()

    @property
    def answer(self):
        return None if self.failed or self.run.limit else self.run.turns[-1].text

    def begin(self): ...
    def before_turn(self, index, turn): ...
    def after_turn(self, index, turn): ...
    def finish(self): ...
    def retrieve(self, documents): ...

    def told(self, call):
        if call.outcome == "throws":
            return f"Error: {call.error[1]}"
        if call.outcome == "refused":
            return f"Error: invalid arguments for tool {call.tool}"
        if call.outcome == "unknown":
            return f"Error: Tool {call.tool} not found"
        return call.output

    def place(self, scenario, where, index):
        """Spans that show a failure: (span, visible in, is carrier)."""
        text = self.places.get(scenario) or COMMON.get(scenario) or {"tool": "tool:status", "llm": "llm:attribute", "text": "llm:text"}[where]
        for item in text.split():
            name, visible = item.split(":")
            carrier = visible.endswith("*")
            visible = visible.rstrip("*")
            last = index == -1
            span = {"llm": self.llms[-1] if last else self.llms[0], "next": self.llms[-1], "tool": self.tools[0] if self.tools else None, "root": self.root, "step": getattr(self, "step", None)}[name]
            yield (span or self.llms[-1]), visible, carrier


# Conversations in the shapes of the conventions

def parts(conversation, arguments="object", response="response", tool_role="tool", thinking="reasoning", empty=None, with_system=False):
    messages = []
    for entry in conversation:
        role = entry[0]
        if role == "system":
            if with_system:
                messages.append({"role": "system", "parts": [{"type": "text", "content": entry[1]}]})
        elif role == "user":
            messages.append({"role": "user", "parts": [{"type": "text", "content": entry[1]}]})
        elif role == "assistant":
            messages.append({"role": "assistant", "parts": said(entry[1], arguments, empty)})
        else:
            messages.append({"role": tool_role, "parts": [{"type": "tool_call_response", "id": entry[1].id, response: entry[2]}]})
    return messages


def said(turn, arguments="object", empty=None):
    found = []
    if turn.text:
        found.append({"type": "text", "content": turn.text})
    elif not turn.calls and empty is not None:
        found.extend(empty)
    for call in turn.calls:
        part = {"type": "tool_call", "id": call.id, "name": call.tool}
        if arguments == "drop":
            if call.raw is None:
                part["arguments"] = call.args
        elif arguments == "raw":
            part["arguments"] = {"raw": call.raw} if call.raw is not None else call.args
        elif arguments == "text":
            part["arguments"] = call.text
        else:
            part["arguments"] = call.raw if call.raw is not None else call.args
        found.append(part)
    return found


def chat_messages(conversation):
    return [chat_message(entry) for entry in conversation]


def chat_message(entry):
    role = entry[0]
    if role in ("system", "user"):
        return {"role": role, "content": entry[1]}
    if role == "tool":
        return {"role": "tool", "tool_call_id": entry[1].id, "content": entry[2]}
    return chat_answer(entry[1])


def chat_answer(turn):
    refused = turn.finish == "refusal"
    message = {"role": "assistant", "content": None if refused or turn.calls else turn.text, "refusal": turn.text if refused else None}
    if turn.calls:
        message["tool_calls"] = [{"id": call.id, "type": "function", "function": {"name": call.tool, "arguments": call.text}} for call in turn.calls]
    return message


FINISH = {"stop": "stop", "tool": "tool_calls", "length": "length", "filter": "content_filter", "refusal": "stop"}


def chat_completion(turn, model):
    return {"id": "chatcmpl-d1", "object": "chat.completion", "created": 1795000000, "model": model,
            "choices": [{"index": 0, "message": chat_answer(turn), "logprobs": None, "finish_reason": FINISH[turn.finish]}], "usage": {"prompt_tokens": 120, "completion_tokens": 24, "total_tokens": 144}}


def chat_tools(story):
    return [{"type": "function", "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema}} for tool in story.tools]


def lc(kind, **kwargs):
    return {"lc": 1, "type": "constructor", "id": ["langchain_core", "messages", kind], "kwargs": kwargs}


def lc_ai(turn):
    more = {}
    if turn.calls:
        more["tool_calls"] = [{"id": call.id, "type": "function", "function": {"name": call.tool, "arguments": call.text}} for call in turn.calls]
    return lc("AIMessage", content=turn.text if turn.finish != "refusal" and turn.text else "", additional_kwargs=more, response_metadata={"finish_reason": FINISH[turn.finish], "model_provider": "openai"},
              type="ai", tool_calls=[{"name": call.tool, "args": call.args, "type": "tool_call", "id": call.id} for call in turn.calls if call.raw is None],
              invalid_tool_calls=[{"name": call.tool, "args": call.raw, "id": call.id, "error": "Malformed args.", "type": "invalid_tool_call"} for call in turn.calls if call.raw is not None])


def lc_tool(call, told):
    return lc("ToolMessage", status="success" if call.outcome == "ok" else "error", content=told, tool_call_id=call.id, name=call.tool, additional_kwargs={}, response_metadata={})


def lc_told(story, call):
    names = ", ".join(tool.name for tool in story.tools)
    return {"unknown": f"Error: {call.tool} is not a valid tool, try one of [{names}].",
            "refused": f"Error: Received tool input did not match expected schema\n Please fix your mistakes.",
            "throws": f"Error: {call.error[1] if call.error else ''}\n Please fix your mistakes."}.get(call.outcome, call.output)


class AgentFramework(Recorder):
    scope, chat_scope = "Experimental.Microsoft.Agents.AI", "Experimental.Microsoft.Extensions.AI"
    places = {"bad-tool-args-json": "tool:status*", "bad-tool-args-schema": "llm:attribute tool:status*", "max-steps": "root:attribute"}
    empty = [{"type": "Microsoft.Extensions.AI.TextContent", "content": {"text": ""}}]
    resource = {"telemetry.sdk.name": "opentelemetry", "telemetry.sdk.language": "dotnet"}

    def begin(self):
        agent = f"{self.agent}({self.trace.id})"
        self.root = self.trace.span(f"invoke_agent {agent}", self.scope, kind=CLIENT).set({
            "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.id": self.trace.id, "gen_ai.agent.name": self.agent, "gen_ai.provider.name": "openai",
            "gen_ai.request.model": self.story.model, "gen_ai.system_instructions": indented([{"type": "text", "content": self.story.system}]),
            "gen_ai.tool.definitions": self.definitions, "gen_ai.input.messages": indented([{"role": "user", "parts": [{"type": "text", "content": self.run.question}]}])})

    @property
    def definitions(self):
        return indented([{"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.schema} for tool in self.story.tools])

    def said(self, turn):
        if turn.finish == "refusal":
            return [{"type": "error", "content": turn.text}]
        return said(turn, "drop", self.empty)

    def llm(self, turn, conversation):
        span = self.trace.span(f"chat {self.story.model}", self.chat_scope, self.root, CLIENT).set({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": self.story.model, "gen_ai.provider.name": "openai", "server.address": "api.openai.com", "server.port": 443,
            "gen_ai.system_instructions": indented([{"type": "text", "content": self.story.system}]), "gen_ai.tool.definitions": self.definitions,
            "gen_ai.input.messages": indented(parts(conversation, "drop"))})
        if turn.error:
            self.trace.log(span, "Microsoft.Extensions.AI.OpenTelemetryChatClient", "gen_ai.client.operation.exception", 13, "gen_ai.client.operation.exception",
                           {"exception.type": "System.ClientModel.ClientResultException", "exception.message": "HTTP 429 (requests: rate_limit_exceeded)\n\n" + turn.error[1]})
            return span.fail("HTTP 429 (requests: rate_limit_exceeded)\n\n" + turn.error[1]).set({"error.type": "System.ClientModel.ClientResultException"})
        finish = {"tool": "tool_calls", "filter": "content_filter", "refusal": "stop"}.get(turn.finish, turn.finish)
        return span.set({
            "gen_ai.output.messages": indented([{"role": "assistant", "parts": self.said(turn), "finish_reason": "tool_call" if turn.calls else finish}]),
            "gen_ai.response.finish_reasons": dumps([finish]), "gen_ai.response.id": "chatcmpl-d1", "gen_ai.response.model": self.story.model, "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 24})

    def tool(self, call, llm):
        if call.outcome == "unknown":
            self.trace.log(llm, "Microsoft.Extensions.AI.FunctionInvokingChatClient", "LogFunctionNotFound", 13, f"Function '{call.tool}' not found.", {"FunctionName": call.tool, "{OriginalFormat}": "Function '{FunctionName}' not found."})
            return None
        span = self.trace.span(f"execute_tool {call.tool}", self.chat_scope, self.root).set({
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.type": "function", "gen_ai.tool.call.id": call.id, "gen_ai.tool.name": call.tool, "gen_ai.tool.description": self.story.tool(call.tool).description,
            "gen_ai.tool.call.arguments": "{}" if call.raw is not None else indented(call.args)})
        if call.outcome == "ok":
            return span.set({"gen_ai.tool.call.result": dumps(call.output) if isinstance(call.result, str) else dumps(call.result)})
        required = self.story.tool(call.tool).required
        kind, message = call.error if call.outcome == "throws" else ("System.ArgumentException", f"The arguments dictionary is missing a value for the required parameter '{(required or ['value'])[0]}'. (Parameter 'arguments')")
        self.trace.log(span, "Microsoft.Extensions.AI.FunctionInvokingChatClient", "LogInvocationFailed", 17, f"{call.tool} invocation failed.", {"exception.type": kind, "exception.message": message, "MethodName": call.tool, "{OriginalFormat}": "{MethodName} invocation failed."})
        return span.fail(message).set({"error.type": kind, "gen_ai.tool.call.result": "null"})

    def told(self, call):
        return {"unknown": f"Error: Requested function \"{call.tool}\" not found.", "refused": "Error: Function failed.", "throws": "Error: Function failed."}.get(call.outcome, call.output)

    def finish(self):
        if self.failed:
            self.root.fail("HTTP 429 (requests: rate_limit_exceeded)\n\n" + self.failed[1]).set({"error.type": "System.ClientModel.ClientResultException"})
        else:
            start = 2 + sum(1 + len(turn.calls) + len([turn]) for _, turns in self.run.history for turn in turns)
            turns = [{"role": "assistant", "parts": self.said(entry[1])} if entry[0] == "assistant" else {"role": "tool", "parts": [{"type": "tool_call_response", "id": entry[1].id, "response": entry[2]}]}
                     for entry in self.conversation[start:] if entry[0] in ("assistant", "tool")]
            self.root.set({"gen_ai.output.messages": indented(turns), "gen_ai.response.finish_reasons": dumps(["tool_calls" if self.run.limit else {"filter": "content_filter", "refusal": "stop"}.get(self.run.turns[-1].finish, self.run.turns[-1].finish)])})
        self.root.end()


class LangfuseLangChain(Recorder):
    scope = "langfuse-sdk"
    places = {"tool-throws": "tool:attribute", "tool-retry-recovers": "tool:attribute", "unknown-tool": "llm:attribute", "finish-length": "llm:none", "content-filter": "llm:none", "refusal": "llm:none",
              "max-steps": "root:attribute", "provider-error-429": "llm:attribute"}
    limit_error = ("GraphRecursionError", "Recursion limit of 8 reached without hitting a stop condition. You can increase the limit by setting the \"recursionLimit\" config key.")

    def observe(self, name, kind, parent, given):
        return self.trace.span(name, self.scope, parent).set({"langfuse.environment": "described", "session.id": "s-1", "user.id": "u-1", "langfuse.observation.type": kind, "langfuse.observation.input": given if isinstance(given, str) else dumps(given)})

    def error(self, span, message):
        return span.set({"langfuse.observation.level": "ERROR", "langfuse.observation.status_message": message, "langfuse.observation.output": message})

    def begin(self):
        self.root = self.observe(self.agent if self.run.documents is None else "RetrievalQA", "agent" if self.run.documents is None else "chain", None, {"messages": [{"role": "user", "content": self.run.question}]})
        self.root.set({"langfuse.internal.is_app_root": True, "langfuse.trace.name": self.agent})

    def before_turn(self, index, turn):
        self.step = self.observe("model_request", "chain", self.root, {"messages": []})

    def retrieve(self, documents):
        self.observe("VectorStoreRetriever", "retriever", self.root, self.run.question).set({"langfuse.observation.output": dumps([{"pageContent": text, "metadata": {"source": id}} for id, text in documents])}).end()

    def messages(self, conversation):
        messages = []
        for entry in conversation:
            if entry[0] == "tool":
                messages.append({"content": entry[2], "additional_kwargs": {}, "role": entry[1].tool})
            elif entry[0] == "assistant":
                messages.append(self.answered(entry[1]))
            else:
                messages.append({"content": entry[1], "role": entry[0]})
        return messages

    def answered(self, turn):
        message = {"content": "" if turn.calls or turn.finish == "refusal" else turn.text, "role": "assistant"}
        if turn.calls:
            message["additional_kwargs"] = {"tool_calls": [{"id": call.id, "type": "function", "function": {"name": call.tool, "arguments": call.text}} for call in turn.calls]}
            message["tool_calls"] = [{"name": call.tool, "args": call.args, "id": call.id, "type": "tool_call"} for call in turn.calls if call.raw is None]
            message["invalid_tool_calls"] = [{"name": call.tool, "args": call.raw, "id": call.id, "error": "Malformed args.", "type": "invalid_tool_call"} for call in turn.calls if call.raw is not None]
        return message

    def llm(self, turn, conversation):
        messages = self.messages(conversation) + [{"role": "tool", "content": tool} for tool in chat_tools(self.story)] * (self.run.documents is None)
        span = self.observe("ChatOpenAI", "generation", self.step, messages).set({"langfuse.observation.model.name": self.story.model, "langfuse.observation.model.parameters": dumps({"temperature": 0})})
        if turn.error:
            return self.error(span, f"{turn.error[0]}: {turn.error[1]}")
        return span.set({"langfuse.observation.output": dumps(self.answered(turn)), "langfuse.observation.usage_details": dumps({"input": 120, "output": 24, "total": 144})})

    def told(self, call):
        return lc_told(self.story, call)

    def tool(self, call, llm):
        if call.outcome == "unknown" or call.raw is not None:
            step = self.observe("tools", "chain", self.root, {"lg_tool_call": {"name": call.tool, "args": call.args, "id": call.id}})
            step.set({"langfuse.observation.output": dumps({"messages": [lc_tool(call, self.told(call))]})}).end()
            return None
        span = self.observe(call.tool, "tool", self.root, dumps(call.args))
        if call.outcome == "ok":
            return span.set({"langfuse.observation.output": dumps(lc_tool(call, call.output)["kwargs"])})
        message = call.error[1] if call.outcome == "throws" else "Received tool input did not match expected schema\n✖ Invalid input: expected string, received undefined\n  → at " + (self.story.tool(call.tool).required or ['input'])[0]
        return self.error(span, f"{call.error[0] if call.outcome == 'throws' else 'Error'}: {message}")

    def after_turn(self, index, turn):
        if turn.error:
            self.error(self.step, f"{turn.error[0]}: {turn.error[1]}")
        else:
            self.step.set({"langfuse.observation.output": dumps({"messages": [self.answered(turn)]})})
        self.step.end()

    def finish(self):
        if self.failed:
            self.error(self.root, f"{self.failed[0]}: {self.failed[1]}")
        else:
            self.root.set({"langfuse.observation.output": dumps({"messages": [{"content": self.run.question, "role": "user"}, {"content": self.answer or "", "role": "assistant"}]})})
        self.root.end()


class LangSmith(Recorder):
    scope = "langsmith"
    places = {"tool-throws": "tool:span_event", "tool-retry-recovers": "tool:span_event", "max-steps": "root:span_event", "provider-error-429": "llm:span_event"}
    limit_error = ("Error", "exceeded maximum tool call iterations (4)")

    def span(self, name, kind, operation, parent, given):
        return self.trace.span(name, self.scope, parent).ok().set({
            "langsmith.span.kind": kind, "gen_ai.operation.name": operation, "langsmith.trace.name": name, "langsmith.trace.session_name": "trips", "langsmith.metadata.thread_id": "th-9", "gen_ai.system": "openai" if kind == "llm" else "langchain",
            "gen_ai.prompt": dumps(given)})

    def begin(self):
        self.root = self.span(self.agent, "chain", "chain", None, {"input": self.run.question})

    def retrieve(self, documents):
        self.span("retriever", "retriever", "chain", self.root, {"input": self.run.question}).set({"gen_ai.completion": dumps({"documents": [{"page_content": text, "metadata": {"id": id}, "type": "Document"} for id, text in documents]})}).end()

    def llm(self, turn, conversation):
        request = {"model": self.story.model, "messages": chat_messages(conversation)} | ({"tools": chat_tools(self.story)} if self.run.documents is None else {})
        span = self.span("ChatOpenAI", "llm", "chat", self.root, request).set({"gen_ai.request.model": self.story.model})
        if turn.error:
            return span.exception("Error", turn.error[1])
        return span.set({"gen_ai.completion": dumps(chat_completion(turn, self.story.model)), "gen_ai.response.finish_reasons": FINISH[turn.finish], "gen_ai.response.model": self.story.model, "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 24})

    def tool(self, call, llm):
        if call.outcome in ("unknown", "refused"):
            return None
        span = self.span(call.tool, "tool", "execute_tool", self.root, call.args).set({"gen_ai.tool.name": call.tool})
        if call.outcome == "throws":
            return span.exception("Error", call.error[1])
        return span.set({"gen_ai.completion": dumps(call.result if isinstance(call.result, dict) else {"outputs": call.result})})

    def finish(self):
        if self.failed:
            self.root.exception("Error", self.failed[1])
        else:
            self.root.set({"gen_ai.completion": dumps({"outputs": self.answer})})
        self.root.end()


class Mastra(Recorder):
    scope = "@mastra/otel-exporter"
    places = {"bad-tool-args-json": "tool:attribute*", "bad-tool-args-schema": "tool:attribute* llm:attribute", "unknown-tool": "tool:attribute* llm:attribute", "provider-error-429": "llm:attribute root:status*", "refusal": "llm:none", "max-steps": "root:attribute"}

    def begin(self):
        self.root = self.trace.span(f"invoke_agent {self.agent}", self.scope).set({
            "mastra.span.type": "agent_run", "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.id": self.agent, "gen_ai.agent.name": self.agent, "gen_ai.conversation.id": "thread-4", "gen_ai.system_instructions": self.story.system,
            "mastra.metadata.sessionId": "thread-4", "mastra.agent_run.input": dumps([{"role": "user", "content": self.run.question}]), "gen_ai.tool.definitions": dumps([tool.name for tool in self.story.tools])})
        self.generation = self.trace.span(f"chat {self.story.model}", self.scope, self.root, CLIENT).set({
            "mastra.span.type": "model_generation", "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": self.story.model,
            "gen_ai.input.messages": dumps(parts([("system", self.story.system), ("user", self.asked)], with_system=True)), "gen_ai.tool.definitions": dumps([tool.name for tool in self.story.tools])})

    def llm(self, turn, conversation):
        self.last = turn
        span = self.trace.span(f"model_step {len(self.llms)}", self.scope, self.generation).set({"mastra.span.type": "model_step", "mastra.model_step.input": dumps(chat_messages(conversation))})
        if turn.error:
            return span
        reason = {"tool": "tool-calls", "filter": "content-filter", "refusal": "stop"}.get(turn.finish, turn.finish)
        output = {"text": "" if turn.finish == "refusal" else turn.text or "", "finishReason": reason}
        if turn.calls:
            output["toolCalls"] = [{"toolCallId": call.id, "toolName": call.tool, "args": {} if call.raw is not None else call.args} for call in turn.calls]
        return span.set({"mastra.model_step.output": dumps(output)})

    def tool(self, call, llm):
        unknown = call.outcome == "unknown"
        kind = "client_tool_call" if unknown else "tool_call"
        arguments = dumps({} if call.raw is not None else call.args)
        span = self.trace.span(f"{kind} {call.tool}" if unknown else f"execute_tool {call.tool}", self.scope, llm).set({
            "mastra.span.type": kind, "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call.tool, "gen_ai.tool.call.id": call.id, "gen_ai.tool.call.arguments": arguments})
        if call.outcome == "throws":
            return span.fail(call.error[1]).set({"error.type": "unknown", "error.message": call.error[1]}).exception("Error", call.error[1])
        if call.outcome == "refused":
            field = (self.story.tool(call.tool).required or ['input'])[0]
            return span.set({"gen_ai.tool.call.result": dumps({"error": True, "message": f"Tool input validation failed for {call.tool}. Please fix the following errors and try again:\n- {field}: Required\n\nProvided arguments: {arguments}", "validationErrors": {"errors": []}})})
        return span if unknown else span.set({"gen_ai.tool.call.result": dumps(call.result)})

    def place(self, scenario, where, index):
        for span, visible, carrier in super().place(scenario, where, index):
            yield (self.generation if span in self.llms else span), visible, carrier

    def told(self, call):
        return f"Tool \"{call.tool}\" not found" if call.outcome == "unknown" else super().told(call)

    def finish(self):
        reason = "error" if self.failed else {"tool": "tool-calls", "filter": "content-filter", "refusal": "stop"}.get(self.last.finish, self.last.finish)
        self.generation.set({"gen_ai.response.finish_reasons": dumps([reason]), "gen_ai.response.model": self.story.model, "gen_ai.usage.input_tokens": 240, "gen_ai.usage.output_tokens": 48}).ok()
        if not self.failed:
            shown = self.last if self.last.finish != "refusal" else type(self.last)(text="")
            self.generation.set({"gen_ai.output.messages": dumps([{"role": "assistant", "parts": said(shown, "drop", [{"type": "text", "content": ""}])}])})
            self.root.ok().set({"mastra.agent_run.output": dumps({"text": "" if self.last.finish == "refusal" else self.answer or ""})})
        else:
            self.root.fail(self.failed[1]).set({"error.type": "unknown", "error.message": self.failed[1]}).exception(self.failed[0], self.failed[1])
        self.generation.end()
        self.root.end()


class OpenInference(Recorder):
    """What all OpenInference instrumentations share."""

    def span(self, name, kind, parent, given=None):
        span = self.trace.span(name, self.scope, parent).set({"openinference.span.kind": kind, "session.id": "s-77", "user.id": "u-3"})
        if given is not None:
            span.set({"input.value": given if isinstance(given, str) else dumps(given), "input.mime_type": "text/plain" if isinstance(given, str) else "application/json"})
        return span

    def put(self, span, value):
        return span.ok().set({"output.value": value if isinstance(value, str) else dumps(value), "output.mime_type": "text/plain" if isinstance(value, str) else "application/json"})

    def flatten(self, span, list, conversation, with_system=True):
        index = 0
        for entry in conversation:
            prefix = f"llm.{list}.{index}.message."
            if entry[0] == "system" and not with_system:
                continue
            index += 1
            span.set({prefix + "role": entry[0]})
            if entry[0] in ("system", "user"):
                span.set({prefix + "content": entry[1]})
            elif entry[0] == "tool":
                span.set({prefix + "content": entry[2], prefix + "tool_call_id": entry[1].id})
            else:
                if entry[1].text is not None and not entry[1].calls and not self.drops(entry[1]):
                    span.set({prefix + "content": entry[1].text})
                for number, call in enumerate(entry[1].calls):
                    call_prefix = f"{prefix}tool_calls.{number}.tool_call."
                    span.set({call_prefix + "id": call.id, call_prefix + "function.name": call.tool, call_prefix + "function.arguments": call.text})
        return span

    def drops(self, turn):
        return turn.finish == "refusal"

    def offer(self, span):
        for index, tool in enumerate(chat_tools(self.story)):
            span.set({f"llm.tools.{index}.tool.json_schema": dumps(tool)})
        return span


class OpenInferenceLangChain(OpenInference):
    scope = "@arizeai/openinference-instrumentation-langchain"
    places = {"refusal": "llm:none", "max-steps": "root:status"}
    limit_error = ("GraphRecursionError", "Recursion limit of 8 reached without hitting a stop condition. You can increase the limit by setting the \"recursionLimit\" config key.")

    def begin(self):
        self.root = self.span(self.agent, "CHAIN", None, {"messages": [{"role": "user", "content": self.run.question}]})

    def retrieve(self, documents):
        span = self.span("VectorStoreRetriever", "RETRIEVER", self.root, self.run.question)
        for index, (id, text) in enumerate(documents):
            span.set({f"retrieval.documents.{index}.document.content": text, f"retrieval.documents.{index}.document.metadata": dumps({"source": id})})
        self.put(span, {"documents": [{"pageContent": text, "metadata": {"source": id}} for id, text in documents]}).end()

    def before_turn(self, index, turn):
        self.step = self.span("model_request", "CHAIN", self.root, {"messages": []})

    def llm(self, turn, conversation):
        span = self.span("ChatOpenAI", "LLM", self.step, {"messages": [[self.message(entry) for entry in conversation]]})
        self.flatten(span, "input_messages", conversation, with_system=False)
        span.set({"llm.model_name": self.story.model, "llm.invocation_parameters": dumps({"model": self.story.model, "temperature": 0})})
        if self.run.documents is None:
            self.offer(span)
        if turn.error:
            return span.fail(turn.error[1]).event("exception", {"exception.message": f"{turn.error[0]}: {turn.error[1]}\n    at ChatOpenAI.invoke (/app/node_modules/x.js)"})
        self.flatten(span, "output_messages", [("assistant", turn)])
        self.put(span, {"generations": [[{"text": "" if self.drops(turn) else turn.text or "", "generationInfo": {"finish_reason": FINISH[turn.finish]}, "message": lc_ai(turn)}]], "llmOutput": {"tokenUsage": {"promptTokens": 120, "completionTokens": 24, "totalTokens": 144}}})
        return span.set({"llm.finish_reason": FINISH[turn.finish], "llm.token_count.prompt": 120, "llm.token_count.completion": 24, "llm.token_count.total": 144})

    def message(self, entry):
        if entry[0] == "assistant":
            return lc_ai(entry[1])
        return lc_tool(entry[1], entry[2]) if entry[0] == "tool" else lc({"system": "SystemMessage", "user": "HumanMessage"}[entry[0]], content=entry[1], additional_kwargs={}, response_metadata={})

    def told(self, call):
        return lc_told(self.story, call)

    def tool(self, call, llm):
        step = self.span("tools", "CHAIN", self.root, {"lg_tool_call": {"name": call.tool, "args": call.args, "id": call.id, "type": "tool_call"}})
        if call.outcome == "unknown" or call.raw is not None:
            self.put(step, {"messages": [lc_tool(call, self.told(call))]}).end()
            return None
        span = self.span(call.tool, "TOOL", step, dumps(call.args)).set({"tool.name": call.tool})
        if call.outcome == "ok":
            self.put(span, lc_tool(call, call.output)).end()
        else:
            message = call.error[1] if call.outcome == "throws" else "Received tool input did not match expected schema"
            span.fail(message).event("exception", {"exception.message": f"Error: {message}\n    at DynamicStructuredTool.call (/app/node_modules/y.js)"}).end()
        self.put(step, {"messages": [lc_tool(call, self.told(call))]}).end()
        return span

    def after_turn(self, index, turn):
        if turn.error:
            self.step.fail(turn.error[1]).event("exception", {"exception.message": turn.error[1]})
        else:
            self.put(self.step, {"messages": [lc_ai(turn)]})
        self.step.end()

    def finish(self):
        if self.failed:
            self.root.fail(self.failed[1]).event("exception", {"exception.message": f"{self.failed[0]}: {self.failed[1]}"})
        else:
            self.put(self.root, {"messages": [lc_ai(self.run.turns[-1])]})
        self.root.end()


class OpenAIAgents(OpenInference):
    scope = "@arizeai/openinference-instrumentation-openai-agents"
    places = {"bad-tool-args-json": "tool:status*", "bad-tool-args-schema": "tool:status*", "unknown-tool": "step:status*", "max-steps": "step:status"}
    limit_error = ("MaxTurnsExceededError", "Max turns (4) exceeded")

    def begin(self):
        self.root = self.trace.span("Agent workflow", self.scope).set({"openinference.span.kind": "AGENT", "session.id": "s-77"})
        self.step = None

    def before_turn(self, index, turn):
        if self.step is not None and self.step.name != self.agent:
            self.put(self.span(f"handoff to {self.agent}", "TOOL", self.step).set({"graph.node.id": self.agent, "graph.node.parent_id": self.step.name}), "").end()
            self.step.ok().end()
            self.step = None
        if self.step is None:
            self.step = self.span(self.agent, "AGENT", self.root).set({"graph.node.id": self.agent})

    def llm(self, turn, conversation):
        span = self.span("generation", "LLM", self.step, {"messages": chat_messages(conversation)}).set({"llm.system": "openai", "llm.model_name": self.story.model})
        self.flatten(span, "input_messages", conversation)
        self.offer(span)
        if turn.error:
            return span.fail(turn.error[1]).event("exception", {"exception.message": f"{turn.error[0]}: {turn.error[1]}\n    at OpenAI.request (/app/x.js)"})
        self.flatten(span, "output_messages", [("assistant", turn)])
        if turn.finish == "refusal":
            span.set({"llm.output_messages.0.message.content": turn.text})
        return self.put(span, chat_completion(turn, self.story.model)).set({"llm.finish_reason": FINISH[turn.finish], "llm.token_count.prompt": 120, "llm.token_count.completion": 24})

    def tool(self, call, llm):
        if call.outcome == "unknown":
            self.failed = ("ModelBehaviorError", f"Tool {call.tool} not found in agent {self.agent}.")
            self.step.fail(self.failed[1]).event("exception", {"exception.message": f"ModelBehaviorError: {self.failed[1]}"})
            return None
        span = self.span(call.tool, "TOOL", self.step, call.text).set({"tool.name": call.tool})
        if call.outcome == "ok":
            return self.put(span, call.output)
        message = call.error[1] if call.outcome == "throws" else "Invalid JSON input for tool" if call.raw is not None else f"InvalidToolInputError: Invalid input for tool {call.tool}"
        return span.fail(f"Error running tool (non-fatal): {message}").event("exception", {"exception.message": message})

    def told(self, call):
        if call.outcome in ("throws", "refused"):
            return "An error occurred while running the tool. Please try again. Error: " + (f"{call.error[0]}: {call.error[1]}" if call.error else "InvalidToolInputError: Invalid JSON input for tool")
        return super().told(call)

    def finish(self):
        if self.failed:
            if self.failed[0] != "ModelBehaviorError":
                self.step.fail(self.failed[1]).event("exception", {"exception.message": f"{self.failed[0]}: {self.failed[1]}"})
            self.root.is_lost = True
        else:
            self.step.ok()
            self.root.ok()
        self.step.end()
        self.root.end()


class OpenLit(Recorder):
    scope = "@openlit/openai"
    resource = {"telemetry.sdk.name": "openlit"}
    places = {"tool-throws": "next:text*", "tool-error-payload": "next:text*", "tool-retry-recovers": "next:text*", "refusal": "llm:none", "max-steps": "root:status"}
    limit_error = ("Error", "exceeded maximum tool call iterations (4)")

    def begin(self):
        self.root = self.trace.span("POST /chat", "app-http", kind=2).set({"http.request.method": "POST", "http.route": "/chat"})

    def llm(self, turn, conversation):
        span = self.trace.span(f"chat {self.story.model}", self.scope, self.root, CLIENT).set({
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai", "gen_ai.request.model": self.story.model, "server.address": "api.openai.com", "server.port": 443, "telemetry.sdk.name": "openlit",
            "gen_ai.input.messages": dumps(parts(conversation, "raw", with_system=True)),
            "gen_ai.tool.definitions": dumps([{"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.schema} for tool in self.story.tools])})
        if turn.error:
            return span.fail(turn.error[1]).set({"error.type": turn.error[0]}).exception(turn.error[0], turn.error[1])
        if turn.calls:
            span.set({"gen_ai.tool.name": ", ".join(call.tool for call in turn.calls), "gen_ai.tool.call.id": ", ".join(call.id for call in turn.calls), "gen_ai.tool.args": ", ".join(call.text for call in turn.calls)})
        shown = turn if turn.finish != "refusal" else type(turn)(text="")
        finish = {"tool": "tool_calls", "filter": "content_filter", "refusal": "stop"}.get(turn.finish, turn.finish)
        return span.ok().set({"gen_ai.output.messages": dumps([{"role": "assistant", "parts": said(shown, "raw"), "finish_reason": finish}]), "gen_ai.response.finish_reasons": [finish], "gen_ai.response.id": "chatcmpl-d1",
                              "gen_ai.response.model": self.story.model, "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 24, "gen_ai.usage.cost": 0.0003})

    def tool(self, call, llm):
        return None

    def place(self, scenario, where, index):
        for span, visible, carrier in super().place(scenario, where, index):
            yield (self.llms[1] if carrier and len(self.llms) > 1 else span), visible, carrier

    def finish(self):
        self.root.set({"http.response.status_code": 500 if self.failed else 200})
        if self.failed:
            self.root.fail(self.failed[1])
        self.root.end()


class Strands(Recorder):
    """The default conventions: span events."""
    places = {"tool-error-payload": "tool:span_event", "bad-tool-args-json": "llm:status", "bad-tool-args-schema": "llm:span_event tool:status*", "unknown-tool": "llm:span_event tool:attribute*", "finish-length": "llm:status",
              "content-filter": "llm:span_event", "refusal": "llm:none", "empty-output": "llm:span_event", "max-steps": "root:span_event", "hallucination": "llm:text"}

    @property
    def scope(self):
        return self.story.service

    def head(self, operation):
        return {"gen_ai.operation.name": operation, "gen_ai.system": self.story.service, "gen_ai.event.start_time": "2026-11-23T03:36:29.530Z"}

    def begin(self):
        self.root = self.trace.span(f"invoke_agent {self.agent}", self.scope).ok().set(self.head("invoke_agent") | {
            "gen_ai.agent.name": self.agent, "name": f"invoke_agent {self.agent}", "gen_ai.agent.id": "agent", "gen_ai.request.model": self.story.model, "gen_ai.agent.tools": dumps([tool.name for tool in self.story.tools]),
            "system_prompt": dumps(self.story.system), "session.id": "s-5"})
        self.root.event("gen_ai.user.message", {"content": dumps([{"text": self.run.question}])})

    def before_turn(self, index, turn):
        self.step = self.trace.span("execute_agent_loop_cycle", self.scope, self.root).ok().set({"agent_loop.cycle_id": f"cycle-{index + 1}", "gen_ai.event.start_time": "2026-11-23T03:36:29.529Z"})

    def content(self, turn):
        found = [{"text": turn.text}] if turn.text and turn.finish != "refusal" else []
        return found + [{"toolUse": {"name": call.tool, "toolUseId": call.id, "input": call.args}} for call in turn.calls]

    def llm(self, turn, conversation):
        span = self.trace.span("chat", self.scope, self.step).ok().set(self.head("chat") | {"gen_ai.request.model": self.story.model})
        for entry in conversation:
            if entry[0] == "user":
                span.event("gen_ai.user.message", {"content": dumps([{"text": entry[1]}])})
            elif entry[0] == "assistant":
                span.event("gen_ai.assistant.message", {"content": dumps(self.content(entry[1]))})
            elif entry[0] == "tool":
                span.event("gen_ai.tool.message", {"content": dumps([{"toolResult": {"toolUseId": entry[1].id, "status": "success" if entry[1].outcome == "ok" else "error", "content": [self.block(entry[1], entry[2])]}}])})
        broken = next((call for call in turn.calls if call.raw is not None), None)
        if turn.error or broken or turn.finish == "length":
            kind, message = (turn.error[0], turn.error[1]) if turn.error else ("ModelError", "Unable to parse tool input: Unexpected end of JSON input") if broken else ("MaxTokensError", "Model reached maximum token limit. This is an unrecoverable state that requires intervention.")
            self.failed = (kind, message)
            return span.fail(message).exception(kind, message)
        finish = {"stop": "endTurn", "tool": "toolUse", "filter": "contentFiltered", "refusal": "endTurn"}[turn.finish]
        return span.event("gen_ai.choice", {"finish_reason": finish, "message": dumps(self.content(turn))}).set({"gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 24, "gen_ai.usage.prompt_tokens": 120, "gen_ai.usage.completion_tokens": 24})

    @staticmethod
    def block(call, told):
        return {"json": call.result} if call.outcome == "ok" and not isinstance(call.result, str) else {"text": told}

    def told(self, call):
        return {"unknown": f"Tool '{call.tool}' not found in registry", "throws": f"Error: {call.error[1] if call.error else ''}", "refused": "Error: [\n  {\n    \"code\": \"invalid_type\",\n    \"path\": [\"input\"],\n    \"message\": \"Required\"\n  }\n]"}.get(call.outcome, call.output)

    def tool(self, call, llm):
        if self.failed:
            return None
        span = self.trace.span(f"execute_tool {call.tool}", self.scope, self.step).ok().set(self.head("execute_tool") | {"gen_ai.tool.name": call.tool, "gen_ai.tool.call.id": call.id, "gen_ai.tool.status": "success" if call.outcome == "ok" else "error"})
        span.event("gen_ai.tool.message", {"role": "tool", "content": dumps(call.args), "id": call.id})
        if call.outcome == "throws":
            return span.fail(call.error[1]).exception(call.error[0], call.error[1])
        if call.outcome == "refused":
            message = "[\n  {\n    \"code\": \"invalid_type\",\n    \"path\": [\"input\"],\n    \"message\": \"Required\"\n  }\n]"
            return span.fail(message).exception("ZodError", message)
        return span.event("gen_ai.choice", {"message": dumps([self.block(call, self.told(call))]), "id": call.id})

    def after_turn(self, index, turn):
        if self.failed:
            self.step.fail(self.failed[1]).exception(*self.failed)
        self.step.end()

    def finish(self):
        if self.failed:
            self.root.fail(self.failed[1]).exception(*self.failed)
        else:
            last = self.run.turns[-1]
            self.root.event("gen_ai.choice", {"finish_reason": "limitTurns" if self.run.limit else {"filter": "contentFiltered"}.get(last.finish, "endTurn"), "message": dumps(self.content(last) if not self.run.limit else "")})
        self.root.end()

    def record(self):
        super().record()

    def place(self, scenario, where, index):
        return super().place(scenario, where, index)


class TraceloopOpenAI(Recorder):
    scope, sdk = "@traceloop/instrumentation-openai", "@traceloop/node-server-sdk"
    places = {"tool-throws": "next:text*", "tool-retry-recovers": "next:text*", "max-steps": "llm:attribute*", "provider-error-429": "llm:none"}
    limit_error = ("Error", "gave up")

    def begin(self):
        self.root = self.trace.span(f"{self.agent}.agent", self.sdk).set({"traceloop.span.kind": "agent", "traceloop.entity.name": self.agent, "traceloop.workflow.name": self.agent, "traceloop.association.properties.session_id": "s-8",
                                                                         "traceloop.entity.input": dumps({"args": [self.run.question], "kwargs": {}})})

    def llm(self, turn, conversation):
        span = self.trace.span(f"chat {self.story.model}", self.scope, self.root, CLIENT).set({
            "gen_ai.provider.name": "openai", "gen_ai.operation.name": "chat", "gen_ai.request.model": self.story.model, "traceloop.workflow.name": self.agent, "gen_ai.input.messages": dumps(parts(conversation, with_system=True)),
            "gen_ai.tool.definitions": dumps(chat_tools(self.story))})
        if turn.error:
            span.is_lost = True
            return span
        finish = {"tool": "tool_call", "filter": "content_filter", "refusal": "stop"}.get(turn.finish, turn.finish)
        shown = said(turn, empty=[{"type": "text", "content": ""}]) if turn.finish != "refusal" else [{"type": "refusal", "content": turn.text}]
        return span.ok().set({"gen_ai.output.messages": dumps([{"role": "assistant", "parts": shown, "finish_reason": finish}]), "gen_ai.response.finish_reasons": [finish], "gen_ai.response.model": self.story.model, "gen_ai.response.id": "chatcmpl-d1",
                              "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 24})

    def tool(self, call, llm):
        if call.outcome in ("unknown", "refused"):
            return None
        span = self.trace.span(f"{call.tool}.tool", self.sdk, self.root).set({"traceloop.span.kind": "tool", "traceloop.entity.name": call.tool, "traceloop.workflow.name": self.agent, "traceloop.entity.input": dumps({"args": [call.args], "kwargs": {}})})
        if call.outcome == "throws":
            span.is_lost = True
            return span
        return span.set({"traceloop.entity.output": dumps(call.result)})

    def place(self, scenario, where, index):
        for span, visible, carrier in super().place(scenario, where, index):
            yield (self.llms[1] if carrier and scenario.startswith("tool") else self.llms[-1] if carrier else span), visible, carrier

    def finish(self):
        self.root.is_lost = bool(self.failed)
        self.root.set({"traceloop.entity.output": dumps(self.answer)})
        self.root.end()


class VercelLegacy(Recorder):
    scope = "ai"
    places = {"refusal": "llm:none"}
    result_key, keeps_refusal = "ai.toolCall.result", False

    def begin(self):
        base = {"operation.name": "ai.generateText " + self.agent, "ai.operationId": "ai.generateText", "ai.telemetry.functionId": self.agent, "ai.telemetry.metadata.sessionId": "s-6", "ai.model.provider": "openai.chat", "ai.model.id": self.story.model, "resource.name": self.agent,
                "ai.prompt": dumps({"system": self.story.system, "prompt": self.run.question} if not self.run.history else {"system": self.story.system, "messages": [{"role": "user", "content": self.run.question}]})}
        self.root = self.trace.span("ai.generateText", self.scope).set(base)

    def prompt(self, conversation):
        messages = []
        for entry in conversation:
            if entry[0] == "system":
                messages.append({"role": "system", "content": entry[1]})
            elif entry[0] == "user":
                messages.append({"role": "user", "content": [{"type": "text", "text": entry[1]}]})
            elif entry[0] == "assistant":
                messages.append({"role": "assistant", "content": ([{"type": "text", "text": entry[1].text}] if entry[1].text else []) + [{"type": "tool-call", "toolCallId": call.id, "toolName": call.tool, "input": call.raw if call.raw is not None else call.args} for call in entry[1].calls]})
            else:
                call, told = entry[1], entry[2]
                output = {"type": "error-text", "value": told} if call.outcome not in ("ok", "told") else {"type": "text", "value": told} if isinstance(call.result, str) else {"type": "json", "value": call.result}
                messages.append({"role": "tool", "content": [{"type": "tool-result", "toolCallId": call.id, "toolName": call.tool, "output": output}]})
        return messages

    def told(self, call):
        names = ", ".join(tool.name for tool in self.story.tools)
        return {"unknown": f"Model tried to call unavailable tool '{call.tool}'. Available tools: {names}.", "refused": f"Invalid input for tool {call.tool}: " + ("JSON parsing failed: Text: " + call.text + ".\nError message: Unexpected end of JSON input" if call.raw is not None else "Type validation failed: Value: " + call.text + "."),
                "throws": call.error[1] if call.error else ""}.get(call.outcome, call.output)

    def llm(self, turn, conversation):
        span = self.trace.span("ai.generateText.doGenerate", self.scope, self.root).set({
            "operation.name": "ai.generateText.doGenerate " + self.agent, "ai.operationId": "ai.generateText.doGenerate", "ai.telemetry.functionId": self.agent, "ai.model.provider": "openai.chat", "ai.model.id": self.story.model, "gen_ai.system": "openai.chat", "gen_ai.request.model": self.story.model,
            "ai.prompt.messages": dumps(self.prompt(conversation)), "ai.prompt.toolChoice": dumps({"type": "auto"}),
            "ai.prompt.tools": [dumps({"type": "function", "name": tool.name, "description": tool.description, "inputSchema": {"$schema": "http://json-schema.org/draft-07/schema#", **tool.schema}}) for tool in self.story.tools]})
        if turn.error:
            self.retried = f"Failed after 3 attempts. Last error: {turn.error[1]}"
            return span.fail(turn.error[1]).exception("AI_APICallError", turn.error[1])
        reason = {"tool": "tool-calls", "filter": "content-filter", "refusal": "content-filter" if self.keeps_refusal else "stop"}.get(turn.finish, turn.finish)
        text = "" if turn.finish == "refusal" and not self.keeps_refusal else turn.text
        return span.set({"ai.response.finishReason": reason, "ai.response.text": text, "ai.response.toolCalls": dumps([{"toolCallId": call.id, "toolName": call.tool, "input": call.text} for call in turn.calls]) if turn.calls else None, "ai.response.id": "chatcmpl-d1",
                         "ai.response.model": self.story.model, "ai.usage.inputTokens": 120, "ai.usage.outputTokens": 24, "gen_ai.response.finish_reasons": [reason], "gen_ai.response.id": "chatcmpl-d1", "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 24})

    def tool(self, call, llm):
        if call.outcome in ("unknown", "refused"):
            return None
        span = self.trace.span("ai.toolCall", self.scope, self.root).set({"operation.name": "ai.toolCall " + self.agent, "ai.operationId": "ai.toolCall", "ai.telemetry.functionId": self.agent, "ai.toolCall.name": call.tool, "ai.toolCall.id": call.id, "ai.toolCall.args": dumps(call.args)})
        if call.outcome == "throws":
            return span.fail(call.error[1]).exception(call.error[0], call.error[1])
        return span.set({self.result_key: dumps(call.result)})

    def finish(self):
        if self.failed:
            self.root.fail(self.retried).exception("AI_RetryError", self.retried)
        else:
            last = self.run.turns[-1]
            reason = {"tool": "tool-calls", "filter": "content-filter", "refusal": "content-filter" if self.keeps_refusal else "stop"}.get(last.finish, last.finish)
            self.root.set({"ai.response.finishReason": reason, "ai.response.text": "" if last.finish == "refusal" and not self.keeps_refusal else last.text, "ai.response.toolCalls": dumps([{"toolCallId": call.id, "toolName": call.tool, "input": call.text} for call in last.calls]) if last.calls else None})
        self.root.end()


class Vercel7Legacy(VercelLegacy):
    keeps_refusal = True
    places = {"refusal": "llm:attribute"}


class PydanticAi(Recorder):
    scope = "pydantic-ai"
    places = {"bad-tool-args-json": "tool:status", "bad-tool-args-schema": "tool:status llm:attribute", "max-steps": "root:status", "finish-length": "llm:attribute"}
    limit_error = ("pydantic_ai.exceptions.UsageLimitExceeded", "The next request would exceed the request_limit of 4")

    def begin(self):
        self.root = self.trace.span(f"invoke_agent {self.agent}", self.scope).set({
            "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": self.agent, "agent_name": self.agent, "model_name": self.story.model, "gen_ai.agent.call.id": "run-1", "gen_ai.conversation.id": "conv-3", "logfire.msg": f"{self.agent} run"})
        self.step = None

    def llm(self, turn, conversation):
        span = self.trace.span(f"chat {self.story.model}", self.scope, self.root, CLIENT).set({
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai", "gen_ai.request.model": self.story.model, "gen_ai.system_instructions": dumps([{"type": "text", "content": self.story.system}]),
            "gen_ai.input.messages": dumps(parts(conversation, response="result", tool_role="user")), "gen_ai.tool.definitions": dumps([{"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.schema} for tool in self.story.tools]), "logfire.span_type": "span"})
        if turn.error:
            message = f"status_code: 429, model_name: {self.story.model}, body: {{'message': '{turn.error[1]}'}}"
            self.failed = ("pydantic_ai.exceptions.ModelHTTPError", message)
            return span.fail(f"ModelHTTPError: {message}").event("exception", {"exception.type": "pydantic_ai.exceptions.ModelHTTPError", "exception.message": message, "exception.escaped": "False"})
        finish = {"tool": "tool_call", "filter": "content_filter", "refusal": "stop"}.get(turn.finish, turn.finish)
        shown = [{"type": "refusal", "content": turn.text}] if turn.finish == "refusal" else said(turn)
        return span.set({"gen_ai.output.messages": dumps([{"role": "assistant", "parts": shown, "finish_reason": finish}]), "gen_ai.response.finish_reasons": [finish], "gen_ai.response.model": self.story.model, "gen_ai.response.id": "chatcmpl-d1", "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 24, "operation.cost": 0.0004})

    def tool(self, call, llm):
        if call.outcome == "unknown":
            return None
        span = self.trace.span(f"execute_tool {call.tool}", self.scope, self.root).set({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call.tool, "gen_ai.tool.call.id": call.id, "gen_ai.tool.call.arguments": call.text, "logfire.msg": f"running tool: {call.tool}"})
        if call.outcome == "throws":
            return span.fail(f"{call.error[0]}: {call.error[1]}").event("exception", {"exception.type": call.error[0], "exception.message": call.error[1], "exception.escaped": "True"})
        if call.outcome == "refused":
            message = f"1 validation error for {call.tool}\n  Invalid JSON: EOF while parsing" if call.raw is not None else f"1 validation error for {call.tool}\n{(self.story.tool(call.tool).required or ['input'])[0]}\n  Input should be valid"
            return span.set({"pydantic_ai.tool.failure_stage": "validation"}).fail(f"ToolRetryError: {message}").event("exception", {"exception.type": "pydantic_ai.exceptions.ToolRetryError", "exception.message": message, "exception.escaped": "True"})
        return span.set({"gen_ai.tool.call.result": call.output})

    def told(self, call):
        return {"unknown": f"Unknown tool name: '{call.tool}'. Available tools: {', '.join(tool.name for tool in self.story.tools)}\n\nFix the errors and try again.", "refused": "1 validation error:\n```json\n[{\"type\":\"missing\",\"loc\":[\"x\"],\"msg\":\"Field required\"}]\n```\n\nFix the errors and try again.",
                "throws": f"{call.error[1]}\n\nFix the errors and try again." if call.error else ""}.get(call.outcome, call.output)

    def finish(self):
        messages = parts(self.conversation, response="result", tool_role="user", with_system=True)
        self.root.set({"pydantic_ai.all_messages": dumps(messages)})
        if self.failed:
            self.root.fail(f"{self.failed[0].split('.')[-1]}: {self.failed[1]}").event("exception", {"exception.type": self.failed[0], "exception.message": self.failed[1], "exception.escaped": "True"})
        else:
            self.root.set({"final_result": self.answer})
        self.root.end()


class GoogleAdk(Recorder):
    scope = "gcp.vertex.agent"
    places = {"bad-tool-args-json": "llm:attribute", "bad-tool-args-schema": "tool:attribute llm:attribute", "unknown-tool": "root:status*", "refusal": "llm:text", "max-steps": "root:status"}
    limit_error = ("LlmCallsLimitExceededError", "Max number of llm calls limit of `4` exceeded")

    def begin(self):
        self.root = self.trace.span("invocation", self.scope)
        self.step = self.trace.span(f"invoke_agent {self.agent}", self.scope, self.root).set({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": self.agent, "gen_ai.agent.description": "", "gen_ai.conversation.id": "adk-session"})

    def before_turn(self, index, turn):
        if not self.step.name.endswith(self.agent):
            self.step.end()
            self.step = self.trace.span(f"invoke_agent {self.agent}", self.scope, self.root).set({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": self.agent, "gen_ai.conversation.id": "adk-session"})

    def contents(self, conversation):
        found = []
        for entry in conversation:
            if entry[0] == "user":
                found.append({"parts": [{"text": entry[1]}], "role": "user"})
            elif entry[0] == "assistant":
                found.append({"parts": self.said(entry[1]), "role": "model"})
            elif entry[0] == "tool":
                found.append({"parts": [{"function_response": {"id": entry[1].id, "name": entry[1].tool, "response": self.response(entry[1], entry[2])}}], "role": "user"})
        return found

    @staticmethod
    def said(turn):
        return ([{"text": turn.text}] if turn.text else []) + [{"function_call": {"id": call.id, "args": call.args, "name": call.tool}} for call in turn.calls]

    def response(self, call, told):
        if call.outcome == "refused":
            missing = (self.story.tool(call.tool).required or ['input'])[0]
            return {"error": f"Invoking `{call.tool}()` failed as the following mandatory input parameters are not present:\n{missing}\nYou could retry calling this tool, but it is IMPORTANT for you to provide all the mandatory parameters."}
        return call.result if isinstance(call.result, dict) and call.outcome == "ok" else {"result": told}

    def llm(self, turn, conversation):
        span = self.trace.span("call_llm", self.scope, self.step).set({
            "gen_ai.system": "gcp.vertex.agent", "gen_ai.request.model": self.story.model, "gcp.vertex.agent.invocation_id": "e-1", "gcp.vertex.agent.session_id": "adk-session", "gcp.vertex.agent.event_id": f"ev{len(self.llms)}",
            "gcp.vertex.agent.llm_request": dumps({"model": self.story.model, "config": {"system_instruction": self.story.system, "tools": [{"function_declarations": [{"name": tool.name, "description": tool.description, "parameters": {"type": "OBJECT", "properties": {key: {"type": value["type"].upper()} for key, value in tool.properties.items()}, "required": tool.required}} for tool in self.story.tools]}]},
                                                    "contents": self.contents(conversation)})})
        if turn.error:
            self.failed = ("google.genai.errors.ClientError", "429 RESOURCE_EXHAUSTED. {'error': {'code': 429, 'message': 'Resource exhausted.'}}")
            return span.fail(f"ClientError: {self.failed[1]}").event("exception", {"exception.type": self.failed[0], "exception.message": self.failed[1], "exception.escaped": "False"})
        broken = any(call.raw is not None for call in turn.calls)
        if broken:
            response = {"error_code": "MALFORMED_FUNCTION_CALL", "error_message": f"Malformed function call: {turn.calls[0].tool}({turn.calls[0].raw})", "finish_reason": "MALFORMED_FUNCTION_CALL"}
            turn.calls = []
            turn.text = None
            return span.set({"gcp.vertex.agent.llm_response": dumps(response), "gen_ai.response.finish_reasons": ["malformed_function_call"]})
        finish = {"stop": "STOP", "tool": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY", "refusal": "STOP"}[turn.finish]
        content = {"parts": self.said(turn), "role": "model"}
        response = {"finish_reason": finish, "usage_metadata": {"prompt_token_count": 120, "candidates_token_count": 24}} | ({"content": content} if turn.finish != "filter" else {})
        return span.set({"gcp.vertex.agent.llm_response": dumps(response), "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 24, "gen_ai.response.finish_reasons": [finish.lower()]})

    def tool(self, call, llm):
        if call.outcome == "unknown":
            self.failed = ("ValueError", f"Function {call.tool} is not found in the tools_dict.")
            return None
        span = self.trace.span(f"execute_tool {call.tool}", self.scope, llm).set({
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call.tool, "gen_ai.tool.description": self.story.tool(call.tool).description, "gen_ai.tool.type": "FunctionTool", "gen_ai.tool.call.id": call.id, "gcp.vertex.agent.event_id": "ev-t",
            "gcp.vertex.agent.llm_request": "{}", "gcp.vertex.agent.llm_response": "{}", "gcp.vertex.agent.tool_call_args": dumps(call.args)})
        if call.outcome == "throws":
            return span.set({"gcp.vertex.agent.tool_response": "<not specified>", "error.type": call.error[0]}).fail(f"{call.error[0]}: {call.error[1]}").event("exception", {"exception.type": call.error[0], "exception.message": call.error[1], "exception.escaped": "False"})
        return span.set({"gcp.vertex.agent.tool_response": dumps(self.response(call, call.output))})

    def finish(self):
        if self.failed:
            for span in (self.step, self.root):
                span.fail(f"{self.failed[0].split('.')[-1]}: {self.failed[1]}").event("exception", {"exception.type": self.failed[0], "exception.message": self.failed[1], "exception.escaped": "False"})
        self.step.end()
        self.root.end()


class Mlflow(Recorder):
    scope = "mlflow"
    places = {"max-steps": "root:status", "hallucination": "llm:text"}
    limit_error = ("GraphRecursionError", "Recursion limit of 8 reached without hitting a stop condition.")

    def span(self, name, kind, parent, given):
        return self.trace.span(name, self.scope, parent).set({"mlflow.traceRequestId": dumps("tr-" + self.trace.id), "mlflow.spanType": dumps(kind), "mlflow.spanInputs": dumps(given)})

    def put(self, span, value):
        return span.ok().set({"mlflow.spanOutputs": dumps(value)})

    def begin(self):
        self.root = self.span(self.agent, "AGENT", None, {"question": self.run.question}).set({"user.id": "u-1", "session.id": "s-1"})

    def retrieve(self, documents):
        self.put(self.span("retrieve", "RETRIEVER", self.root, {"query": self.run.question}), [{"page_content": text, "metadata": {"doc_uri": id}, "id": id} for id, text in documents]).end()

    def llm(self, turn, conversation):
        request = {"model": self.story.model, "messages": chat_messages(conversation)} | ({"tools": chat_tools(self.story)} if self.run.documents is None else {})
        span = self.span("Completions", "CHAT_MODEL", self.root, request).set({"mlflow.message.format": dumps("openai"), "mlflow.chat.tools": dumps(chat_tools(self.story)) if self.run.documents is None else None})
        if turn.error:
            return span.fail(f"RateLimitError: {turn.error[1]}").event("exception", {"exception.type": "openai.RateLimitError", "exception.message": turn.error[1], "exception.stacktrace": "Traceback (most recent call last):"})
        return self.put(span, chat_completion(turn, self.story.model)).set({"mlflow.chat.tokenUsage": dumps({"input_tokens": 120, "output_tokens": 24, "total_tokens": 144})})

    def tool(self, call, llm):
        if call.outcome == "unknown" or call.raw is not None:
            return None
        span = self.span(call.tool, "TOOL", self.root, call.args)
        if call.outcome in ("throws", "refused"):
            kind, message = call.error if call.outcome == "throws" else ("TypeError", f"{call.tool}() missing 1 required positional argument: '{(self.story.tool(call.tool).required or ['input'])[0]}'")
            return span.fail(f"{kind}: {message}").event("exception", {"exception.type": kind, "exception.message": message, "exception.stacktrace": "Traceback (most recent call last):"})
        return self.put(span, call.result)

    def finish(self):
        if self.failed:
            self.root.fail(f"{self.failed[0]}: {self.failed[1]}").event("exception", {"exception.type": self.failed[0], "exception.message": self.failed[1], "exception.stacktrace": "Traceback (most recent call last):"})
        else:
            self.put(self.root, self.answer)
        self.root.end()


RECORDERS = {
    "dotnet-agent-framework": AgentFramework, "langfuse-langchain": LangfuseLangChain, "langsmith-otel": LangSmith, "mastra": Mastra, "openinference-langchain": OpenInferenceLangChain, "openinference-openai-agents": OpenAIAgents, "openlit": OpenLit,
    "strands-agents": Strands, "traceloop-openai": TraceloopOpenAI, "vercel-ai-sdk-5": VercelLegacy, "vercel-ai-sdk-7-legacy": Vercel7Legacy, "pydantic-ai": PydanticAi, "google-adk": GoogleAdk, "mlflow": Mlflow,
}
