using OtlpTap.Otlp;

namespace OtlpTap.Corpus;

/// <summary>Somebody found a failure in a trace.</summary>
/// <param name="SpanId">Zero: on the trace as a whole.</param>
/// <param name="Failure">The kind: <c>tool_error</c>, <c>llm_error</c>, ... or the user's own.</param>
/// <param name="Rule">The name of what decided.</param>
/// <param name="Source">What sort of thing decided, see <see cref="VerdictSource"/>.</param>
internal readonly record struct Verdict(SpanId SpanId, string Failure, string Rule, string Source);

/// <summary>The values of a verdict's <c>source</c>, as they stand in case files.</summary>
internal static class VerdictSource
{
    /// <summary>A rule's condition on the span's own bytes.</summary>
    public const string Rule = "rule";
}
