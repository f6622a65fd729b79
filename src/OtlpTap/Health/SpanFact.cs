using OtlpTap.Spans;
using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Health;

/// <summary>One span of an agent's run as it came by: what health is made of. Names are empty where the span does not say them and its trace has not told.</summary>
internal record struct SpanFact
{
    /// <summary>No call of a model has as many; what says so is broken, and would spoil every sum for good.</summary>
    public const long TokensMax = 1_000_000_000;

    /// <summary>A week: what took longer began in 1970, as a clock that was never set says.</summary>
    public const double SecondsMax = 7 * 86_400;

    public TraceId TraceId { get; init; }

    public SpanId SpanId { get; init; }

    /// <summary>Zero: a root.</summary>
    public SpanId ParentId { get; init; }

    public StepKind Kind { get; set; }

    /// <summary><c>service.name</c>.</summary>
    public string Service { get; init; }

    public string Agent { get; set; }

    /// <summary>Of a tool step.</summary>
    public string Tool { get; init; }

    /// <summary>Of a call of a model.</summary>
    public string Model { get; init; }

    /// <summary>By the sender's clock; 0 where it is not known.</summary>
    public ulong StartUnixNano { get; init; }

    public ulong EndUnixNano { get; init; }

    /// <summary>How long it took by the sender's clock, which alone knows; null where it did not say, or says what cannot be.</summary>
    public readonly double? Seconds =>
        StartUnixNano > 0 && EndUnixNano >= StartUnixNano && (EndUnixNano - StartUnixNano) <= (ulong)(SecondsMax * 1e9) ? (EndUnixNano - StartUnixNano) / 1e9 : null;

    /// <summary>The kind of the first rule that found a failure in it; null: none did.</summary>
    public string? Failure { get; init; }

    /// <summary>Its failure only repeats that of another span.</summary>
    public bool IsRepeated { get; init; }

    public long InputTokens { get; init; }

    public long OutputTokens { get; init; }

    /// <summary>The fallback that the agent took; null: it took none.</summary>
    public FallbackFact? Fallback { get; init; }
}

/// <summary>What a span says of a fallback: see <see cref="FallbackAttributes"/>.</summary>
/// <param name="Advice">What was done: <c>reroute</c>, <c>ask_user</c>, ... or the agent's own word.</param>
/// <param name="Reason">Why; empty where it does not say.</param>
/// <param name="AdviceId">The advice that was followed; empty where the agent decided for itself.</param>
internal sealed record FallbackFact(string Advice, string Reason, string AdviceId);

/// <summary>Told of every span of an agent's run, on the recorder's thread, in the order in which they came. Must not wait.</summary>
internal interface ISpanFactObserver
{
    /// <param name="facts">Of one request, of which they are as many as it has.</param>
    void Observed(ReadOnlySpan<SpanFact> facts);
}
