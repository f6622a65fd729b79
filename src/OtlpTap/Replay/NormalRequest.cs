using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using OtlpTap.Otlp;
using OtlpTap.Redact;
using OtlpTap.Runs;

namespace OtlpTap.Replay;

/// <summary>
/// A request to a model in one form, whether a trace recorded it or an agent sends it: a line for each thing said, called or
/// returned, and the tools on offer. Ids of calls, spaces, the order of members and what redaction takes out make no difference.
/// </summary>
/// <param name="Tools">Names in order; null: not recorded, any will do.</param>
internal sealed partial record NormalRequest(IReadOnlyList<string> Lines, IReadOnlyList<string>? Tools)
{
    private const string ResultPrefix = "tool result: ";

    // Of a line in a difference: enough to see what it is.
    private const int ShownMax = 300;

    public bool Matches(NormalRequest asked, bool withToolResults) =>
        (Tools is null || asked.Tools is null || Tools.SequenceEqual(asked.Tools))
        && Lines.Count == asked.Lines.Count
        && Lines.Zip(asked.Lines).All(pair => pair.First == pair.Second || (!withToolResults && IsResult(pair.First) && IsResult(pair.Second)));

    /// <summary>How many lines are alike from the beginning: the nearest request has the most.</summary>
    public int LikeLines(NormalRequest asked) => Lines.Zip(asked.Lines).TakeWhile(static pair => pair.First == pair.Second).Count();

    /// <summary>Where <paramref name="asked"/> first differs from this one, in words.</summary>
    public string Difference(NormalRequest asked)
    {
        var like = LikeLines(asked);
        if (like == Lines.Count && like == asked.Lines.Count)
        {
            return $"offered tools: recorded [{string.Join(", ", Tools ?? [])}], asked with [{string.Join(", ", asked.Tools ?? [])}]";
        }

        return $"message {like + 1}: recorded {Shown(Lines, like)}, asked with {Shown(asked.Lines, like)}";
    }

    public static string Said(MessageRole role, string text, Redactor? redactor) =>
        $"{(role switch { MessageRole.System => "system", MessageRole.Assistant => "assistant", MessageRole.Tool => "tool result", _ => "user" })}: {Text(text, redactor)}";

    public static string Call(string? name, string? arguments, Redactor? redactor) => $"call: {name}({Value(arguments, redactor)})";

    public static string Result(string? result, Redactor? redactor) => ResultPrefix + Value(result, redactor);

    /// <summary>Of a recorded call of a model.</summary>
    public static NormalRequest Of(RunStep step)
    {
        var lines = new List<string>();
        if (!string.IsNullOrWhiteSpace(step.SystemPrompt) && !step.Input.Any(static message => message.Role == MessageRole.System))
        {
            lines.Add(Said(MessageRole.System, step.SystemPrompt, null));
        }

        foreach (var message in step.Input)
        {
            var texts = message.Parts.Where(static part => part.Kind is PartKind.Text or PartKind.Refusal).Select(static part => part.Text).Where(static text => text.Length > 0).ToList();
            if (texts.Count > 0)
            {
                var text = string.Join('\n', texts);
                lines.Add(message.Role == MessageRole.Tool ? Result(text, null) : Said(message.Role, text, null));
            }

            foreach (var part in message.Parts)
            {
                if (part.Kind == PartKind.ToolCall)
                {
                    lines.Add(Call(part.ToolName, part.Arguments, null));
                }
                else if (part.Kind is PartKind.ToolResult or PartKind.Error)
                {
                    lines.Add(Result(part.Text, null));
                }
            }
        }

        return new NormalRequest(lines, Names(step.OfferedTools?.Select(static tool => tool.Name)));
    }

    public static IReadOnlyList<string>? Names(IEnumerable<string>? tools) =>
        tools is null ? null : [.. tools.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>JSON in one writing: members in order, no spaces. Anything else as a text.</summary>
    public static string Value(string? value, Redactor? redactor)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return "";
        }

        var text = redactor?.Redact(value) ?? value;
        try
        {
            using var json = JsonDocument.Parse(text);
            if (json.RootElement.ValueKind == JsonValueKind.String)
            {
                return Text(json.RootElement.GetString()!, null);
            }

            var canonical = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(canonical))
            {
                Write(json.RootElement, writer);
            }

            return WithoutHashes(Encoding.UTF8.GetString(canonical.WrittenSpan));
        }
        catch (JsonException)
        {
            return Text(text, null);
        }
    }

    private static string Text(string text, Redactor? redactor) => WithoutHashes(Spaces().Replace(redactor?.Redact(text) ?? text, " ").Trim());

    // A hash of redaction is made with a key that stays on the machine which wrote the case.
    private static string WithoutHashes(string text) => Hashed().Replace(text, "[$1]");

    private static bool IsResult(string line) => line.StartsWith(ResultPrefix, StringComparison.Ordinal);

    private static string Shown(IReadOnlyList<string> lines, int index) =>
        index >= lines.Count ? "nothing more" : $"\"{lines[index].Cut(ShownMax, "\u2026")}\"";

    private static void Write(JsonElement value, Utf8JsonWriter writer)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in value.EnumerateObject().OrderBy(static member => member.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(member.Name);
                    Write(member.Value, writer);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(item, writer);
                }

                writer.WriteEndArray();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"\[([a-z_]{2,40}):[0-9a-f]{12}\]")]
    private static partial Regex Hashed();
}
