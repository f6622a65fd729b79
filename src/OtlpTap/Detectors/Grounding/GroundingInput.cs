namespace OtlpTap.Detectors.Grounding;

internal enum GroundingSource : byte
{
    /// <summary>The system's instructions; they carry facts only where they say so (a context, documents).</summary>
    Instructions,
    User,

    /// <summary>What the assistant said before.</summary>
    Assistant,

    /// <summary>What a tool was called with.</summary>
    Arguments,
    ToolResult,

    /// <summary>The tool failed; the text is its error, or empty.</summary>
    FailedTool,
    Document,

    /// <summary>A tool was called, and what came back was not recorded: whatever the answer says may rest on it.</summary>
    UnrecordedTool,
}

/// <summary>Something that the model was given before it answered.</summary>
/// <param name="Tool">Whose result it is, where that is known.</param>
internal readonly record struct GroundingInput(GroundingSource Source, string Text, string? Tool = null);
