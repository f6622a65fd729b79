using System.Text.Json;
using OtlpTap.Redact;
using OtlpTap.Runs;

namespace OtlpTap.Replay;

/// <summary>
/// Requests of OpenAI's two interfaces in the normal form.
/// https://platform.openai.com/docs/api-reference/chat/create, https://platform.openai.com/docs/api-reference/responses/create
/// </summary>
internal static class OpenAiRequest
{
    public static NormalRequest Chat(JsonElement body, Redactor? redactor)
    {
        var lines = new List<string>();
        foreach (var message in Items(body, "messages"))
        {
            AddMessage(message, lines, redactor);
        }

        return new NormalRequest(lines, Tools(body));
    }

    public static NormalRequest Responses(JsonElement body, Redactor? redactor)
    {
        var lines = new List<string>();
        if (Text(body, "instructions") is { Length: > 0 } instructions)
        {
            lines.Add(NormalRequest.Said(MessageRole.System, instructions, redactor));
        }

        if (Text(body, "input") is { } input)
        {
            lines.Add(NormalRequest.Said(MessageRole.User, input, redactor));
        }

        foreach (var item in Items(body, "input"))
        {
            switch (Text(item, "type"))
            {
                case "function_call":
                    lines.Add(NormalRequest.Call(Text(item, "name"), Text(item, "arguments"), redactor));
                    break;
                case "function_call_output":
                    lines.Add(NormalRequest.Result(Content(item, "output"), redactor));
                    break;
                case null or "message":
                    AddMessage(item, lines, redactor);
                    break;
                default:
                    break; // reasoning and references to stored items: nothing that was said
            }
        }

        return new NormalRequest(lines, Tools(body));
    }

    private static void AddMessage(JsonElement message, List<string> lines, Redactor? redactor)
    {
        var role = Text(message, "role") switch
        {
            "system" or "developer" => MessageRole.System,
            "assistant" => MessageRole.Assistant,
            "tool" or "function" => MessageRole.Tool,
            _ => MessageRole.User,
        };
        var text = Content(message, "content");
        if (role == MessageRole.Tool)
        {
            lines.Add(NormalRequest.Result(text, redactor));
        }
        else if (text.Length > 0)
        {
            lines.Add(NormalRequest.Said(role, text, redactor));
        }

        foreach (var call in Items(message, "tool_calls"))
        {
            if (call.ValueKind == JsonValueKind.Object && call.TryGetProperty("function", out var function))
            {
                lines.Add(NormalRequest.Call(Text(function, "name"), Text(function, "arguments"), redactor));
            }
        }
    }

    // A text, or a list of parts of which those with texts count.
    private static string Content(JsonElement parent, string name) =>
        Text(parent, name) ?? string.Join('\n', Items(parent, name).Select(static part => Text(part, "text") ?? Text(part, "refusal") ?? "").Where(static text => text.Length > 0));

    private static IReadOnlyList<string> Tools(JsonElement body) =>
        NormalRequest.Names(Items(body, "tools").Select(static tool => Text(tool, "name") ?? (tool.ValueKind == JsonValueKind.Object && tool.TryGetProperty("function", out var function) ? Text(function, "name") : null)).OfType<string>())!;

    private static JsonElement.ArrayEnumerator Items(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : default;

    private static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
