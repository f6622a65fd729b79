using System.Text.Json;
using OtlpTap.Corpus;

namespace OtlpTap.Exports;

/// <summary>DeepEval's goldens, one array, with the keys that <c>EvaluationDataset.add_goldens_from_json_file</c> reads.</summary>
internal sealed class DeepEvalFormat : ICaseFormat
{
    public string Name => "deepeval";

    public bool IsForReruns => true;

    public void Write(IReadOnlyList<ExportedCase> cases, ExportOptions options, Stream output) => ExportJson.WritePage(output, json =>
    {
        json.WriteStartArray();
        foreach (var exported in cases)
        {
            WriteGolden(json, exported);
        }

        json.WriteEndArray();
    });

    private static void WriteGolden(Utf8JsonWriter json, ExportedCase exported)
    {
        json.WriteStartObject();
        json.WriteString("name", exported.Id);
        json.WriteString("input", exported.Input);
        JsonText.WriteStringOrNull(json, "actual_output", exported.Answer);
        JsonText.WriteStringOrNull(json, "expected_output", exported.Expected);
        if (exported.Documents.ToList() is { Count: > 0 } documents)
        {
            JsonText.WriteStrings(json, "retrieval_context", documents);
        }

        json.WriteStartArray("tools_called");
        foreach (var (name, arguments, result) in exported.CalledTools)
        {
            json.WriteStartObject();
            json.WriteString("name", name);

            // A dictionary there: arguments that are no object stand in the trace alone.
            if (arguments is { ValueKind: JsonValueKind.Object } parameters)
            {
                json.WritePropertyName("input_parameters");
                parameters.WriteTo(json);
            }

            if (result is { } value)
            {
                json.WritePropertyName("output");
                value.WriteTo(json);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        JsonText.WriteIfAny(json, "comments", exported.Why);
        json.WriteString("source_file", $"{exported.Folder}/{CaseDirectory.CaseFile}");
        exported.WriteMetadata(json, "additional_metadata");
        json.WriteEndObject();
    }
}
