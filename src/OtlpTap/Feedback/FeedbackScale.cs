using OtlpTap.Evaluations;
using OtlpTap.Verdicts;

namespace OtlpTap.Feedback;

/// <summary>Which opinions are negative: below the operator's thresholds; which are positive: above the middle of their scale.</summary>
internal static class FeedbackScale
{
    private const int PositiveStars = 4;
    private const double Middle = 0.5;

    public static OpinionValue ValueOf(FeedbackItem item, ExplicitFeedbackOptions options) => item.Form switch
    {
        FeedbackForm.Thumbs => item.Score > 0 ? OpinionValue.Positive : OpinionValue.Negative,
        FeedbackForm.Stars => BySides(item.Score <= options.NegativeStars, item.Score >= PositiveStars),
        FeedbackForm.Score when item is { Score: { } score, Worst: { } worst, Best: { } best } => OnScale(score, worst, best, options.NegativeScore),
        _ => LabelMeaning.Of(item.Label ?? "").Sense switch
        {
            // "yes" is what one wants to hear of an answer.
            LabelSense.Bad or LabelSense.Absent => OpinionValue.Negative,
            LabelSense.Good or LabelSense.Present => OpinionValue.Positive,
            _ => OpinionValue.Neutral,
        },
    };

    // Both ends are finite, their distance may not be; and the best may be the lowest.
    private static OpinionValue OnScale(double score, double worst, double best, double negative)
    {
        var share = ((score / 2) - (worst / 2)) / ((best / 2) - (worst / 2));
        return BySides(share < negative, share > Middle);
    }

    private static OpinionValue BySides(bool isNegative, bool isPositive) =>
        isNegative ? OpinionValue.Negative : isPositive ? OpinionValue.Positive : OpinionValue.Neutral;
}
