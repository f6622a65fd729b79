using System.Text;
using OtlpTap.Feedback;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Feedback;

public sealed class FeedbackScaleTests
{
    [Theory]
    [InlineData("\"thumbs\": \"up\"", OpinionValue.Positive)]
    [InlineData("\"thumbs\": \"down\"", OpinionValue.Negative)]
    [InlineData("\"stars\": 1", OpinionValue.Negative)]
    [InlineData("\"stars\": 2", OpinionValue.Negative)]
    [InlineData("\"stars\": 3", OpinionValue.Neutral)]
    [InlineData("\"stars\": 4", OpinionValue.Positive)]
    [InlineData("\"score\": 0.49", OpinionValue.Negative)]
    [InlineData("\"score\": 0.5", OpinionValue.Neutral)]
    [InlineData("\"score\": 0.51", OpinionValue.Positive)]
    [InlineData("\"score\": -1, \"range\": [-1, 1]", OpinionValue.Negative)]
    [InlineData("\"score\": 1.2, \"range\": [6, 1]", OpinionValue.Positive)]
    [InlineData("\"score\": 1.7e308, \"range\": [-1.7e308, 1.7e308]", OpinionValue.Positive)]
    [InlineData("\"score\": -1.7e308, \"range\": [-1.7e308, 1.7e308]", OpinionValue.Negative)]
    [InlineData("\"label\": \"Not helpful\"", OpinionValue.Negative)]
    [InlineData("\"label\": \"hallucinated\"", OpinionValue.Negative)]
    [InlineData("\"label\": \"no\"", OpinionValue.Negative)]
    [InlineData("\"label\": \"correct\"", OpinionValue.Positive)]
    [InlineData("\"label\": \"yes\"", OpinionValue.Positive)]
    [InlineData("\"label\": \"purple\"", OpinionValue.Neutral)]
    public void An_opinion_is_negative_neutral_or_positive(string opinion, object value) => Assert.Equal(value, ValueOf(opinion, new ExplicitFeedbackOptions()));

    [Fact]
    public void The_operator_says_where_negative_ends()
    {
        var strict = new ExplicitFeedbackOptions { NegativeStars = 4, NegativeScore = 0.7 };
        Assert.Equal([OpinionValue.Negative, OpinionValue.Positive, OpinionValue.Negative, OpinionValue.Positive], new[] { "\"stars\": 4", "\"stars\": 5", "\"score\": 0.6", "\"score\": 0.7" }.Select(opinion => ValueOf(opinion, strict)));

        var lenient = new ExplicitFeedbackOptions { NegativeStars = 1, NegativeScore = 0.2 };
        Assert.Equal([OpinionValue.Neutral, OpinionValue.Neutral, OpinionValue.Negative], new[] { "\"stars\": 2", "\"score\": 0.3", "\"score\": 0.1" }.Select(opinion => ValueOf(opinion, lenient)));
    }

    private static OpinionValue ValueOf(string opinion, ExplicitFeedbackOptions options)
    {
        var problems = new FeedbackProblems();
        var item = Assert.Single(FeedbackReader.Read(Encoding.UTF8.GetBytes($$"""{ "session_id": "s", {{opinion}} }"""), 1, problems));
        return FeedbackScale.ValueOf(item, options);
    }
}
