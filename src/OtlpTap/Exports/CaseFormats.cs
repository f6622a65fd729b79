namespace OtlpTap.Exports;

/// <summary>All formats by their names.</summary>
internal static class CaseFormats
{
    public static readonly IReadOnlyList<ICaseFormat> All =
    [
        new PromptfooFormat(),
        new OpenAiEvalsFormat(),
        new LangfuseFormat(),
        new LangSmithFormat(),
        new DeepEvalFormat(),
        new InspectFormat(),
        new PhoenixFormat(),
        new JsonLinesFormat(),
        new JUnitFormat(),
    ];

    public static ICaseFormat? Find(string name) => All.FirstOrDefault(format => format.Name == name);
}
