namespace OtlpTap.Exports;

/// <summary>What formats cannot know from the cases.</summary>
internal sealed record ExportOptions
{
    /// <summary>The name of the dataset (Langfuse, Phoenix) and of the test suite. Default <c>otlptap</c>.</summary>
    public string Dataset { get; init; } = "otlptap";

    /// <summary>What promptfoo is to run: <c>file://agent.mjs</c>, <c>exec:python agent.py</c>, <c>https://...</c>. Default <c>file://agent.mjs</c>.</summary>
    public string Provider { get; init; } = "file://agent.mjs";
}
