using OtlpTap.Evaluations;

namespace OtlpTap.Tests.Configuration;

public sealed class EvaluationSectionTests
{
    [Fact]
    public void Metrics_are_known_by_their_names_in_any_spelling()
    {
        var options = Configured.Valid("processors: { tap: { evaluations: { metrics: { MyScore: { good: high, threshold: 0.7, failure: hallucination }, tone: { good: low } } } } }").Processor.Evaluations;

        Assert.True(options.IsEnabled);
        Assert.Equal(new MetricOverride(GoodEnd.High, 0.7, "hallucination"), options.Metrics["my_score"]);
        Assert.Equal(new MetricOverride(GoodEnd.Low), options.Metrics["tone"]);
    }

    [Fact]
    public void Nothing_is_said_of_any_metric_by_default() => Assert.Empty(Configured.Valid("processors: { tap: {} }").Processor.Evaluations.Metrics);

    [Theory]
    [InlineData("metrics: { a: { good: up } }", "processors.tap.evaluations.metrics.a.good")]
    [InlineData("metrics: { a: { threshold: high } }", "processors.tap.evaluations.metrics.a.threshold")]
    [InlineData("metrics: { a: { failure: 'not a word' } }", "processors.tap.evaluations.metrics.a.failure")]
    [InlineData("metrics: { a: { god: high } }", "processors.tap.evaluations.metrics.a.god")]
    [InlineData("metrics: { MyScore: { good: high }, my-score: { good: low } }", "processors.tap.evaluations.metrics.my-score")]
    [InlineData("metrics: { '---': { good: high } }", "processors.tap.evaluations.metrics.---")]
    [InlineData("metrics: { a: 5 }", "processors.tap.evaluations.metrics.a")]
    [InlineData("metric: {}", "processors.tap.evaluations.metric")]
    public void What_is_wrong_is_named_by_its_key(string evaluations, string key) =>
        Assert.Contains(key, Assert.Single(Configured.Problems($"processors: {{ tap: {{ evaluations: {{ {evaluations} }} }} }}")), StringComparison.Ordinal);
}
