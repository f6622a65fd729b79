using OtlpTap.Runs.Content;
using OtlpTap.Runs.Json;
using OtlpTap.Runs.Telemetry;

namespace OtlpTap.Runs.Dialects;

/// <summary>
/// Where a step's input and output may stand, the most telling place first. A place that says nothing (an empty message
/// where a refusal was dropped) leaves the question to the next one, so that what one convention loses another gives.
/// </summary>
internal sealed class StepSources
{
    private static readonly string[] InputKeys =
    [
        "ai.prompt.messages", "ai.prompt", "genkit:input", "langfuse.observation.input", "gen_ai.prompt", "mlflow.spanInputs", "gcp.vertex.agent.llm_request",
        "gen_ai.request.messages", "request_data", "input.value", "traceloop.entity.input", "mastra.agent_run.input", "mastra.model_generation.input", "mastra.model_step.input",
        "mastra.workflow_run.input", "mastra.workflow_step.input", "mastra.input", "llm.prompts", "lk.chat_ctx", "crew_inputs", "langfuse.trace.input", "gen_ai.workflow.input", "input",
    ];

    private static readonly string[] OutputKeys =
    [
        "genkit:output", "langfuse.observation.output", "gen_ai.completion", "mlflow.spanOutputs", "gcp.vertex.agent.llm_response", "gen_ai.response.messages", "response_data",
        "output.value", "traceloop.entity.output", "mastra.agent_run.output", "mastra.model_generation.output", "mastra.model_step.output", "mastra.workflow_run.output",
        "mastra.workflow_step.output", "mastra.output", "final_result", "lk.response.text", "langfuse.trace.output", "gen_ai.workflow.output", "output",
    ];

    /// <summary>Attributes that a record of the call's details gives in the span's place.</summary>
    private static readonly string[] DetailKeys =
    [
        "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions", "gen_ai.response.finish_reasons",
        "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.response.id", "gen_ai.conversation.id",
    ];

    private readonly AttributeSet _attributes;
    private readonly RunLimits _limits;
    private readonly EventMessages _events;
    private readonly FlattenedMessages _flattened;

    public StepSources(SpanRecord span, IReadOnlyList<EventRecord> logs, RunLimits limits)
    {
        _attributes = span.Attributes;
        _limits = limits;
        _events = new EventMessages(limits);
        _flattened = new FlattenedMessages(_attributes, limits);
        foreach (var record in span.Events)
        {
            Take(record);
        }

        foreach (var record in logs)
        {
            Take(record);
        }

        if (_attributes.Json("events") is { IsArray: true } events)
        {
            _events.AddList(events);
        }
    }

    public FlattenedMessages Flattened => _flattened;

    public StepContent? Input() => Best(Inputs());

    public StepContent? Output() => Best(Outputs());

    /// <summary>All that a Pydantic agent's run said, question and answer in one list.</summary>
    public StepContent? Conversation()
    {
        foreach (var key in (ReadOnlySpan<string>)["pydantic_ai.all_messages", "all_messages_events"])
        {
            var all = _attributes.Json(key);
            if (!all.IsArray)
            {
                continue;
            }

            if (key == "all_messages_events")
            {
                var events = new EventMessages(_limits);
                events.AddList(all);
                if (events.Input.Messages.Count + events.Output.Messages.Count > 0)
                {
                    events.Input.Messages.AddRange(events.Output.Messages);
                    return events.Input;
                }
            }

            if (ContentReader.Read(all, MessageRole.User, _limits) is { IsShaped: true } content)
            {
                return content;
            }
        }

        return null;
    }

    /// <summary>A system prompt that only one of several conventions kept.</summary>
    public string? SystemPromptElsewhere()
    {
        foreach (var content in Inputs())
        {
            if (content.SystemPrompt is { } prompt)
            {
                return prompt;
            }

            if (content.Messages.Find(message => message.Role == MessageRole.System && message.Text.Length > 0) is { } message)
            {
                return message.Text;
            }
        }

        return null;
    }

    private static StepContent? Best(IEnumerable<StepContent> contents)
    {
        StepContent? best = null;
        foreach (var content in contents)
        {
            if (content.SaysAnything)
            {
                content.FinishReason ??= best?.FinishReason;
                content.Tools ??= best?.Tools;
                content.SystemPrompt ??= best?.SystemPrompt;
                return content;
            }

            best = best is null || (best.Messages.Count == 0 && best.Structure is null) ? content : best;
        }

        return best;
    }

    private IEnumerable<StepContent> Inputs()
    {
        if (Read("gen_ai.input.messages", MessageRole.User) is { } current)
        {
            yield return current;
        }

        if (_flattened.OpenInference("llm.input_messages", MessageRole.User) is { } openInference)
        {
            yield return openInference;
        }

        if (_flattened.Traceloop("gen_ai.prompt", MessageRole.User) is { } traceloop)
        {
            yield return traceloop;
        }

        if (_events.Input.Messages.Count > 0)
        {
            yield return _events.Input;
        }

        foreach (var key in InputKeys)
        {
            if (Read(key, MessageRole.User) is { } content)
            {
                yield return content;
            }
        }
    }

    private IEnumerable<StepContent> Outputs()
    {
        if (Read("gen_ai.output.messages", MessageRole.Assistant) is { } current)
        {
            yield return current;
        }

        if (_flattened.OpenInference("llm.output_messages", MessageRole.Assistant) is { } openInference)
        {
            yield return openInference;
        }

        if (_flattened.Traceloop("gen_ai.completion", MessageRole.Assistant) is { } traceloop)
        {
            yield return traceloop;
        }

        if (_events.Output.Messages.Count > 0)
        {
            yield return _events.Output;
        }

        if (AiSdkResponse() is { } response)
        {
            yield return response;
        }

        foreach (var key in OutputKeys)
        {
            if (Read(key, MessageRole.Assistant) is { } content)
            {
                yield return content;
            }
        }
    }

    private StepContent? Read(string key, MessageRole role)
    {
        if (_attributes.Text(key) is not { } text)
        {
            return null;
        }

        var json = _attributes.Json(key);
        return json.IsGiven ? ContentReader.Read(json, role, _limits) : ContentReader.OfText(text, role);
    }

    // ai.response.text, .object, .reasoning and .toolCalls are one answer.
    private StepContent? AiSdkResponse()
    {
        var text = _attributes.FirstText("ai.response.text", "ai.response.object", "ai.result.text", "ai.result.object");
        var calls = _attributes.Json(_attributes.Has("ai.response.toolCalls") ? "ai.response.toolCalls" : "ai.result.toolCalls");
        var reasoning = _attributes.Text("ai.response.reasoning");
        if (text is null && !calls.IsGiven && reasoning is null && !_attributes.Has("ai.response.text"))
        {
            return null;
        }

        var parts = new List<MessagePart>();
        if (reasoning is not null)
        {
            parts.Add(new MessagePart(PartKind.Reasoning, reasoning));
        }

        if (text is not null)
        {
            parts.Add(new MessagePart(PartKind.Text, text));
        }

        foreach (var call in calls)
        {
            if (parts.Count < _limits.MessagesMax && call.IsObject)
            {
                parts.Add(PartShapes.ReadCall(call));
            }
        }

        var content = new StepContent { IsShaped = true };
        content.Messages.Add(new Message(MessageRole.Assistant, parts));
        return content;
    }

    private void Take(EventRecord record)
    {
        _events.Add(record);
        if (!record.Name.StartsWith("gen_ai.client.inference", StringComparison.Ordinal) && record.Name != "gen_ai.client.agent.invocation.details")
        {
            return;
        }

        var body = record.BodyJson(_limits);
        foreach (var key in DetailKeys)
        {
            if (record.Attributes.Has(key))
            {
                _attributes.Add(key, record.Attributes.Value(key));
            }
            else if (body[key] is { IsGiven: true } value)
            {
                _attributes.Add(key, new AttributeValue(AttributeKind.Structure, value.Raw, 0));
            }
        }
    }
}
