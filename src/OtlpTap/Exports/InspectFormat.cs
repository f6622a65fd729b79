namespace OtlpTap.Exports;

/// <summary>Inspect AI's samples, one a line, for <c>json_dataset("cases.jsonl")</c>. A target that nobody gave is empty, as Inspect's own default.</summary>
internal sealed class InspectFormat : ICaseFormat
{
    public string Name => "inspect";

    public bool IsForReruns => true;

    public void Write(IReadOnlyList<ExportedCase> cases, ExportOptions options, Stream output) =>
        ExportJson.WriteLines(cases, output, static (json, exported) =>
        {
            json.WriteStartObject();
            json.WriteString("id", exported.Id);
            exported.WriteMessages(json, "input");
            json.WriteString("target", exported.Expected ?? "");
            exported.WriteMetadata(json, "metadata");
            json.WriteEndObject();
        });
}
