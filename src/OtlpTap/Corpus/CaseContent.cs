using System.Buffers;
using System.Text.Json;
using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Corpus;

/// <summary>
/// What a case tells of the run, made of the redacted trace: what was asked, with what at hand, what the model and the tools
/// said, and the answer. The trace beside it has everything; here texts are cut where one would bury the rest.
/// </summary>
internal static class CaseContent
{
    // Long enough for the context of a model; beyond it the trace has it.
    private const int TextMax = 512 << 10;
    private const int TextsMax = 4 << 20;
    private const int StepsMax = 500;
    private const int ToolsMax = 256;

    /// <summary>Why the case cannot be run again from what it holds. Empty: it can.</summary>
    public static IReadOnlyList<string> NotReplayable(AgentRun? run)
    {
        if (run is null || run.Steps.Count == 0)
        {
            return ["no_spans"];
        }

        var why = new List<string>();
        if (string.IsNullOrEmpty(run.UserInput))
        {
            why.Add("user_input_not_recorded");
        }
        else if (run.UserInput.Length > TextMax)
        {
            why.Add("user_input_too_long");
        }

        return why;
    }

    /// <summary>The values of the keys <c>run</c> and <c>ids</c>.</summary>
    public static (JsonElement Run, JsonElement Ids) Of(AgentRun run)
    {
        return (Json(json => WriteRun(json, run)), Json(json => WriteIds(json, run)));
    }

    

    private static JsonElement Json(Action<Utf8JsonWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            write(json);
        }

        using var document = JsonDocument.Parse(bytes.WrittenMemory);
        return document.RootElement.Clone();
    }

    private static void WriteRun(Utf8JsonWriter json, AgentRun run)
    {
        var budget = TextsMax;
        json.WriteStartObject();
        JsonText.WriteStringOrNull(json, "user_input", Cut(run.UserInput, ref budget));
        JsonText.WriteStringOrNull(json, "system_prompt", Cut(run.SystemPrompt, ref budget));
        JsonText.WriteStringOrNull(json, "answer", Cut(run.FinalAnswer, ref budget));

        // The last offer counts: tools come and go while an agent works, and the failing call had the last ones.
        var offered = run.Steps.LastOrDefault(step => step.OfferedTools is not null)?.OfferedTools;
        if (offered is null)
        {
            json.WriteNull("tools");
        }
        else
        {
            json.WriteStartArray("tools");
            foreach (var tool in offered.Take(ToolsMax))
            {
                json.WriteStartObject();
                json.WriteString("name", tool.Name);
                JsonText.WriteIfAny(json, "description", Cut(tool.Description, ref budget));
                WriteJsonOrText(json, "parameters", Cut(tool.ParametersSchema, ref budget));
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteStartArray("steps");
        var left = StepsMax;
        foreach (var step in run.Steps.Where(IsTold))
        {
            if (left-- == 0)
            {
                break;
            }

            WriteStep(json, step, ref budget);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    // HTTP, databases and the rest of the application are in the trace; here they would hide what the agent did.
    private static bool IsTold(RunStep step) => step.Kind != StepKind.Other || step.Status == StepStatus.Error;

    private static void WriteStep(Utf8JsonWriter json, RunStep step, ref int budget)
    {
        json.WriteStartObject();
        json.WriteString("span_id", step.SpanId.ToString());
        json.WriteString("kind", step.Kind.ToString().ToLowerInvariant());
        json.WriteString("name", Name(step.Name));
        JsonText.WriteIfAny(json, "agent", Name(step.Agent));
        JsonText.WriteIfAny(json, "tool", Name(step.Tool));
        JsonText.WriteIfAny(json, "model", Name(step.Model));
        JsonText.WriteIfAny(json, "provider", Name(step.Provider));
        WriteJsonOrText(json, "arguments", Cut(step.Arguments, ref budget));
        WriteJsonOrText(json, "result", Cut(step.Result, ref budget));
        WriteCalls(json, step, ref budget);
        if (step.Documents.Count > 0)
        {
            json.WriteStartArray("documents");
            foreach (var document in step.Documents.Take(ToolsMax))
            {
                json.WriteStartObject();
                JsonText.WriteIfAny(json, "id", document.Id);
                json.WriteString("text", Cut(document.Text, ref budget));
                if (document.Score is { } score && double.IsFinite(score))
                {
                    json.WriteNumber("score", score);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        JsonText.WriteIfAny(json, "finish_reason", step.FinishReason);
        JsonText.WriteIfAny(json, "error_type", step.ErrorType);
        JsonText.WriteIfAny(json, "error", step.Status == StepStatus.Error ? Cut(ErrorOf(step), ref budget) : null);
        json.WriteEndObject();
    }

    private static string? ErrorOf(RunStep step) => step.StatusMessage.Length > 0 ? step.StatusMessage : step.Exceptions is [.., var last] ? last.Message : null;

    private static void WriteCalls(Utf8JsonWriter json, RunStep step, ref int budget)
    {
        if (step.Kind != StepKind.Llm || step.Output.Count == 0)
        {
            return;
        }

        json.WriteStartArray("output");
        foreach (var part in step.Output.SelectMany(message => message.Parts).Take(ToolsMax))
        {
            json.WriteStartObject();
            json.WriteString("kind", NameOf(part.Kind));
            if (part.Kind == PartKind.ToolCall)
            {
                JsonText.WriteIfAny(json, "tool", part.ToolName);
                JsonText.WriteIfAny(json, "call_id", part.CallId);
                WriteJsonOrText(json, "arguments", Cut(part.Arguments, ref budget));
            }
            else
            {
                json.WriteString("text", Cut(part.Text, ref budget));
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string NameOf(PartKind kind) => kind switch
    {
        PartKind.ToolCall => "tool_call",
        PartKind.ToolResult => "tool_result",
        _ => kind.ToString().ToLowerInvariant(),
    };

    private static void WriteIds(Utf8JsonWriter json, AgentRun run)
    {
        const int Max = 64;
        json.WriteStartObject();
        JsonText.WriteStringOrNull(json, "session", run.Steps.FirstOrDefault(step => step.Session is { Length: > 0 })?.Session);
        JsonText.WriteStringOrNull(json, "user", run.Steps.FirstOrDefault(step => step.User is { Length: > 0 })?.User);
        JsonText.WriteStrings(json, "responses", run.Steps.Select(step => step.ResponseId).OfType<string>().Where(id => id.Length > 0).Distinct().Take(Max));
        JsonText.WriteStrings(json, "links", run.Steps.SelectMany(step => step.Links).Where(link => link.TraceId != run.TraceId && !link.TraceId.IsZero).Select(link => $"{link.TraceId}/{link.SpanId}").Distinct().Take(Max));
        json.WriteEndObject();
    }

    /// <summary>JSON as JSON, which a diff shows line by line; anything else as it came.</summary>
    private static void WriteJsonOrText(Utf8JsonWriter json, string name, string? value)
    {
        const int DepthMax = 32;
        if (value is null)
        {
            return;
        }

        if (value.AsSpan().TrimStart() is ['{' or '[', ..])
        {
            try
            {
                using var document = JsonDocument.Parse(value, new JsonDocumentOptions { MaxDepth = DepthMax });
                json.WritePropertyName(name);
                document.RootElement.WriteTo(json);
                return;
            }
            catch (Exception exception) when (exception is JsonException or ArgumentException)
            {
                // As text, for arguments that are no JSON are often what failed; or with half a surrogate pair, which is no UTF-8.
            }
        }

        json.WriteString(name, value);
    }

    private static string? Name(string? name)
    {
        const int NameMax = 256;
        return name?.Cut(NameMax, "\u2026");
    }

    private static string? Cut(string? text, ref int budget)
    {
        if (text is null)
        {
            return null;
        }

        var length = Math.Min(text.Length, Math.Min(TextMax, Math.Max(0, budget)));
        budget -= length;
        return text.Cut(length, "\u2026");
    }
}
