using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Evaluations;

/// <summary>A judged evaluation as a verdict.</summary>
internal static class EvaluationVerdict
{
    public static Verdict Of(Evaluation evaluation, in Judgement judgement, SpanId spanId) => new(spanId, judgement.Failure!, RuleOf(evaluation), judgement.Source)
    {
        Score = evaluation.Score,
        Label = evaluation.Label,
        Explanation = evaluation.Explanation,
    };

    /// <summary>What a person said; null where no person did, or nothing.</summary>
    public static Opinion? OpinionOf(Evaluation evaluation, in Judgement judgement, TraceId traceId, SpanId spanId) => !judgement.IsOpinion ? null
        : new Opinion(traceId, spanId, judgement.Outcome switch { EvaluationOutcome.Bad => OpinionValue.Negative, EvaluationOutcome.Good => OpinionValue.Positive, _ => OpinionValue.Neutral }, RuleOf(evaluation))
        {
            Score = evaluation.Score,
            Min = evaluation.Min,
            Max = evaluation.Max,
            Label = evaluation.Label,
            Comment = evaluation.Explanation,
            IsRecorded = evaluation.IsRecord && evaluation.Target.TraceId == traceId,
        };

    /// <summary>The metric's name in one spelling, <see cref="MetricName.LengthMax"/> long at most. The sender's word: no bounded set.</summary>
    public static string RuleOf(Evaluation evaluation) => MetricName.Normalise(evaluation.Metric) is { Length: > 0 } name ? name : "evaluation";

    /// <summary>Marks one result on one span, whichever way it came: OpenLIT sends each as a span event and as a log record.</summary>
    public static ulong MarkOf(Evaluation evaluation, TraceId traceId, SpanId spanId)
    {
        var label = evaluation.Label is { } text ? MetricName.Normalise(text) : "";
        var key = $"{traceId}{spanId}{RuleOf(evaluation)}\n{label}\n{evaluation.Score:R}\n{evaluation.Evaluator}";
        return ReferenceTable.MarkOf(System.Text.Encoding.UTF8.GetBytes(key));
    }
}
