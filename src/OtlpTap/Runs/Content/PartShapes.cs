using OtlpTap.Runs.Json;

namespace OtlpTap.Runs.Content;

/// <summary>
/// Pieces of messages in the shapes of OpenTelemetry (<c>{"type":"tool_call","id","name","arguments"}</c>), OpenAI
/// (<c>{"id","function":{"name","arguments"}}</c>), its Responses (<c>{"type":"function_call_output","call_id","output"}</c>),
/// Anthropic (<c>tool_use</c>, <c>tool_result</c>), Gemini (<c>{"functionCall":{"name","args"}}</c>), Bedrock
/// (<c>{"toolUse":{"toolUseId","name","input"}}</c>), Genkit (<c>{"toolRequest":{"ref","name","input"}}</c>), the AI SDK
/// (<c>{"type":"tool-call","toolCallId","toolName","input"}</c>) and Microsoft (<c>{"type":"….TextContent","content":{…}}</c>).
/// </summary>
internal static class PartShapes
{
    private static readonly FoldedWords<PartKind> Types = new(
        ("text inputtext outputtext textcontent", PartKind.Text),
        ("reasoning thinking redactedthinking reasoningcontent textreasoningcontent summarytext", PartKind.Reasoning),
        ("toolcall tooluse functioncall servertoolcall servertooluse clienttoolcall mcpcall function functioncallcontent invalidtoolcall customtoolcall mcptooluse", PartKind.ToolCall),
        ("toolcallresponse toolresult functioncalloutput functionresponse functionresult servertoolcallresponse functionresultcontent customtoolcalloutput toolresponse mcptoolresult toolreturn websearchtoolresult", PartKind.ToolResult),
        ("refusal", PartKind.Refusal),
        ("error errorcontent", PartKind.Error));

    /// <summary>Parts without a type, known by the member that holds them.</summary>
    private static readonly (string Member, PartKind Kind)[] Members =
    [
        ("functionCall", PartKind.ToolCall),
        ("function_call", PartKind.ToolCall),
        ("toolRequest", PartKind.ToolCall),
        ("toolUse", PartKind.ToolCall),
        ("functionResponse", PartKind.ToolResult),
        ("function_response", PartKind.ToolResult),
        ("toolResponse", PartKind.ToolResult),
        ("toolResult", PartKind.ToolResult),
        ("reasoningContent", PartKind.Reasoning),
        ("reasoning", PartKind.Reasoning),
    ];

    /// <summary>False when this is no piece of a message.</summary>
    public static bool TryRead(JsonValue value, RunLimits limits, out MessagePart part)
    {
        part = null!;
        if (value.IsText)
        {
            part = new MessagePart(PartKind.Text, value.Text);
            return true;
        }

        if (!value.IsObject)
        {
            return false;
        }

        if (value["type"] is { IsText: true } type && !value["role"].IsText)
        {
            var name = type.Text.AsSpan();
            part = Types.TryFind(name[(name.LastIndexOf('.') + 1)..], out var kind)
                ? Read(kind, value, limits)
                : new MessagePart(PartKind.Other, value.First("text").TextOrNull ?? "");
            return true;
        }

        foreach (var (member, kind) in Members)
        {
            if (value[member] is { IsGiven: true } inner)
            {
                part = Read(kind, inner, limits);
                return true;
            }
        }

        if (value["text"] is { IsText: true } text)
        {
            part = new MessagePart(value["thought"].IsTruthy ? PartKind.Reasoning : PartKind.Text, text.Text);
            return true;
        }

        return false;
    }

    /// <summary>An entry of <c>tool_calls</c>, in any of the shapes.</summary>
    public static MessagePart ReadCall(JsonValue call)
    {
        var function = call["function"];
        var arguments = function.First("arguments", "args", "input");
        if (!arguments.IsGiven)
        {
            arguments = call.First("arguments", "args", "input", "parameters", "server_tool_call");
        }

        if (call["content"] is { IsObject: true } content && !arguments.IsGiven)
        {
            return ReadCall(content);
        }

        return new MessagePart(PartKind.ToolCall, "")
        {
            CallId = CallId(call),
            ToolName = function["name"].TextOrNull ?? call.First("name", "toolName", "tool_name", "function_name").TextOrNull ?? (function.IsText ? function.TextOrNull : null),
            Arguments = arguments.IsGiven ? arguments.Text : null,
        };
    }

    public static MessagePart ReadResult(JsonValue result, RunLimits limits)
    {
        var given = result.First("response", "result", "output", "content", "server_tool_call_response", "tool_result");
        var error = result["error"];
        var isError = ToolFailures.Says(result);

        // The AI SDK: { "type": "error-text", "value": … }.
        if (given["value"] is { IsGiven: true } value && given["type"].IsText)
        {
            given = value;
        }

        var text = given.IsGiven ? ContentTexts.Flatten(given) : error.Text;
        return new MessagePart(PartKind.ToolResult, text)
        {
            CallId = CallId(result),
            ToolName = result.First("name", "toolName", "tool_name").TextOrNull,
            IsError = isError || ToolFailures.Says(given) || ToolFailures.Says(text, limits),
        };
    }

    /// <summary>The call's id. Where there is also an id of the item itself (Responses: <c>fc_…</c>), the call's.</summary>
    public static string? CallId(JsonValue value) =>
        value.First("call_id", "tool_call_id", "toolCallId", "tool_use_id", "toolUseId", "callId", "id", "ref").TextOrNull;

    private static MessagePart Read(PartKind kind, JsonValue value, RunLimits limits) => kind switch
    {
        PartKind.ToolCall => ReadCall(value),
        PartKind.ToolResult => ReadResult(value, limits),
        PartKind.Text => new MessagePart(kind, ContentTexts.Flatten(Said(value), limits)),
        _ => new MessagePart(kind, Said(value)),
    };

    private static string Said(JsonValue value)
    {
        var said = value.First("content", "text", "refusal", "thinking", "reasoning", "summary", "message", "error", "reasoningText", "data");
        if (said.IsObject && said.First("text", "content", "message") is { IsGiven: true } inner)
        {
            return inner.Text;
        }

        return said.IsGiven ? ContentTexts.Flatten(said) : value.IsText ? value.Text : "";
    }
}
