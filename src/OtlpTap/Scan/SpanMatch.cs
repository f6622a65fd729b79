using OtlpTap.Otlp;

namespace OtlpTap.Scan;

/// <summary>
/// A span on which at least one rule's condition is true, or that carries <c>otlptap.failure</c> already; of a request for
/// logs a log record, which stands where a span does and speaks of the span whose id it carries (zero: of none).
/// All offsets count from the start of the request's message bytes.
/// </summary>
internal struct SpanMatch
{
    public TraceId TraceId;
    public SpanId SpanId;

    /// <summary>The span's or log record's message body (after its length prefix).</summary>
    public int SpanOffset;
    public int SpanLength;

    /// <summary>Where the rules that matched stand in <see cref="ScanResult.RuleIndexes"/>.</summary>
    public int FirstRule;
    public int RuleCount;

    /// <summary>The span whose failure this one only repeats; zero: a cause, as far as anyone knows. Set behind the scan; without rules it is all that the match says.</summary>
    public SpanId Origin;

    /// <summary>It came with <c>otlptap.failure</c> (another tap was before this one): counted, not tagged again.</summary>
    public bool AlreadyTagged;

    /// <summary>The string value of the resource's <c>service.name</c>; length 0 when it has none.</summary>
    public int ServiceNameOffset;
    public int ServiceNameLength;

    /// <summary>Offset of the field tag that opens each enclosing message: what tagging must repair.</summary>
    public int ResourceSpansTagOffset;
    public int ScopeSpansTagOffset;
    public int SpanTagOffset;
}
