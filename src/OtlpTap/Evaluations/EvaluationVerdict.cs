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
