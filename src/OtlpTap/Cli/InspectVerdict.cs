using OtlpTap.Otlp;

namespace OtlpTap.Cli;

/// <summary>One line of <c>otlptap inspect</c>: what the rules say of one span, for one kind of failure.</summary>
/// <param name="SpanId">Null for a verdict on the trace as a whole.</param>
/// <param name="Evidence">What in the span the verdict rests on, for a reader.</param>
/// <param name="Source">Who said it; <c>rule</c> for a condition on the span itself.</param>
internal sealed record InspectVerdict(
    TraceId TraceId, SpanId? SpanId, string SpanName, string Failure, IReadOnlyList<string> Rules, string Evidence, string Source);
