using OtlpTap.Metrics;
using OtlpTap.Verdicts;

namespace OtlpTap.Hosting;

/// <summary>Hands on what people said, whichever way it came, with what is known of the span that they said it of; and counts it.</summary>
internal sealed class OpinionHub(JudgedSpanSearch spans, FeedbackMetrics metrics, params IFeedbackObserver[] observers) : IFeedbackObserver
{
    public void Said(Opinion opinion)
    {
        opinion = opinion.Judged is null ? opinion with { Judged = spans.Find(opinion.TraceId, opinion.SpanId) } : opinion;
        if (opinion.Before != opinion.Value)
        {
            metrics.Said(opinion.Judged?.Service ?? "", opinion.Judged?.Agent ?? "", (int)opinion.Value);
        }

        foreach (var observer in observers)
        {
            observer.Said(opinion);
        }
    }
}
