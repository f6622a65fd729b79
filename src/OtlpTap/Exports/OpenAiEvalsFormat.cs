namespace OtlpTap.Exports;

/// <summary>
/// Samples of openai/evals, one a line: <c>{"input": [{"role", "content"}], "ideal": string}</c>. Without an
/// <c>ideal</c>, which only people can give, a sample is for evals that a model grades.
/// </summary>
internal sealed class OpenAiEvalsFormat : ICaseFormat
{
    public string Name => "openai-evals";

    public bool IsForReruns => true;

    public void Write(IReadOnlyList<ExportedCase> cases, ExportOptions options, Stream output) =>
        ExportJson.WriteLines(cases, output, static (json, exported) =>
        {
            json.WriteStartObject();
            exported.WriteMessages(json, "input");
            if (exported.Expected is { } ideal)
            {
                json.WriteString("ideal", ideal);
            }

            exported.WriteMetadata(json, "metadata");
            json.WriteEndObject();
        });
}
