using OtlpTap.Feedback;

namespace OtlpTap.Tests.Configuration;

public sealed class FeedbackSectionTests
{
    [Fact]
    public void What_is_said_has_settings_and_defaults()
    {
        Assert.Equal(new ExplicitFeedbackOptions(), Configured.Valid("processors: { tap: {} }").Processor.Feedback.Explicit);
        Assert.Equal(
            new ExplicitFeedbackOptions { IsEnabled = false, NegativeStars = 3, NegativeScore = 0.25, PerMinuteMax = 10, TotalPerMinuteMax = 100, ItemsMax = 5 },
            Configured.Valid("processors: { tap: { feedback: { explicit: { enabled: false, negative_stars: 3, negative_score: 0.25, per_minute: 10, max_items: 5 } } } }").Processor.Feedback.Explicit);
        Assert.Equal(7, Configured.Valid("processors: { tap: { feedback: { explicit: { total_per_minute: 7 } } } }").Processor.Feedback.Explicit.TotalPerMinuteMax);
    }

    [Theory]
    [InlineData("negative_stars: 5")]
    [InlineData("negative_score: 1.5")]
    [InlineData("per_minute: 0")]
    [InlineData("total_per_minute: 0")]
    [InlineData("max_items: 0")]
    [InlineData("max_itmes: 1")]
    public void A_setting_out_of_its_range_is_refused_by_its_name(string setting) =>
        Assert.Contains($"processors.tap.feedback.explicit.{setting.Split(':')[0]}: ", Assert.Single(Configured.Problems($"processors: {{ tap: {{ feedback: {{ explicit: {{ {setting} }} }} }} }}")), StringComparison.Ordinal);
}
