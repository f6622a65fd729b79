using System.Text.Json;
using OtlpTap.Corpus;
using OtlpTap.Verdicts;

namespace OtlpTap.Exports;

/// <summary>A tool that the run called.</summary>
/// <param name="Arguments">JSON as JSON, anything else as text; null where it was not recorded.</param>
internal readonly record struct CalledTool(string Name, JsonElement? Arguments, JsonElement? Result);

/// <summary>A case as formats see it.</summary>
/// <param name="Folder">Below the corpus directory: <c>failure/fingerprint</c>.</param>
/// <param name="Count">Occurrences.</param>
internal sealed record ExportedCase(CaseDocument Document, string Folder, long Count, DateTimeOffset LastSeen)
{
    /// <summary>The key in a case file under which people say what the answer should have been.</summary>
    public const string ExpectedKey = "expected_output";

    public string Id => Document.Fingerprint;

    public string Failure => Document.Failure;

    public CaseStatus Status => Document.Life.Status;

    public string Input => Text("user_input") ?? "";

    public string? SystemPrompt => Text("system_prompt");

    /// <summary>What the agent said when it failed; null where it said nothing, or that was not recorded.</summary>
    public string? Answer => Text("answer") is { Length: > 0 } answer ? answer : null;

    /// <summary>What people wrote that it should say; null: nobody did.</summary>
    public string? Expected => Document.Other(ExpectedKey) is { ValueKind: JsonValueKind.String } expected ? expected.GetString() : null;

    public string Name => $"{Failure}: {Document.Title} [{Id}]";

    /// <summary>The verdict that the case is about: the first of its kind that does not repeat another's failure.</summary>
    public CaseVerdict? Verdict =>
        Document.Verdicts.Find(verdict => verdict.Failure == Failure && verdict.Origin.IsZero) ?? Document.Verdicts.Find(verdict => verdict.Failure == Failure);

    /// <summary>Why it failed, in the words of what decided.</summary>
    public string Why => Verdict is { Explanation: { Length: > 0 } why } ? why : Document.Group.Message;

    /// <summary>Whether something in it ended in an error, rather than being said to be wrong.</summary>
    public bool IsError => Failure is FailureKind.ToolError or FailureKind.LlmError;

    public IEnumerable<CalledTool> CalledTools =>
        from step in Steps
        where JsonText.Text(step, "kind") == "tool"
        let name = JsonText.Text(step, "tool") ?? JsonText.Text(step, "name")
        where !string.IsNullOrEmpty(name)
        select new CalledTool(name, Value(step, "arguments"), Value(step, "result") ?? Value(step, "error"));

    /// <summary>What was retrieved for the answer.</summary>
    public IEnumerable<string> Documents =>
        from step in Steps
        let documents = Value(step, "documents")
        where documents is { ValueKind: JsonValueKind.Array }
        from document in documents.Value.EnumerateArray()
        let text = JsonText.Text(document, "text")
        where !string.IsNullOrEmpty(text)
        select text;

    private IEnumerable<JsonElement> Steps =>
        Document.Run is { } run && Value(run, "steps") is { ValueKind: JsonValueKind.Array } steps ? steps.EnumerateArray() : [];

    /// <summary>The offered tools as the case has them; null where none were recorded.</summary>
    public JsonElement? Tools => Document.Run is { } run && Value(run, "tools") is { ValueKind: JsonValueKind.Array } tools ? tools : null;

    /// <summary>What every format says of where a case comes from: one object.</summary>
    public void WriteMetadata(Utf8JsonWriter json, string name)
    {
        json.WritePropertyName(name);
        WriteMetadata(json);
    }

    public void WriteMetadata(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("case", Folder);
        json.WriteString("failure", Failure);
        json.WriteString("title", Document.Title);
        json.WriteString("status", Status.Name());
        json.WriteNumber("count", Count);
        JsonText.WriteIfAny(json, "why", Why);
        json.WriteString("trace_id", Document.TraceId.ToString());
        JsonText.WriteStrings(json, "services", Document.Services);
        JsonText.WriteStrings(json, "versions", Document.Versions);
        JsonText.WriteStrings(json, "models", Document.Models);
        json.WriteEndObject();
    }

    /// <summary>What the model is given: the instructions and the user's words, as chat messages.</summary>
    public void WriteMessages(Utf8JsonWriter json, string name)
    {
        json.WriteStartArray(name);
        if (!string.IsNullOrEmpty(SystemPrompt))
        {
            WriteMessage(json, "system", SystemPrompt);
        }

        WriteMessage(json, "user", Input);
        json.WriteEndArray();
    }

    private static void WriteMessage(Utf8JsonWriter json, string role, string content)
    {
        json.WriteStartObject();
        json.WriteString("role", role);
        json.WriteString("content", content);
        json.WriteEndObject();
    }

    private string? Text(string name) => Document.Run is { } run ? JsonText.Text(run, name) : null;

    private static JsonElement? Value(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) ? value : null;
}
