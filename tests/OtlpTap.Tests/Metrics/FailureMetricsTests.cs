using System.Text;
using OtlpTap.Metrics;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Metrics;

public sealed class FailureMetricsTests
{
    private static readonly RuleLabels[] Rules = [new("tool_error", "tool_error"), new("refund", "planning_error"), new("quiet", "other", IsCounted: false)];

    private readonly TapMetrics _metrics = new("1.2.3", TimeProvider.System);

    [Fact]
    public async Task What_is_no_failure_is_counted_as_a_mark()
    {
        var failures = new FailureMetrics(_metrics.Factory, [new RuleLabels("liked", "positive_feedback", IsMark: true)]);

        failures.SpanFailed(0, "shop"u8);

        var scrape = await Scrape.OfAsync(_metrics);
        Assert.Equal(1, scrape["otlptap_marked_spans_total{mark=\"positive_feedback\",rule=\"liked\",service=\"shop\"}"]);
        Assert.Empty(scrape.SeriesOf("otlptap_failing_spans_total"));
    }

    [Fact]
    public async Task A_failing_span_is_counted_by_failure_and_rule_and_service()
    {
        var failures = new FailureMetrics(_metrics.Factory, Rules);
        failures.SpanFailed(0, "shop"u8);
        failures.SpanFailed(1, "shop"u8);
        failures.SpanFailed(1, "shop"u8);
        failures.SpanFailed(0, ""u8);

        var scrape = await Scrape.OfAsync(_metrics);

        Assert.Equal(1, scrape["otlptap_failing_spans_total{failure=\"tool_error\",rule=\"tool_error\",service=\"shop\"}"]);
        Assert.Equal(2, scrape["otlptap_failing_spans_total{failure=\"planning_error\",rule=\"refund\",service=\"shop\"}"]);
        Assert.Equal(1, scrape["otlptap_failing_spans_total{failure=\"tool_error\",rule=\"tool_error\",service=\"unknown_service\"}"]);
    }

    [Fact]
    public async Task A_rule_that_is_not_to_be_counted_takes_no_place_and_no_series()
    {
        var failures = new FailureMetrics(_metrics.Factory, Rules, servicesMax: 1);
        failures.SpanFailed(2, "quiet-service"u8);
        failures.SpanFailed(0, "shop"u8);

        var scrape = await Scrape.OfAsync(_metrics);

        Assert.Equal(["otlptap_failing_spans_total{failure=\"tool_error\",rule=\"tool_error\",service=\"shop\"}"], scrape.SeriesOf("otlptap_failing_spans_total"));
    }

    [Fact]
    public async Task Services_beyond_the_bound_and_names_beyond_reading_are_counted_as_other()
    {
        var failures = new FailureMetrics(_metrics.Factory, Rules, servicesMax: 2);
        foreach (var service in new[] { "a", new string('x', FailureMetrics.ServiceNameBytesMax + 1), "b", "c", "a", "d", "b" })
        {
            failures.SpanFailed(0, Encoding.UTF8.GetBytes(service));
        }

        var scrape = await Scrape.OfAsync(_metrics);

        Assert.Equal(2, scrape["otlptap_failing_spans_total{failure=\"tool_error\",rule=\"tool_error\",service=\"a\"}"]);
        Assert.Equal(2, scrape["otlptap_failing_spans_total{failure=\"tool_error\",rule=\"tool_error\",service=\"b\"}"]);
        Assert.Equal(3, scrape["otlptap_failing_spans_total{failure=\"tool_error\",rule=\"tool_error\",service=\"other\"}"]);
        Assert.Equal(3, scrape["otlptap_failing_spans_other_total"]);
        Assert.Equal(3, scrape.SeriesOf("otlptap_failing_spans_total").Count);
    }

    [Fact]
    public async Task The_bound_holds_and_nothing_is_lost_when_many_threads_bring_new_services_at_once()
    {
        const int Threads = 4;
        const int Spans = 20_000;
        var failures = new FailureMetrics(_metrics.Factory, Rules, servicesMax: 50);
        using var start = new Barrier(Threads);
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait(Deadline.Token());
                for (var i = 0; i < Spans; i++)
                {
                    failures.SpanFailed(i & 1, Encoding.UTF8.GetBytes($"service-{(i * (thread + 1)) % 120}"));
                }
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));

        var scrape = await Scrape.OfAsync(_metrics);

        var series = scrape.SeriesOf("otlptap_failing_spans_total");
        Assert.Equal(Threads * Spans, series.Sum(name => scrape[name]));
        Assert.InRange(series.Select(name => name[name.IndexOf("service=", StringComparison.Ordinal)..]).Distinct().Count(), 40, 51);
    }

    [Fact]
    public void A_known_service_is_counted_without_allocating()
    {
        var failures = new FailureMetrics(_metrics.Factory, Rules);
        var service = "shop"u8.ToArray();
        for (var i = 0; i < 100; i++)
        {
            failures.SpanFailed(0, service);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            failures.SpanFailed(0, service);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
