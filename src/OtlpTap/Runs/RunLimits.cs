namespace OtlpTap.Runs;

/// <summary>
/// How much of a trace is read at most. What lies beyond is left out, never an error: ordinary runs lie far below, and
/// a hostile one costs no more than this.
/// </summary>
internal sealed record RunLimits
{
    public static readonly RunLimits Default = new();

    /// <summary>Characters of one attribute, body or status message; behind them it is cut.</summary>
    public int TextLengthMax { get; init; } = 4 << 20;

    /// <summary>Characters of all attributes of a call of the reader together.</summary>
    public long TotalLengthMax { get; init; } = 128 << 20;

    public int TracesMax { get; init; } = 10_000;

    /// <summary>Spans of one trace.</summary>
    public int StepsMax { get; init; } = 20_000;

    /// <summary>Attributes of one span, event or record.</summary>
    public int AttributesMax { get; init; } = 8_192;

    /// <summary>Span events and log records of one step.</summary>
    public int EventsMax { get; init; } = 2_048;

    public int LinksMax { get; init; } = 256;

    /// <summary>Messages of one list, and parts of one message.</summary>
    public int MessagesMax { get; init; } = 2_048;

    public int ToolsMax { get; init; } = 1_024;

    public int DocumentsMax { get; init; } = 1_024;

    /// <summary>Levels of objects and lists in JSON; what is deeper is taken as text.</summary>
    public int JsonDepthMax { get; init; } = 64;

    /// <summary>Values in one JSON text; one with more is taken as text.</summary>
    public int JsonValuesMax { get; init; } = 200_000;

    /// <summary>Calls of tools that are paired in one run.</summary>
    public int ToolCallsMax { get; init; } = 10_000;
}
