using OtlpTap.Verdicts;

namespace OtlpTap.Evaluations;

/// <summary>What became of an evaluation result.</summary>
internal enum EvaluationOutcome : byte
{
    Bad,
    Good,

    /// <summary>In the middle of its scale, or of a metric without a bad end.</summary>
    Neutral,

    /// <summary>Nobody knows whether it is good or bad: recorded, never judged.</summary>
    Unknown,

    /// <summary>The evaluator failed, which says nothing of the answer.</summary>
    EvaluatorFailed,
}

/// <summary>An evaluation result, judged.</summary>
/// <param name="Failure">Kind of the verdict; null: none.</param>
internal readonly record struct Judgement(EvaluationOutcome Outcome, string? Failure)
{
    /// <summary>The source of its verdict, see <see cref="VerdictSource"/>.</summary>
    public string Source { get; init; } = VerdictSource.Evaluation;

    /// <summary>A person said something of the answer, be it good, bad or neither.</summary>
    public bool IsOpinion => Source == VerdictSource.Feedback && Outcome != EvaluationOutcome.EvaluatorFailed;
}

/// <summary>
/// Good or bad, and which kind of failure. In this order: what the operator says of the metric; the label; what the sender
/// says of direction, threshold and scale; the metric's name. The score alone never tells: 1 is the worst hallucination and
/// the best faithfulness.
/// </summary>
internal static class EvaluationJudgement
{
    public static Judgement Of(Evaluation evaluation, EvaluationOptions options)
    {
        var own = options.Metrics.GetValueOrDefault(MetricName.Normalise(evaluation.Metric));
        var nature = MetricNature.Of(evaluation.Metric);
        var isFeedback = evaluation.IsFeedback || evaluation.Evaluator == Evaluator.Human || nature.IsFeedback;
        var source = isFeedback ? VerdictSource.Feedback : VerdictSource.Evaluation;
        if (evaluation.HasFailed)
        {
            return new Judgement(EvaluationOutcome.EvaluatorFailed, null) { Source = source };
        }

        var label = evaluation.Label is { } text ? LabelMeaning.Of(text) : default;
        var outcome = Weigh(evaluation, own, nature, label, isFeedback);
        var failure = outcome switch
        {
            EvaluationOutcome.Bad => KindOf(evaluation, own, nature, label, isFeedback),
            EvaluationOutcome.Good when isFeedback && IsOpinion(nature) => FailureKind.PositiveFeedback,
            _ => null,
        };
        return new Judgement(outcome == EvaluationOutcome.Bad && failure is null ? EvaluationOutcome.Neutral : outcome, failure) { Source = source };
    }

    private static EvaluationOutcome Weigh(Evaluation evaluation, MetricOverride? own, in MetricNature nature, in LabelMeaning label, bool isFeedback)
    {
        // Somebody's opinion has its good end at the top unless it is called otherwise.
        var good = own is { Good: not GoodEnd.Unknown } ? own.Good
            : evaluation.Good != GoodEnd.Unknown ? evaluation.Good
            : nature.Good == GoodEnd.Unknown && isFeedback && nature.Failure is not null ? GoodEnd.High
            : nature.Good;
        if (own is { Good: not GoodEnd.Unknown } && evaluation.Score is { } score)
        {
            return ByScore(score, own.Good, own.Threshold ?? evaluation.Threshold, evaluation, nature, isFeedback);
        }

        switch (label.Sense)
        {
            case LabelSense.Good:
                return EvaluationOutcome.Good;
            case LabelSense.Bad:
                return EvaluationOutcome.Bad;
            case LabelSense.Neutral:
                return EvaluationOutcome.Neutral;
            case LabelSense.Present or LabelSense.Absent when good != GoodEnd.Unknown:
                return (label.Sense == LabelSense.Present) == (good == GoodEnd.High) ? EvaluationOutcome.Good : EvaluationOutcome.Bad;
        }

        return nature.Failure is null ? EvaluationOutcome.Neutral
            : evaluation.Score is { } value && good != GoodEnd.Unknown ? ByScore(value, good, own?.Threshold ?? evaluation.Threshold, evaluation, nature, isFeedback)
            : EvaluationOutcome.Unknown;
    }

    private static EvaluationOutcome ByScore(double score, GoodEnd good, double? threshold, Evaluation evaluation, in MetricNature nature, bool isFeedback)
    {
        if (!double.IsFinite(score))
        {
            return EvaluationOutcome.Unknown;
        }

        if (threshold is { } limit)
        {
            return good == GoodEnd.High ? FromBool(score >= limit) : FromBool(score <= limit);
        }

        if (evaluation is { Min: { } min, Max: { } max } && max > min)
        {
            // People's middle is neither; a judge's middle passes.
            var middle = (min + max) / 2;
            var width = isFeedback ? (max - min) / 10 : 0;
            return BySides(score, middle - width, middle + width, good);
        }

        if (nature.Scale == MetricScale.Relative)
        {
            return EvaluationOutcome.Unknown;
        }

        return UsualMiddle(score, nature, isFeedback || nature.IsFeedback) is var (low, high) ? BySides(score, low, high, good) : EvaluationOutcome.Unknown;
    }

    /// <summary>Between which values a score is neither good nor bad; null where the scale cannot be told.</summary>
    private static (double Low, double High)? UsualMiddle(double score, in MetricNature nature, bool isFeedback) => nature.Scale switch
    {
        MetricScale.Stars => score is >= 1 and <= 5 ? (2.5, 3.5) : score is >= 0 and < 1 ? (0.5, 0.5) : null,
        MetricScale.Rating => score == 1 ? null : UsualMiddle(score, nature with { Scale = MetricScale.Usual }, isFeedback),
        MetricScale.Recommendation => score is >= 0 and <= 10 ? (6.5, 8.5) : null,

        // A 1 is very little on one scale and all there can be on the other.
        MetricScale.Severity => score switch
        {
            1 => null,
            >= 0 and < 1 => (0.5, 0.5),
            > 1 and <= 7 => (3.5, 3.5),
            _ => null,
        },
        _ => score switch
        {
            < 0 => score >= -1 ? (0, 0) : null,
            0 or 1 => (0.5, 0.5), // the end of any scale from 0, or a yes and no
            < 1 => (0.5, 0.5),
            <= 5 => isFeedback ? (2.5, 3.5) : (3, 3), // 1 to 5; people's middle is neither, a judge's middle passes
            <= 10 => (5, 5),
            <= 100 => (50, 50),
            _ => null,
        },
    };

    private static EvaluationOutcome BySides(double score, double low, double high, GoodEnd good)
    {
        if (low < high && score > low && score < high)
        {
            return EvaluationOutcome.Neutral;
        }

        // On the border itself it passes: that is what evaluators call a threshold.
        return good == GoodEnd.High ? FromBool(score >= high) : FromBool(score <= low);
    }

    private static EvaluationOutcome FromBool(bool isGood) => isGood ? EvaluationOutcome.Good : EvaluationOutcome.Bad;

    private static string? KindOf(Evaluation evaluation, MetricOverride? own, in MetricNature nature, in LabelMeaning label, bool isFeedback)
    {
        if (own?.Failure is { } failure)
        {
            return failure;
        }

        if (nature.Failure is null)
        {
            return null;
        }

        if (label.IsHallucination && IsOpinion(nature))
        {
            return FailureKind.Hallucination;
        }

        if (nature.Failure != FailureKind.FailedEvaluation)
        {
            return nature.Failure;
        }

        // What stops harm has done its work on the answer's content.
        if (evaluation.IsGuard && nature.Good == GoodEnd.Low)
        {
            return FailureKind.ContentFilter;
        }

        // That a whole session went badly is what its user met, whoever says so.
        return isFeedback || evaluation.Scope == EvaluationScope.Session ? FailureKind.NegativeFeedback : FailureKind.FailedEvaluation;
    }

    // Not one of the metrics that name a failure of their own.
    private static bool IsOpinion(in MetricNature nature) => nature.Failure is FailureKind.FailedEvaluation or FailureKind.NegativeFeedback;
}
