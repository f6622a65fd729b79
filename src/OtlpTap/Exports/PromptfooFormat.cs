using System.Text.Json;
using System.Text.RegularExpressions;
using OtlpTap.Corpus;
using OtlpTap.Verdicts;

namespace OtlpTap.Exports;

/// <summary>
/// A configuration of promptfoo, which is YAML or, as here, JSON: a test for each case. Its assertions say that the
/// failure does not show again: <c>trace-error-spans</c> for what ended in an error (the agent sends its spans to promptfoo's
/// receiver under the <c>traceparent</c> that it is given), that the wrong answer does not come back, that there is one at
/// all; and what people expect, where they have said it.
/// </summary>
internal sealed partial class PromptfooFormat : ICaseFormat
{
    public string Name => "promptfoo";

    public bool IsForReruns => true;

    public void Write(IReadOnlyList<ExportedCase> cases, ExportOptions options, Stream output) => ExportJson.WritePage(output, json =>
    {
        json.WriteStartObject();
        json.WriteString("description", $"{options.Dataset}: failing runs that OtlpTap captured");
        json.WriteStartArray("providers");
        json.WriteStringValue(options.Provider);
        json.WriteEndArray();
        json.WriteStartArray("prompts");
        json.WriteStringValue("{{input}}");
        json.WriteEndArray();

        // Without them no trace is asked for, and there is nothing to receive.
        if (cases.Any(exported => exported.IsError))
        {
            json.WriteStartObject("tracing");
            json.WriteBoolean("enabled", true);
            json.WriteStartObject("otlp");
            json.WriteStartObject("http");
            json.WriteBoolean("enabled", true);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteStartArray("tests");
        foreach (var exported in cases)
        {
            WriteTest(json, exported);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void WriteTest(Utf8JsonWriter json, ExportedCase exported)
    {
        json.WriteStartObject();
        json.WriteString("description", Inert(exported.Name));
        json.WriteStartObject("vars");
        json.WriteString("input", Inert(exported.Input));
        if (!string.IsNullOrEmpty(exported.SystemPrompt))
        {
            json.WriteString("system_prompt", Inert(exported.SystemPrompt));
        }

        json.WriteEndObject();
        WriteAssertions(json, exported);

        var metadata = new System.Buffers.ArrayBufferWriter<byte>();
        using (var texts = new Utf8JsonWriter(metadata))
        {
            exported.WriteMetadata(texts);
        }

        using var document = JsonDocument.Parse(metadata.WrittenMemory);
        json.WritePropertyName("metadata");
        WriteInert(json, document.RootElement);
        json.WriteEndObject();
    }

    private static void WriteAssertions(Utf8JsonWriter json, ExportedCase exported)
    {
        json.WriteStartArray("assert");
        var isChecked = false;
        if (exported.IsError)
        {
            json.WriteStartObject();
            json.WriteString("type", "trace-error-spans");
            json.WriteStartObject("value");
            json.WriteNumber("max_count", 0);
            json.WriteEndObject();
            json.WriteString("metric", exported.Failure);
            json.WriteEndObject();
            isChecked = true;
        }
        else if (exported.Failure == FailureKind.SchemaError)
        {
            WriteAssertion(json, "is-json", null, exported.Failure);
            isChecked = true;
        }
        else if (exported.Answer is { } answer && Inert(answer) == answer)
        {
            WriteAssertion(json, "not-equals", answer, exported.Failure);
            isChecked = true;
        }

        if (exported.Expected is { } expected && Inert(expected) == expected)
        {
            WriteAssertion(json, "icontains", expected, "expected_output");
            isChecked = true;
        }

        // A test without any would always pass.
        if (!isChecked)
        {
            WriteAssertion(json, "regex", "\\S", exported.Failure);
        }

        json.WriteEndArray();
    }

    private static void WriteAssertion(Utf8JsonWriter json, string type, string? value, string metric)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        JsonText.WriteIfAny(json, "value", value);
        json.WriteString("metric", Inert(metric));
        json.WriteEndObject();
    }

    private static void WriteInert(Utf8JsonWriter json, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in element.EnumerateObject())
                {
                    json.WritePropertyName(property.Name);
                    WriteInert(json, property.Value);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                {
                    WriteInert(json, item);
                }

                json.WriteEndArray();
                break;
            case JsonValueKind.String:
                json.WriteStringValue(Inert(element.GetString()!));
                break;
            default:
                element.WriteTo(json);
                break;
        }
    }

    /// <summary>
    /// promptfoo renders every text of its configuration as a Nunjucks template, which can run code and read the
    /// environment, and takes texts that begin with <c>file://</c> or <c>package:</c> for files to load and run. What a
    /// user once said to an agent must do none of it: an invisible word joiner (U+2060) breaks such signs. promptfoo has no
    /// escape that its several passes all respect.
    /// </summary>
    private static string Inert(string text) => Live().Replace(text, "\u2060");

    // Places, not characters: "{{{" has two of them.
    [GeneratedRegex(@"\A(?=\s*(?:file|package):)|(?<=\{)(?=[{%#])", RegexOptions.IgnoreCase)]
    private static partial Regex Live();
}
