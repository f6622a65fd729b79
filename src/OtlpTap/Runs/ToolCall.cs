namespace OtlpTap.Runs;

/// <summary>One call of a tool, from the model's wish to the tool's result, told once however often the history repeats it.</summary>
/// <param name="Name">Empty where nobody names it.</param>
internal sealed record ToolCall(string Name)
{
    public string? CallId { get; init; }

    /// <summary>As the model wrote them; else as the tool got them. Null where they are not recorded.</summary>
    public string? Arguments { get; init; }

    /// <summary>Null where none came or is recorded.</summary>
    public string? Result { get; init; }

    /// <summary>The tool's span failed, or its result says that it did.</summary>
    public bool IsError { get; init; }

    /// <summary>The model's call that asked for it; null where only the tool's span is there.</summary>
    public RunStep? CallingStep { get; init; }

    /// <summary>The span that carried it out; null where there is none.</summary>
    public RunStep? ToolStep { get; init; }
}
