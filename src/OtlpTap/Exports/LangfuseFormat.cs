using OtlpTap.Corpus;

namespace OtlpTap.Exports;

/// <summary>Bodies of Langfuse's <c>POST /api/public/dataset-items</c>, one a line. Sent again, an item replaces the one with its id.</summary>
internal sealed class LangfuseFormat : ICaseFormat
{
    public string Name => "langfuse";

    public bool IsForReruns => true;

    public void Write(IReadOnlyList<ExportedCase> cases, ExportOptions options, Stream output) =>
        ExportJson.WriteLines(cases, output, (json, exported) =>
        {
            json.WriteStartObject();
            json.WriteString("datasetName", options.Dataset);
            json.WriteString("id", $"{options.Dataset}-{exported.Id}");
            exported.WriteMessages(json, "input");
            JsonText.WriteStringOrNull(json, "expectedOutput", exported.Expected);
            exported.WriteMetadata(json, "metadata");
            json.WriteString("sourceTraceId", exported.Document.TraceId.ToString());
            JsonText.WriteIfAny(json, "sourceObservationId", exported.Verdict is { SpanId.IsZero: false } verdict ? verdict.SpanId.ToString() : null);
            json.WriteString("status", exported.Document.Life.IsQuiet ? "ARCHIVED" : "ACTIVE");
            json.WriteEndObject();
        });
}
