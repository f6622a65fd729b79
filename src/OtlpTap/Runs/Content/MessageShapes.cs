using OtlpTap.Runs.Json;

namespace OtlpTap.Runs.Content;

/// <summary>
/// One message in the shapes of OpenTelemetry (<c>{"role","parts"}</c>), OpenAI and its kin (<c>{"role","content","tool_calls"}</c>),
/// and LangChain (<c>{"id":[…,"AIMessage"],"kwargs":{…}}</c>, <c>{"type":"human","content"}</c>, <c>{"type":"ai","data":{…}}</c>).
/// </summary>
internal static class MessageShapes
{
    /// <param name="before">The messages before it in a list, whose calls it may answer.</param>
    public static bool TryRead(JsonValue value, MessageRole defaultRole, RunLimits limits, out Message message, List<Message>? before = null)
    {
        message = null!;
        if (!value.IsObject)
        {
            return false;
        }

        if (Roles.TryRead(value["role"], out var role) && Speaks(value))
        {
            message = Read(value, role, limits);
            return true;
        }

        if (value["kwargs"] is { IsObject: true } kwargs && value["id"] is { IsArray: true } id && Roles.TryRead(Last(id), out role))
        {
            message = Read(kwargs, role, limits);
            return true;
        }

        if (Roles.TryRead(value["type"], out role))
        {
            var data = value["data"] is { IsObject: true } inner ? inner : value;
            if (data["content"].Kind != JsonKind.None)
            {
                message = Read(data, role, limits);
                return true;
            }
        }

        // Langfuse's handler for LangChain gives a tool's message the name of the tool as its role.
        if (value["role"] is { IsText: true } name && value["content"].IsText && (value["tool_call_id"].IsText || IsCalled(name.Text, before)))
        {
            message = Read(value, MessageRole.Tool, limits);
            return true;
        }

        // Some leave the role out of what can only be the assistant's, or the user's.
        if (defaultRole != MessageRole.Unknown && !value["type"].IsText && (value["parts"].IsArray || value["tool_calls"].IsArray || value["toolCalls"].IsArray || value["refusal"].IsText || (value["content"].IsGiven && !value["content"].IsObject && !value["id"].IsGiven && !value["metadata"].IsGiven)))
        {
            message = Read(value, defaultRole, limits);
            return true;
        }

        return false;
    }

    public static Message Read(JsonValue value, MessageRole role, RunLimits limits)
    {
        var parts = new List<MessagePart>();
        if (value["parts"] is { IsArray: true } given)
        {
            ReadParts(given, parts, limits);
        }
        else
        {
            ReadContent(value.First("content", "contents", "text"), value, role, parts, limits);
        }

        ReadCalls(value, parts, limits);
        if (value["refusal"] is { IsText: true } refusal && refusal.TextOrNull is { } refused)
        {
            parts.Add(new MessagePart(PartKind.Refusal, refused));
        }

        if (value.First("reasoning_content", "reasoning") is { IsText: true } reasoning && reasoning.TextOrNull is { } thought)
        {
            parts.Insert(0, new MessagePart(PartKind.Reasoning, thought));
        }

        return Of(role, parts) with { FinishReason = Finish(value) };
    }

    /// <summary>A message of these parts; what a tool says is its result, and who only brings results is the tool.</summary>
    public static Message Of(MessageRole role, List<MessagePart> parts)
    {
        if (role == MessageRole.Tool)
        {
            for (var i = 0; i < parts.Count; i++)
            {
                if (parts[i].Kind == PartKind.Text)
                {
                    parts[i] = parts[i] with { Kind = PartKind.ToolResult };
                }
            }
        }
        else if (parts.Count > 0 && parts.TrueForAll(part => part.Kind == PartKind.ToolResult))
        {
            role = MessageRole.Tool;
        }

        return new Message(role, parts);
    }

    public static string? Finish(JsonValue value)
    {
        var reason = value.First("finish_reason", "finishReason", "stop_reason", "stopReason");
        if (!reason.IsGiven)
        {
            reason = value["response_metadata"].First("finish_reason", "finishReason", "stop_reason", "stopReason");
        }

        return FinishReasons.Read(reason);
    }

    /// <summary>Whether the last message that is not a tool's asks for that tool.</summary>
    private static bool IsCalled(string tool, List<Message>? messages) =>
        messages?.FindLast(message => message.Role != MessageRole.Tool) is { } last && last.Parts.Any(part => part.Kind == PartKind.ToolCall && part.ToolName == tool);

    private static bool Speaks(JsonValue value) =>
        value["content"].Kind != JsonKind.None || value["parts"].IsArray || value["tool_calls"].IsArray || value["toolCalls"].IsArray
        || value["text"].IsText || value["refusal"].IsText || value["function_call"].IsObject || value["contents"].IsArray || value["reasoning_content"].IsText;

    private static JsonValue Last(JsonValue list)
    {
        JsonValue last = default;
        foreach (var item in list)
        {
            last = item;
        }

        return last;
    }

    private static void ReadContent(JsonValue content, JsonValue message, MessageRole role, List<MessagePart> parts, RunLimits limits)
    {
        if (role == MessageRole.Tool && !HoldsResults(content))
        {
            // An empty result counts: results without ids answer calls by their order.
            var said = content.IsGiven ? content : message["result"];
            var text = ContentTexts.Flatten(said);
            parts.Add(new MessagePart(PartKind.ToolResult, text)
            {
                CallId = message.First("tool_call_id", "toolCallId", "call_id", "id").TextOrNull,
                ToolName = message.First("name", "tool_name", "toolName").TextOrNull,
                IsError = ToolFailures.Says(message) || ToolFailures.Says(content) || ToolFailures.Says(text, limits),
            });
        }
        else if (content.IsText)
        {
            AddText(content.Text, parts, limits);
        }
        else if (content.IsArray)
        {
            ReadParts(content, parts, limits);
        }
        else if (content.IsObject)
        {
            if (content["parts"] is { IsArray: true } inner)
            {
                ReadParts(inner, parts, limits);
            }
            else
            {
                parts.Add(PartShapes.TryRead(content, limits, out var part) ? part : new MessagePart(PartKind.Text, content.Text));
            }
        }
        else if (content.IsGiven)
        {
            AddText(content.Text, parts, limits);
        }
        else if (role == MessageRole.Assistant && content.Kind == JsonKind.Null && message["tool_calls"].IsArray && !message["tool_calls"].IsTruthy && message["refusal"].Kind == JsonKind.None)
        {
            // No calls, and no empty text either: the model said something that is not recorded (Semantic Kernel, of a refusal).
            parts.Add(new MessagePart(PartKind.Other, ""));
        }
    }

    private static bool HoldsResults(JsonValue content)
    {
        if (!content.IsArray)
        {
            return false;
        }

        foreach (var item in content)
        {
            return item.IsObject && !item["text"].IsGiven;
        }

        return false;
    }

    private static void ReadParts(JsonValue list, List<MessagePart> parts, RunLimits limits)
    {
        foreach (var item in list)
        {
            if (parts.Count >= limits.MessagesMax)
            {
                return;
            }

            if (!PartShapes.TryRead(item, limits, out var part))
            {
                part = new MessagePart(PartKind.Other, item.Text);
            }

            if (part.Kind != PartKind.Text || part.Text.Length > 0)
            {
                parts.Add(part);
            }
        }
    }

    private static void AddText(string text, List<MessagePart> parts, RunLimits limits)
    {
        if (text.Length > 0)
        {
            parts.Add(new MessagePart(PartKind.Text, ContentTexts.Flatten(text, limits)));
        }
    }

    private static void ReadCalls(JsonValue message, List<MessagePart> parts, RunLimits limits)
    {
        AddCalls(message.First("tool_calls", "toolCalls"), parts, limits);
        AddCalls(message["invalid_tool_calls"], parts, limits);
        if (!parts.Exists(part => part.Kind == PartKind.ToolCall))
        {
            AddCalls(message["additional_kwargs"]["tool_calls"], parts, limits);
            if (message["function_call"] is { IsObject: true } call)
            {
                parts.Add(PartShapes.ReadCall(call));
            }
        }
    }

    private static void AddCalls(JsonValue calls, List<MessagePart> parts, RunLimits limits)
    {
        if (!calls.IsArray)
        {
            return;
        }

        // The same calls may stand among the parts (Anthropic's blocks beside LangChain's list).
        var known = parts.Count;
        foreach (var item in calls)
        {
            if (parts.Count >= limits.MessagesMax)
            {
                return;
            }

            if (item.IsObject)
            {
                var call = PartShapes.ReadCall(item);
                if (call.CallId is null || known == 0 || !parts[..known].Exists(part => part.Kind == PartKind.ToolCall && part.CallId == call.CallId))
                {
                    parts.Add(call);
                }
            }
        }
    }
}
