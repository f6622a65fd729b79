namespace OtlpTap.Runs;

internal enum MessageRole : byte
{
    Unknown,
    System,
    User,
    Assistant,
    Tool,
}

internal enum PartKind : byte
{
    Text,
    Reasoning,
    ToolCall,
    ToolResult,
    Refusal,

    /// <summary>An error that took the place of content.</summary>
    Error,

    /// <summary>Images, files and what else is not read.</summary>
    Other,
}

/// <summary>A piece of a message.</summary>
/// <param name="Text">What is said; of a tool's result its text (JSON where it is JSON); of a tool call empty.</param>
internal sealed record MessagePart(PartKind Kind, string Text)
{
    /// <summary>Which call this is, or whose result; null where the instrumentation gives none.</summary>
    public string? CallId { get; init; }

    /// <summary>Of calls, and of results where it is given.</summary>
    public string? ToolName { get; init; }

    /// <summary>Of calls: as they were written, JSON where they are JSON; null where they are not recorded.</summary>
    public string? Arguments { get; init; }

    /// <summary>Of results: the message says itself that the tool failed (<c>isError</c>, <c>status: "error"</c>).</summary>
    public bool IsError { get; init; }
}

internal sealed record Message(MessageRole Role, IReadOnlyList<MessagePart> Parts)
{
    /// <summary>Normalised as <see cref="RunStep.FinishReason"/>.</summary>
    public string? FinishReason { get; init; }

    /// <summary>The text parts, joined by new lines.</summary>
    public string Text => string.Join('\n', Parts.Where(part => part.Kind == PartKind.Text).Select(part => part.Text));
}

/// <summary>A tool that was offered to the model.</summary>
/// <param name="ParametersSchema">JSON Schema; null where it is not recorded.</param>
internal sealed record OfferedTool(string Name, string? Description, string? ParametersSchema);

/// <summary>Something that was looked up for the model.</summary>
internal sealed record RetrievedDocument(string? Id, string Text, double? Score);

/// <summary>An exception as a span event or a log record tells it; all may be empty.</summary>
internal sealed record RaisedException(string Type, string Message, string StackTrace);
