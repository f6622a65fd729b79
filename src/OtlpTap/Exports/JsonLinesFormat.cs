namespace OtlpTap.Exports;

/// <summary>The case files themselves, one a line (<c>docs/corpus-format.md</c>): for scripts.</summary>
internal sealed class JsonLinesFormat : ICaseFormat
{
    public string Name => "jsonl";

    public bool IsForReruns => false;

    public void Write(IReadOnlyList<ExportedCase> cases, ExportOptions options, Stream output) =>
        ExportJson.WriteLines(cases, output, static (json, exported) => exported.Document.Write(json));
}
