using System.Text.Encodings.Web;
using System.Text.Json;
using OtlpTap.Runs;

namespace OtlpTap.Judges;

/// <summary>
/// A run as JSON for who judges it, within a bound: each text is cut to so many characters, and who asks tries with fewer
/// until all of it fits. Messages have the form of <c>gen_ai.input.messages</c> (OpenTelemetry semantic conventions).
/// </summary>
/// <param name="textCharactersMax">Of each single text.</param>
internal sealed class RunJson(AgentRun run, int textCharactersMax)
{
    /// <summary>From nearly whole to what still says something.</summary>
    public static readonly int[] TextLimits = [64 << 10, 16 << 10, 4 << 10, 1 << 10, 256];

    // The first ones of each list would be the oldest; the answer rests on the last.
    private const int MessagesMax = 256;
    private const int ToolCallsMax = 256;
    private const int DocumentsMax = 128;
    private const int ToolsMax = 256;

    // Model answers and tool results are full of quotes and letters beyond ASCII, and nobody puts this into a page.
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Something was left out.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Null where it is larger than <paramref name="bytesMax"/>.</summary>
    public static byte[]? Write(int bytesMax, Action<Utf8JsonWriter> write)
    {
        var output = new BoundedBytes(bytesMax);
        using (var json = new Utf8JsonWriter(output, Compact))
        {
            write(json);
        }

        return output.IsOver ? null : output.ToArray();
    }

    public string Cut(string? text)
    {
        if (text is null || text.Length <= textCharactersMax)
        {
            return text ?? "";
        }

        // Of long texts both ends: results say at their end that they failed, answers conclude there.
        IsCut = true;
        var half = textCharactersMax / 2;
        return string.Concat(text.AsSpan(0, half), " … ", text.AsSpan(text.Length - half));
    }

    public void WriteMessages(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var message in Last(run.AnsweringStep?.Input ?? [], MessagesMax))
        {
            json.WriteStartObject();
            json.WriteString("role", Role(message.Role));
            json.WriteStartArray("parts");
            foreach (var part in message.Parts)
            {
                WritePart(json, part);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public void WriteTools(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var tool in Last(run.AnsweringStep?.OfferedTools ?? [], ToolsMax))
        {
            json.WriteStartObject();
            json.WriteString("name", Cut(tool.Name));
            WriteText(json, "description", tool.Description);
            WriteText(json, "parameters", tool.ParametersSchema);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public void WriteToolCalls(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var step in Last([.. run.Steps.Where(step => step.Kind == StepKind.Tool)], ToolCallsMax))
        {
            json.WriteStartObject();
            json.WriteString("name", Cut(step.Tool ?? step.Name));
            WriteText(json, "id", step.CallId);
            WriteText(json, "arguments", step.Arguments);
            WriteText(json, "result", step.Result);
            if (step.Status == StepStatus.Error)
            {
                json.WriteBoolean("is_error", true);
                WriteText(json, "error", step.StatusMessage);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public void WriteDocuments(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var document in Last([.. run.Steps.SelectMany(step => step.Documents)], DocumentsMax))
        {
            json.WriteStartObject();
            WriteText(json, "id", document.Id);
            json.WriteString("text", Cut(document.Text));
            if (document.Score is { } score && double.IsFinite(score))
            {
                json.WriteNumber("score", score);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WritePart(Utf8JsonWriter json, MessagePart part)
    {
        json.WriteStartObject();
        switch (part.Kind)
        {
            case PartKind.ToolCall:
                json.WriteString("type", "tool_call");
                WriteText(json, "id", part.CallId);
                WriteText(json, "name", part.ToolName);
                WriteText(json, "arguments", part.Arguments);
                break;

            case PartKind.ToolResult:
                json.WriteString("type", "tool_call_response");
                WriteText(json, "id", part.CallId);
                WriteText(json, "name", part.ToolName);
                json.WriteString("result", Cut(part.Text));
                if (part.IsError)
                {
                    json.WriteBoolean("is_error", true);
                }

                break;

            default:
                json.WriteString("type", part.Kind == PartKind.Reasoning ? "reasoning" : "text");
                json.WriteString("content", Cut(part.Text));
                break;
        }

        json.WriteEndObject();
    }

    private void WriteText(Utf8JsonWriter json, string name, string? text)
    {
        if (text is { Length: > 0 })
        {
            json.WriteString(name, Cut(text));
        }
    }

    private IEnumerable<T> Last<T>(IReadOnlyList<T> items, int countMax)
    {
        IsCut |= items.Count > countMax;
        return items.Skip(items.Count - countMax);
    }

    private static string Role(MessageRole role) => role switch
    {
        MessageRole.System => "system",
        MessageRole.User => "user",
        MessageRole.Assistant => "assistant",
        MessageRole.Tool => "tool",
        _ => "unknown",
    };
}
