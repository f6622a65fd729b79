using OtlpTap.Otlp;

namespace OtlpTap.Verdicts;

/// <summary>What an evaluator measured of an answer that it found nothing wrong with: no verdict, and half of every mean.</summary>
/// <param name="SpanId">Zero: of the trace as a whole.</param>
/// <param name="Rule">As of a <see cref="Verdict"/>: the evaluation's metric, the detector.</param>
/// <param name="Source">See <see cref="VerdictSource"/>.</param>
/// <param name="Value">In the units of <paramref name="Rule"/>; null where it said a word only.</param>
internal readonly record struct PassedScore(SpanId SpanId, string Rule, string Source, double? Value)
{
    /// <summary>As of a <see cref="Verdict"/>.</summary>
    public JudgedSpan? Judged { get; init; }
}

/// <summary>Takes the scores of what was found to be well. Any thread; must not wait.</summary>
internal interface IScoreSink
{
    /// <param name="traceId">Zero where nobody knows of which.</param>
    void Passed(in TraceId traceId, in PassedScore score);
}
