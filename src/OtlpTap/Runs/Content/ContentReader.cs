using OtlpTap.Runs.Json;

namespace OtlpTap.Runs.Content;

/// <summary>
/// Finds messages in whatever stands in an attribute: a list of them, a request or a response of a provider's API, the
/// state of a graph, the arguments of a function, or plain text. Unknown wrappers are opened by the names that wrappers have.
/// </summary>
internal sealed class ContentReader(RunLimits limits)
{
    private const int DepthMax = 8;

    /// <summary>Members that hold messages, the most telling first.</summary>
    private static readonly string[] Wrappers =
    [
        "messages", "contents", "input_messages", "output_messages", "choices", "candidates", "generations", "message", "update", "updates",
        "chat_history", "new_messages",
    ];

    /// <summary>Members that hold what was said or asked, where there are no messages.</summary>
    private static readonly string[] Sayings =
    [
        "input", "inputs", "prompt", "question", "query", "user_input", "userInput", "user_message", "text", "output", "outputs", "output_text",
        "content", "answer", "response", "result", "final_output", "return_value", "value", "args", "kwargs", "request", "body", "data",
    ];

    private readonly StepContent _content = new();

    public static StepContent Read(JsonValue value, MessageRole role, RunLimits limits)
    {
        var reader = new ContentReader(limits);
        if (!reader.Walk(value, role, DepthMax) && value.IsGiven)
        {
            reader._content.Structure = value.Text;
        }

        return reader._content;
    }

    public static StepContent OfText(string text, MessageRole role)
    {
        var content = new StepContent();
        content.Messages.Add(new Message(role, [new MessagePart(PartKind.Text, text)]));
        return content;
    }

    private bool Walk(JsonValue value, MessageRole role, int depthLeft)
    {
        if (depthLeft == 0 || _content.Messages.Count >= limits.MessagesMax)
        {
            return false;
        }

        return value.Kind switch
        {
            JsonKind.Text => WalkText(value.Text, role, depthLeft),
            JsonKind.Array => WalkList(value, role, depthLeft),
            JsonKind.Object => WalkObject(value, role, depthLeft),
            _ => false,
        };
    }

    private bool WalkText(string text, MessageRole role, int depthLeft)
    {
        // LangGraph's names of the nodes before the first and behind the last, where there is no message.
        if (text is "__end__" or "__start__")
        {
            return false;
        }

        if (text.Length > 0 && text[0] is '{' or '[' && JsonText.TryReadWhole(text, limits, out var json) && Walk(json.Root, role, depthLeft - 1))
        {
            return true;
        }

        _content.Messages.Add(new Message(role, text.Length > 0 ? [new MessagePart(PartKind.Text, text)] : []));
        return true;
    }

    private bool WalkList(JsonValue list, MessageRole role, int depthLeft)
    {
        var found = false;
        List<MessagePart>? parts = null;
        foreach (var item in list)
        {
            if (_content.Messages.Count >= limits.MessagesMax || parts?.Count >= limits.MessagesMax)
            {
                break;
            }

            if (IsOffer(item))
            {
                ToolShapes.Add(item["content"], _content.Tools ??= [], limits);
            }
            else if (MessageShapes.TryRead(item, MessageRole.Unknown, limits, out var message, _content.Messages))
            {
                Flush(ref parts, role);
                Add(message);
            }
            else if (IsItem(item) && PartShapes.TryRead(item, limits, out var part))
            {
                // Items of the Responses API stand beside messages; blocks without a message are one message's.
                (parts ??= []).Add(part);
            }
            else if (!item.IsText && !Walk(item, role, depthLeft - 1))
            {
                continue;
            }
            else if (item.IsText)
            {
                (parts ??= []).Add(new MessagePart(PartKind.Text, item.Text));
            }

            found = true;
        }

        Flush(ref parts, role);
        return found;
    }

    // Langfuse's handler for LangChain puts the offered tools behind the messages: { "role": "tool", "content": { "type": "function", "function": … } }.
    private static bool IsOffer(JsonValue item) =>
        item["role"].Text == "tool" && item["content"] is { IsObject: true } content && content["type"].Text == "function" && content["function"].IsObject;

    private static bool IsItem(JsonValue item) =>
        item.IsObject && (item["type"].IsText ? !item["message"].IsObject && !item["data"].IsObject : !item["message"].IsObject && !item["update"].IsGiven && !item["content"].IsGiven);

    private bool WalkObject(JsonValue value, MessageRole role, int depthLeft)
    {
        ReadAround(value);
        if (MessageShapes.TryRead(value, MessageRole.Unknown, limits, out var message))
        {
            Add(message);
            return true;
        }

        var finish = MessageShapes.Finish(value) ?? Incomplete(value);
        _content.FinishReason = finish ?? _content.FinishReason;
        if (value["content"] is { IsObject: true } gemini && gemini["parts"].IsArray && MessageShapes.TryRead(gemini, role, limits, out message))
        {
            Add(message with { FinishReason = finish });
            return true;
        }

        foreach (var wrapper in Wrappers)
        {
            if (value[wrapper] is { IsGiven: true } inner && WalkWrapped(inner, wrapper, role, depthLeft))
            {
                Finish(finish);
                return true;
            }
        }

        // The Responses API: { "object": "response", "output": [ items ] }, { "input": [ items ], "instructions": … }.
        if (MessageShapes.TryRead(value, role, limits, out message) && !IsDocument(value))
        {
            Add(message);
            return true;
        }

        if (PartShapes.TryRead(value, limits, out var part) && part.Kind != PartKind.Other)
        {
            _content.IsShaped |= part.Kind != PartKind.Text;
            _content.Messages.Add(MessageShapes.Of(role, [part]) with { FinishReason = finish });
            return true;
        }

        foreach (var saying in Sayings)
        {
            if (value[saying] is { IsGiven: true } inner && !(inner.IsArray && IsEmpty(inner)) && Walk(inner, role, depthLeft - 1))
            {
                Finish(finish);
                return true;
            }
        }

        return WalkOnlyMember(value, role, depthLeft);
    }

    private static bool IsEmpty(JsonValue list) => !list.IsTruthy;

    private static bool IsDocument(JsonValue value) => value.First("pageContent", "page_content", "metadata", "score").IsGiven;

    private bool WalkWrapped(JsonValue inner, string wrapper, MessageRole role, int depthLeft)
    {
        if (wrapper == "message" && inner.IsObject && MessageShapes.TryRead(inner, role == MessageRole.Unknown ? MessageRole.Assistant : role, limits, out var message))
        {
            Add(message);
            return true;
        }

        return Walk(inner, role, depthLeft - 1);
    }

    /// <summary>A graph's node or a workflow's step: { "agent": { "messages": … } }.</summary>
    private bool WalkOnlyMember(JsonValue value, MessageRole role, int depthLeft)
    {
        JsonValue only = default;
        foreach (var member in value)
        {
            if (only.IsGiven)
            {
                return false;
            }

            only = member;
        }

        return only.IsObject && only.First("messages", "message").IsGiven && Walk(only, role, depthLeft - 1);
    }

    /// <summary>What requests and responses say beside their messages.</summary>
    private void ReadAround(JsonValue value)
    {
        var configuration = value["config"];
        var system = value.First("system", "systemInstruction", "system_instruction", "system_instructions", "instructions", "system_prompt");
        system = system.IsGiven ? system : configuration.First("systemInstruction", "system_instruction");
        if (_content.SystemPrompt is null && system.IsGiven)
        {
            _content.SystemPrompt = SystemText(system);
        }

        var tools = value.First("tools", "functions");
        tools = tools.IsGiven ? tools : configuration["tools"];
        if (_content.Tools is null && tools.IsGiven && !value["role"].IsGiven)
        {
            _content.Tools = ToolShapes.Read(tools, limits);
        }
    }

    /// <summary>Instructions as text, as blocks, or as a message.</summary>
    public static string? SystemText(JsonValue system)
    {
        if (system["parts"] is { IsArray: true } parts)
        {
            system = parts;
        }

        var text = system.IsObject && system["content"] is { IsGiven: true } content ? ContentTexts.Flatten(content) : ContentTexts.Flatten(system);
        return text.Length > 0 ? text : null;
    }

    // The Responses API has no finish reason: { "status": "incomplete", "incomplete_details": { "reason": "max_output_tokens" } }.
    private static string? Incomplete(JsonValue value) =>
        value["status"] is { IsText: true } status && status.Text == "incomplete" ? FinishReasons.Read(value["incomplete_details"]["reason"]) ?? FinishReasons.Length : null;

    private void Finish(string? reason)
    {
        if (reason is not null && _content.Messages.Count > 0)
        {
            _content.Messages[^1] = _content.Messages[^1] with { FinishReason = reason };
        }
    }

    private void Add(Message message)
    {
        _content.IsShaped = true;
        _content.Messages.Add(message);
        _content.FinishReason = message.FinishReason ?? _content.FinishReason;
    }

    private void Flush(ref List<MessagePart>? parts, MessageRole role)
    {
        if (parts is { Count: > 0 })
        {
            _content.IsShaped |= parts.Exists(part => part.Kind != PartKind.Text);
            for (var (start, end) = (0, 1); end <= parts.Count; end++)
            {
                if (end == parts.Count || Speaker(parts[end], role) != Speaker(parts[start], role))
                {
                    _content.Messages.Add(MessageShapes.Of(Speaker(parts[start], role), parts[start..end]));
                    start = end;
                }
            }

            parts = null;
        }
    }

    private static MessageRole Speaker(MessagePart part, MessageRole role) => part.Kind switch
    {
        PartKind.ToolResult => MessageRole.Tool,
        PartKind.ToolCall or PartKind.Reasoning => MessageRole.Assistant,
        _ => role,
    };
}
