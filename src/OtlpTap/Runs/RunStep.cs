using OtlpTap.Otlp;

namespace OtlpTap.Runs;

/// <summary>One span of an agent's run, in one form whatever its instrumentation; texts are empty and lists empty where nothing was recorded.</summary>
internal sealed class RunStep
{
    public required TraceId TraceId { get; init; }

    public required SpanId SpanId { get; init; }

    /// <summary>Zero: a root.</summary>
    public SpanId ParentId { get; init; }

    public required string Name { get; init; }

    public StepKind Kind { get; init; }

    /// <summary>Nanoseconds since 1970, by the sender's clock.</summary>
    public ulong StartUnixNano { get; init; }

    public ulong EndUnixNano { get; init; }

    public StepStatus Status { get; init; }

    public string StatusMessage { get; init; } = "";

    /// <summary><c>error.type</c>.</summary>
    public string ErrorType { get; init; } = "";

    /// <summary>Resource: <c>service.name</c>.</summary>
    public string Service { get; init; } = "";

    /// <summary>Resource: <c>service.version</c>.</summary>
    public string ServiceVersion { get; init; } = "";

    public string Scope { get; init; } = "";

    public string? Agent { get; init; }

    /// <summary>Null where the instrumentation does not name it and no call tells it.</summary>
    public string? Tool { get; internal set; }

    /// <summary>The id of the call that a tool step carries out.</summary>
    public string? CallId { get; init; }

    /// <summary>That answered, or else that was asked.</summary>
    public string? Model { get; init; }

    public string? Provider { get; init; }

    public string? ResponseId { get; init; }

    /// <summary>Conversation or session, under whichever name.</summary>
    public string? Session { get; init; }

    public string? User { get; init; }

    /// <summary>Normalised: <c>stop</c>, <c>length</c>, <c>content_filter</c>, <c>tool_call</c>, <c>error</c>, <c>refusal</c>; others lower-cased as they came; null where none is recorded.</summary>
    public string? FinishReason { get; init; }

    /// <summary>What went in, oldest first, with the whole history where the instrumentation repeats it. System messages are in it where they were sent as messages.</summary>
    public IReadOnlyList<Message> Input { get; init; } = [];

    public IReadOnlyList<Message> Output { get; init; } = [];

    /// <summary>System instructions given apart from the messages.</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>Null: not recorded. Empty: recorded, and none was offered.</summary>
    public IReadOnlyList<OfferedTool>? OfferedTools { get; init; }

    /// <summary>Of a tool step: JSON where it is JSON.</summary>
    public string? Arguments { get; init; }

    /// <summary>Of a tool step: JSON where it is JSON. Of other steps: their output as text, where it is no list of messages.</summary>
    public string? Result { get; init; }

    /// <summary>Of a tool step: the result says itself, in its structure, that the tool failed.</summary>
    public bool ResultIsError { get; init; }

    public IReadOnlyList<RetrievedDocument> Documents { get; init; } = [];

    public IReadOnlyList<RaisedException> Exceptions { get; init; } = [];

    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    /// <summary>Spans that this one links to: what an evaluation or an annotation speaks of.</summary>
    public IReadOnlyList<(TraceId TraceId, SpanId SpanId)> Links { get; init; } = [];
}
