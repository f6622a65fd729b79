using System.Text.Json;
using OtlpTap.Runs;

namespace OtlpTap.Judges;

/// <summary>
/// The tap's own form, documented in docs/judge.md.
/// <code>
///   { "trace_id", "span_id", "user_input", "system_prompt", "messages", "tools", "tool_calls", "documents", "answer", "truncated" }
///   { "verdicts": [ { "failure", "score", "label", "explanation", "evidence": [] } ] }
///   { "verdicts": [], "score" }                                                             nothing was found
/// </code>
/// </summary>
/// <param name="failure">The kind of a verdict that names none.</param>
internal sealed class RunQuestion(string failure) : IQuestionForm
{
    private const int VerdictsMax = 32;

    public byte[]? Write(AgentRun run, int bytesMax) =>
        RunJson.TextLimits.Select(limit => RunJson.Write(bytesMax, json => Write(json, run, new RunJson(run, limit)))).FirstOrDefault(question => question is not null);

    public JudgeAnswer Read(ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("verdicts", out var verdicts)
                && verdicts.ValueKind == JsonValueKind.Array
                ? Read(document.RootElement, verdicts)
                : JudgeAnswer.None(JudgeProblem.Malformed);
        }
        catch (JsonException)
        {
            return JudgeAnswer.None(JudgeProblem.Malformed);
        }
    }

    private JudgeAnswer Read(JsonElement answer, JsonElement verdicts)
    {
        var found = new List<Finding>();
        JudgeProblem? problem = AnswerText.TryScore(answer, out var passed) ? null : JudgeProblem.AbsurdScore;
        foreach (var item in verdicts.EnumerateArray().Take(VerdictsMax))
        {
            if (item.ValueKind != JsonValueKind.Object || (AnswerText.Text(item, "failure") ?? failure) is not { } kind || !AnswerText.IsKind(kind))
            {
                problem = JudgeProblem.Malformed;
            }
            else if (!AnswerText.TryScore(item, out var score))
            {
                problem = JudgeProblem.AbsurdScore;
            }
            else
            {
                found.Add(new Finding(kind, score, AnswerText.Text(item, "label"), AnswerText.Text(item, "explanation"), AnswerText.Evidence(item)));
            }
        }

        return new JudgeAnswer(found, problem) { Score = passed };
    }

    private static void Write(Utf8JsonWriter json, AgentRun run, RunJson parts)
    {
        json.WriteStartObject();
        json.WriteString("trace_id", run.TraceId.ToString());
        json.WriteString("span_id", (run.AnsweringStep?.SpanId ?? default).ToString());
        json.WriteString("user_input", parts.Cut(run.UserInput));
        json.WriteString("system_prompt", parts.Cut(run.SystemPrompt));
        json.WriteString("answer", parts.Cut(run.FinalAnswer));
        json.WritePropertyName("messages");
        parts.WriteMessages(json);
        json.WritePropertyName("tools");
        parts.WriteTools(json);
        json.WritePropertyName("tool_calls");
        parts.WriteToolCalls(json);
        json.WritePropertyName("documents");
        parts.WriteDocuments(json);
        json.WriteBoolean("truncated", parts.IsCut);
        json.WriteEndObject();
    }
}
