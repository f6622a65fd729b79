using OtlpTap.Metrics;

namespace OtlpTap.Tests.Metrics;

public sealed class HealthMetricsTests
{
    /// <summary>A tap in front may send any kind of failure for any step: each bound holds, and so must their product.</summary>
    [Fact]
    public async Task Any_failure_of_any_step_is_not_a_series_of_its_own()
    {
        var metrics = new TapMetrics("1.2.3", TimeProvider.System);
        metrics.OnScrape(metrics.Health.PublishSteps);
        for (var step = 0; step < HealthMetrics.SeriesMax; step++)
        {
            var totals = metrics.Health.StepOf("shop", "planner", HealthMetrics.ToolStep, $"tool{step}");
            for (var failure = 0; failure < 20; failure++)
            {
                metrics.Health.Failed(totals, $"failure{failure}");
            }
        }

        var scrape = await Scrape.OfAsync(metrics);

        var series = scrape.SeriesOf("otlptap_step_failures_total");
        Assert.InRange(series.Count, HealthMetrics.FailureSeriesMax, HealthMetrics.FailureSeriesMax + HealthMetrics.SeriesMax);
        Assert.Equal(20 * HealthMetrics.SeriesMax, series.Sum(one => scrape[one]));
    }

    /// <summary>They are told bucket by bucket, not one by one.</summary>
    [Fact]
    public async Task Steps_between_scrapes_are_told_as_if_each_had_been_told_alone()
    {
        double[] took = [0.02, 0.05, 0.050001, 0.07, 3, 3, 299.9, 300, 301, 1000];
        var metrics = new TapMetrics("1.2.3", TimeProvider.System);
        metrics.OnScrape(metrics.Health.PublishSteps);
        var step = metrics.Health.StepOf("shop", "planner", HealthMetrics.LlmStep, "m");
        foreach (var seconds in took)
        {
            step.Add(seconds, 10, 1);
        }

        step.Add(null, 0, 0);
        _ = await Scrape.OfAsync(metrics);
        step.Add(0.3, 0, 0);
        var scrape = await Scrape.OfAsync(metrics);

        Assert.Equal(12, scrape["otlptap_steps_total{service=\"shop\",agent=\"planner\",kind=\"llm\",name=\"m\"}"]);
        Assert.Equal(100, scrape["otlptap_tokens_total{service=\"shop\",model=\"m\",direction=\"input\"}"]);
        Assert.Equal(took.Sum() + 0.3, scrape["otlptap_step_duration_seconds_sum{service=\"shop\",kind=\"llm\",name=\"m\"}"], 6);
        foreach (var bound in StepTotals.SecondsBuckets)
        {
            var label = bound.ToString(System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal(took.Append(0.3).Count(seconds => seconds <= bound), scrape[$"otlptap_step_duration_seconds_bucket{{service=\"shop\",kind=\"llm\",name=\"m\",le=\"{label}\"}}"]);
        }
    }

    /// <summary>A share of failures above 1 would be an alert about nothing.</summary>
    [Fact]
    public async Task A_failure_is_told_with_its_step_and_not_before()
    {
        var metrics = new TapMetrics("1.2.3", TimeProvider.System);
        var step = metrics.Health.StepOf("shop", "planner", HealthMetrics.ToolStep, "search");
        step.Add(1, 0, 0);
        metrics.Health.Failed(step, "tool_error");
        metrics.Health.Failed(step, "tool_error");
        const string Failures = "otlptap_step_failures_total{service=\"shop\",agent=\"planner\",kind=\"tool\",name=\"search\",failure=\"tool_error\"}";

        Assert.Equal(0, (await Scrape.OfAsync(metrics))[Failures]);
        metrics.Health.PublishSteps();
        metrics.Health.PublishSteps();

        Assert.Equal(2, (await Scrape.OfAsync(metrics))[Failures]);
    }
}
