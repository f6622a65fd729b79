using System.Text.Json;
using OtlpTap.Corpus;

namespace OtlpTap.Exports;

/// <summary>
/// The body of Phoenix's <c>POST /v1/datasets/upload</c>: examples of <c>input</c>, <c>output</c> and <c>metadata</c>, each
/// in a list of its own.
/// </summary>
internal sealed class PhoenixFormat : ICaseFormat
{
    public string Name => "phoenix";

    public bool IsForReruns => true;

    public void Write(IReadOnlyList<ExportedCase> cases, ExportOptions options, Stream output) => ExportJson.WritePage(output, json =>
    {
        json.WriteStartObject();
        json.WriteString("action", "create");
        json.WriteString("name", options.Dataset);
        json.WriteString("description", "Failing runs that OtlpTap captured");
        WriteList(json, "inputs", cases, static (json, exported) =>
        {
            json.WriteStartObject();
            exported.WriteMessages(json, "messages");
            json.WriteEndObject();
        });
        WriteList(json, "outputs", cases, static (json, exported) =>
        {
            json.WriteStartObject();
            JsonText.WriteIfAny(json, "expected", exported.Expected);
            json.WriteEndObject();
        });
        WriteList(json, "metadata", cases, static (json, exported) => exported.WriteMetadata(json));
        json.WriteEndObject();
    });

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<ExportedCase> cases, Action<Utf8JsonWriter, ExportedCase> write)
    {
        json.WriteStartArray(name);
        foreach (var exported in cases)
        {
            write(json, exported);
        }

        json.WriteEndArray();
    }
}
