using OtlpTap.Otlp;
using OtlpTap.Runs.Json;

namespace OtlpTap.Runs.Telemetry;

/// <summary>A span as it came, read but not yet understood.</summary>
internal sealed class SpanRecord
{
    public required TraceId TraceId { get; init; }

    public required SpanId SpanId { get; init; }

    public required SpanId ParentId { get; init; }

    public required string Name { get; init; }

    public required ulong StartUnixNano { get; init; }

    public required ulong EndUnixNano { get; init; }

    public required StepStatus Status { get; init; }

    public required string StatusMessage { get; init; }

    public required AttributeSet Attributes { get; init; }

    public required IReadOnlyList<EventRecord> Events { get; init; }

    public required IReadOnlyList<(TraceId TraceId, SpanId SpanId)> Links { get; init; }

    public required Origin Origin { get; init; }
}

/// <summary>A span event or a log record: something that was said about a span.</summary>
/// <param name="Body">Of a log record: its body, which may be a structure.</param>
internal sealed record EventRecord(string Name, AttributeSet Attributes, AttributeValue Body)
{
    /// <summary>The body as JSON; none where it is no structure.</summary>
    public JsonValue BodyJson(RunLimits limits) =>
        Body.Kind is AttributeKind.Structure or AttributeKind.Text && Body.Text is ['{' or '[', ..] && JsonText.TryRead(Body.Text, limits, out var json) ? json.Root : default;
}

/// <summary>Where spans come from.</summary>
internal sealed record Origin(string Service, string ServiceVersion, string Scope);
