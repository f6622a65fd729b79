using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Feedback;

/// <summary>Tells what was said of a span: all of it to the observer, what is negative or positive as a verdict, and what is neither as a score.</summary>
/// <param name="spans">What is known of a span; null: nothing.</param>
internal sealed class FeedbackTeller(Func<TraceId, SpanId, JudgedSpan?> spans, IVerdictSink verdicts, IScoreSink scores, IFeedbackObserver observer)
{
    public void Tell(PendingFeedback pending, in TraceId traceId, SpanId spanId)
    {
        var item = pending.Item;
        var judged = spans(traceId, spanId);
        if (item.ResponseId is { } response)
        {
            judged = (judged ?? new JudgedSpan(spanId, "", 0, null)) with { ResponseId = response };
        }

        observer.Said(new Opinion(traceId, spanId, pending.Value, item.Name)
        {
            Judged = judged,
            Score = item.Score,
            Min = Lower(item.Worst, item.Best),
            Max = -Lower(-item.Worst, -item.Best),
            Label = item.Label,
            Comment = item.Comment,
            Id = item.Id,
            User = item.UserAttribute,
            Before = pending.Before,
        });
        if (KindOf(pending.Value) is { } kind)
        {
            verdicts.Judged(traceId, new Verdict(spanId, kind, item.Name, VerdictSource.Feedback) { Score = item.Score, Label = item.Label, Explanation = item.Comment, Judged = judged });
        }
        else
        {
            scores.Passed(traceId, new PassedScore(spanId, item.Name, VerdictSource.Feedback, item.Score) { Judged = judged });
        }
    }

    private static double? Lower(double? one, double? other) => one <= other ? one : other;

    private static string? KindOf(OpinionValue value) => value switch
    {
        OpinionValue.Negative => FailureKind.NegativeFeedback,
        OpinionValue.Positive => FailureKind.PositiveFeedback,
        _ => null,
    };
}
