using OtlpTap.Metrics;

namespace OtlpTap.Tests.Metrics;

public sealed class HealthMetricsTests
{
    /// <summary>A tap in front may send any kind of failure for any step: each bound holds, and so must their product.</summary>
    [Fact]
    public async Task Any_failure_of_any_step_is_not_a_series_of_its_own()
    {
        var metrics = new TapMetrics("1.2.3");
        for (var step = 0; step < HealthMetrics.SeriesMax; step++)
        {
            for (var failure = 0; failure < 20; failure++)
            {
                metrics.Health.Stepped("shop", "planner", "tool", $"tool{step}", $"failure{failure}", null, 0, 0);
            }
        }

        var scrape = await Scrape.OfAsync(metrics);

        var series = scrape.SeriesOf("otlptap_step_failures_total");
        Assert.InRange(series.Count, HealthMetrics.FailureSeriesMax, HealthMetrics.FailureSeriesMax + HealthMetrics.SeriesMax);
        Assert.Equal(20 * HealthMetrics.SeriesMax, series.Sum(one => scrape[one]));
    }
}
