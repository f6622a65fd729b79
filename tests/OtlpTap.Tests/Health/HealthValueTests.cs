using OtlpTap.Health;

namespace OtlpTap.Tests.Health;

public sealed class HealthValueTests
{
    [Theory]
    [InlineData("tool.calls_1m", HealthSubject.Tool, HealthMeasure.Count, HealthWindow.Minute, "", 0)]
    [InlineData("tool.errors_5m", HealthSubject.Tool, HealthMeasure.Errors, HealthWindow.FiveMinutes, "", 0)]
    [InlineData("tool.errors.ratio_1h", HealthSubject.Tool, HealthMeasure.ErrorRatio, HealthWindow.Hour, "", 0)]
    [InlineData("llm.latency.p95_5m", HealthSubject.Llm, HealthMeasure.Latency, HealthWindow.FiveMinutes, "", 0.95)]
    [InlineData("run.latency.p50_1m", HealthSubject.Run, HealthMeasure.Latency, HealthWindow.Minute, "", 0.5)]
    [InlineData("llm.errors.content_filter_5m", HealthSubject.Llm, HealthMeasure.Errors, HealthWindow.FiveMinutes, "content_filter", 0)]
    [InlineData("llm.errors.content_filter.ratio_5m", HealthSubject.Llm, HealthMeasure.ErrorRatio, HealthWindow.FiveMinutes, "content_filter", 0)]
    [InlineData("hallucination.count_1h", HealthSubject.Failure, HealthMeasure.Count, HealthWindow.Hour, "hallucination", 0)]
    [InlineData("hallucination.ratio_1h", HealthSubject.Failure, HealthMeasure.ErrorRatio, HealthWindow.Hour, "hallucination", 0)]
    [InlineData("feedback.count_1h", HealthSubject.Feedback, HealthMeasure.Count, HealthWindow.Hour, "", 0)]
    [InlineData("feedback.negative_1h", HealthSubject.Feedback, HealthMeasure.NegativeCount, HealthWindow.Hour, "", 0)]
    [InlineData("feedback.negative.ratio_1h", HealthSubject.Feedback, HealthMeasure.NegativeRatio, HealthWindow.Hour, "", 0)]
    [InlineData("evaluation.relevance.mean_1h", HealthSubject.Evaluation, HealthMeasure.Mean, HealthWindow.Hour, "relevance", 0)]
    [InlineData("evaluation.answer.relevance.count_1h", HealthSubject.Evaluation, HealthMeasure.Count, HealthWindow.Hour, "answer.relevance", 0)]
    [InlineData("grounding.mean_1h", HealthSubject.Grounding, HealthMeasure.Mean, HealthWindow.Hour, "", 0)]
    [InlineData("tokens.input_1m", HealthSubject.Tokens, HealthMeasure.Sum, HealthWindow.Minute, "input", 0)]
    [InlineData("tokens.total_1m", HealthSubject.Tokens, HealthMeasure.Sum, HealthWindow.Minute, "total", 0)]
    public void A_name_is_read_and_written_again(string name, object subject, object measure, object window, string inner, double quantile)
    {
        Assert.True(HealthValue.TryParse(name, out var value, out var error), error);

        Assert.Equal(new HealthValue((HealthSubject)subject, (HealthMeasure)measure, (HealthWindow)window, inner, quantile), value);
        Assert.Equal(name, value.ToString());
    }

    [Theory]
    [InlineData("tool.call_1m", "tool.calls_1m")]
    [InlineData("tool.calls", "tool.calls_1m")]
    [InlineData("tool.calls_2m", "tool.calls_1m")]
    [InlineData("llm.latency.p96_5m", "llm.latency.p90_5m")]
    [InlineData("halucination.ratios_1h", "hallucination.ratio_1h")]
    [InlineData("feedback.negative.rato_1h", "feedback.negative.ratio_1h")]
    [InlineData("tool.count_1h", "tool.calls_1h")]
    [InlineData("tokens.all_1m", "tokens.total_1m")]
    [InlineData("", "llm.calls_1m")]
    public void A_name_that_is_none_is_told_with_the_nearest_and_where_all_are(string name, string nearest)
    {
        Assert.False(HealthValue.TryParse(name, out _, out var error));

        Assert.Equal($"`{name}` is no value: the nearest is `{nearest}`; docs/health.md has them all", error);
    }

    [Fact]
    public void Every_value_that_is_listed_has_a_name_of_its_own_that_is_read_again()
    {
        var values = HealthValueNames.All(["hallucination", "tool_error"], ["relevance"]).ToList();

        Assert.Equal(values.Count, values.Select(value => value.ToString()).Distinct().Count());
        Assert.All(values, value => Assert.True(HealthValue.TryParse(value.ToString(), out var again, out var error) && again == value, error));
    }

    [Fact]
    public void A_name_as_long_as_a_page_is_refused_in_no_time()
    {
        Assert.False(HealthValue.TryParse(new string('x', 100_000), out _, out var error));
        Assert.NotNull(error);
    }
}
