using OtlpTap.Feedback;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.feedback</c>.</summary>
internal static class FeedbackSection
{
    public static FeedbackOptions Read(Section feedback)
    {
        var options = new FeedbackOptions { Implicit = ReadImplicit(feedback.Map("implicit")), Explicit = ReadExplicit(feedback.Map("explicit")) };
        feedback.RefuseUnknownKeys();
        return options;
    }

    private static ImplicitFeedbackOptions ReadImplicit(Section section)
    {
        var defaults = new ImplicitFeedbackOptions();
        var options = new ImplicitFeedbackOptions
        {
            IsEnabled = section.Flag("enabled", defaults.IsEnabled),
            SimilarityThreshold = section.Real("similarity", defaults.SimilarityThreshold, 0.1, 1),
            SessionIdle = section.Duration("session_idle", defaults.SessionIdle, TimeSpan.FromSeconds(10), TimeSpan.FromDays(1)),
            SessionBytesMax = section.Mebibytes("max_session_mib", defaults.SessionBytesMax, 1, 4096),
        };
        section.RefuseUnknownKeys();
        return options;
    }

    private static ExplicitFeedbackOptions ReadExplicit(Section section)
    {
        var defaults = new ExplicitFeedbackOptions();
        var options = new ExplicitFeedbackOptions
        {
            IsEnabled = section.Flag("enabled", defaults.IsEnabled),
            NegativeStars = section.Number("negative_stars", defaults.NegativeStars, 1, 4),
            NegativeScore = section.Real("negative_score", defaults.NegativeScore, 0, 1),
            PerMinuteMax = section.Number("per_minute", defaults.PerMinuteMax, 1, 1_000_000),
            ItemsMax = section.Number("max_items", defaults.ItemsMax, 1, 1000),
        };
        options = options with { TotalPerMinuteMax = section.Number("total_per_minute", 10 * options.PerMinuteMax, 1, 10_000_000) };
        section.RefuseUnknownKeys();
        return options;
    }
}
