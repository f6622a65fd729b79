using OtlpTap.Feedback;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.feedback</c>.</summary>
internal static class FeedbackSection
{
    public static ImplicitFeedbackOptions Read(Section feedback)
    {
        var section = feedback.Map("implicit");
        var defaults = new ImplicitFeedbackOptions();
        var options = new ImplicitFeedbackOptions
        {
            IsEnabled = section.Flag("enabled", defaults.IsEnabled),
            SimilarityThreshold = section.Real("similarity", defaults.SimilarityThreshold, 0.1, 1),
            SessionIdle = section.Duration("session_idle", defaults.SessionIdle, TimeSpan.FromSeconds(10), TimeSpan.FromDays(1)),
            SessionBytesMax = section.Mebibytes("max_session_mib", defaults.SessionBytesMax, 1, 4096),
        };
        section.RefuseUnknownKeys();
        feedback.RefuseUnknownKeys();
        return options;
    }
}
