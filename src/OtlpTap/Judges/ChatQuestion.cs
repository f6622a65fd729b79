using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using OtlpTap.Runs;

namespace OtlpTap.Judges;

/// <summary>
/// OpenAI's chat completions, which most model servers have, in JSON mode (https://platform.openai.com/docs/api-reference/chat).
/// <code>
///   { "model", "messages": [ { "role", "content" } ], "response_format": { "type": "json_object" } }
///   { "choices": [ { "message": { "content": "{ \"label\", \"score\", \"explanation\", \"evidence\" }" } } ] }
/// </code>
/// The label decides where it is one of the known words, else the score.
/// </summary>
internal sealed class ChatQuestion(ChatOptions options, string failure) : IQuestionForm
{
    private static readonly FrozenSet<string> BadLabels = new[] { "hallucinated", "hallucination", "ungrounded", "not_grounded", "unsupported", "not_supported", "unfaithful", "contradicted", "incorrect", "wrong", "fail", "failed", "bad", "no", "false" }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    private static readonly FrozenSet<string> GoodLabels = new[] { "grounded", "supported", "faithful", "factual", "correct", "pass", "passed", "good", "ok", "yes", "true" }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public byte[]? Write(AgentRun run, int bytesMax)
    {
        foreach (var limit in RunJson.TextLimits)
        {
            // What is larger as text is larger still in a text of JSON.
            if (Messages(run, new RunJson(run, limit), bytesMax) is { } messages && RunJson.Write(bytesMax, json => Write(json, messages)) is { } question)
            {
                return question;
            }
        }

        return null;
    }

    public JudgeAnswer Read(ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            if (Content(document.RootElement) is not { } content)
            {
                return JudgeAnswer.None(JudgeProblem.Malformed);
            }

            using var inner = JsonDocument.Parse(WithoutFence(content));
            return inner.RootElement.ValueKind == JsonValueKind.Object ? Read(inner.RootElement) : JudgeAnswer.None(JudgeProblem.Malformed);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON; or a text that is none, with half a surrogate pair in it.
            return JudgeAnswer.None(JudgeProblem.Malformed);
        }
    }

    private JudgeAnswer Read(JsonElement item)
    {
        if (!AnswerText.TryScore(item, out var score))
        {
            return JudgeAnswer.None(JudgeProblem.AbsurdScore);
        }

        var label = AnswerText.Text(item, "label")?.Trim();
        bool? isBad = label is not null && BadLabels.Contains(label) ? true
            : label is not null && GoodLabels.Contains(label) ? false
            : score is { } number ? number >= options.Threshold
            : null;
        return isBad switch
        {
            null => JudgeAnswer.None(JudgeProblem.Undecided),
            false => new JudgeAnswer([], null) { Score = score },
            true => new JudgeAnswer([new Finding(failure, score, label, AnswerText.Text(item, "explanation"), AnswerText.Evidence(item))], null),
        };
    }

    private static string? Content(JsonElement root) =>
        root.ValueKind == JsonValueKind.Object
        && root.TryGetProperty("choices", out var choices) && choices.ValueKind == JsonValueKind.Array && choices.GetArrayLength() > 0
        && choices[0] is { ValueKind: JsonValueKind.Object } choice
        && choice.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.Object
        && message.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String
            ? content.GetString()
            : null;

    // Models without a JSON mode put it into a fence.
    private static string WithoutFence(string text)
    {
        var (start, end) = (text.IndexOf('{', StringComparison.Ordinal), text.LastIndexOf('}'));
        return start >= 0 && end > start && text.AsSpan().TrimStart().StartsWith("```") ? text[start..(end + 1)] : text;
    }

    private IReadOnlyList<(string Role, string Content)>? Messages(AgentRun run, RunJson parts, int bytesMax)
    {
        var isOver = false;
        var messages = options.Prompt.Fill(name => name switch
        {
            "user_input" => parts.Cut(run.UserInput),
            "system_prompt" => parts.Cut(run.SystemPrompt),
            "messages" => Json(parts.WriteMessages),
            "tool_calls" => Json(parts.WriteToolCalls),
            "documents" => Json(parts.WriteDocuments),
            "answer" => parts.Cut(run.FinalAnswer),
            _ => throw new InvalidOperationException($"A checked template has a place that nobody fills: {name}."),
        });
        return isOver ? null : messages;

        string Json(Action<Utf8JsonWriter> write)
        {
            var bytes = RunJson.Write(bytesMax, write);
            isOver |= bytes is null;
            return bytes is null ? "" : Encoding.UTF8.GetString(bytes);
        }
    }

    private void Write(Utf8JsonWriter json, IReadOnlyList<(string Role, string Content)> messages)
    {
        json.WriteStartObject();
        json.WriteString("model", options.Model);
        json.WriteStartArray("messages");
        foreach (var (role, content) in messages)
        {
            json.WriteStartObject();
            json.WriteString("role", role);
            json.WriteString("content", content);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("response_format");
        json.WriteString("type", "json_object");
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
