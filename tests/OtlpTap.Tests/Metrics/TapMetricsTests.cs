using System.Text;
using Grpc.Core;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Metrics;

public sealed class TapMetricsTests
{
    [Fact]
    public async Task Promtool_accepts_every_metric_without_a_remark()
    {
        var promtool = ExternalProgram.Require("promtool", "prometheus");
        var metrics = new TapMetrics("1.2.3+abc", TimeProvider.System);
        var failures = new FailureMetrics(metrics.Factory, [new RuleLabels("tool_error", "tool_error")]);
        var forward = new ForwardMetrics(metrics.Factory, "otlp_grpc/tempo");
        _ = new ReceiverMetrics(metrics.Factory, "otlp/agents", ReceiverMetrics.Grpc);
        metrics.Receive.RequestReceived(Signal.Traces, 1000);
        metrics.Receive.RequestAnswered(Signal.Traces, StatusCode.OK, TimeSpan.FromMilliseconds(3));
        var exporter = new ExporterMetrics(metrics.Factory, "otlp_grpc/tempo");
        exporter.QueueSampled(Signal.Traces, 1, 2, 3);
        exporter.InFlightSampled(Signal.Traces, 1);
        forward.CallStarted(Signal.Traces, requests: 2, bytes: 2000);
        failures.SpanFailed(0, "a \"quoted\"\\ name\nin two lines, é and \ud83d\ude00"u8);
        failures.SpanFailed(0, [0xff, 0xfe, (byte)'x']);
        var scrape = await Scrape.OfAsync(metrics);

        using var input = new MemoryStream(Encoding.UTF8.GetBytes(scrape.Text));
        var result = await promtool.RunAsync(["check", "metrics"], input, TestContext.Current.CancellationToken);

        Assert.Equal((0, "", ""), result);
    }

    [Fact]
    public async Task Requests_are_told_by_signal_and_replies_by_code_and_refusals_by_reason()
    {
        var metrics = new TapMetrics("1.2.3", TimeProvider.System);
        metrics.Receive.RequestReceived(Signal.Logs, 1000);
        metrics.Receive.RequestReceived(Signal.Logs, 500);
        metrics.Receive.ItemsReceived(Signal.Logs, 7);
        metrics.Receive.RequestAnswered(Signal.Logs, StatusCode.Unavailable, TimeSpan.FromMilliseconds(3));
        metrics.Receive.RequestAnswered(Signal.Logs, (StatusCode)99, TimeSpan.FromSeconds(30));
        metrics.Receive.RequestRefused(Signal.Traces, Refusal.InFlightFull);
        metrics.Receive.InFlightSampled(10, 20);

        var scrape = await Scrape.OfAsync(metrics);

        Assert.Equal(2, scrape["otlptap_received_requests_total{signal=\"logs\"}"]);
        Assert.Equal(1500, scrape["otlptap_received_bytes_total{signal=\"logs\"}"]);
        Assert.Equal(7, scrape["otlptap_received_items_total{signal=\"logs\"}"]);
        Assert.Equal(0, scrape["otlptap_received_items_total{signal=\"traces\"}"]);
        Assert.Equal(1, scrape["otlptap_replies_total{signal=\"logs\",code=\"UNAVAILABLE\"}"]);
        Assert.Equal(1, scrape["otlptap_replies_total{signal=\"logs\",code=\"UNKNOWN\"}"]);
        Assert.Equal(1, scrape["otlptap_reply_duration_seconds_bucket{signal=\"logs\",le=\"0.004\"}"]);
        Assert.Equal(0, scrape["otlptap_reply_duration_seconds_bucket{signal=\"logs\",le=\"0.002\"}"]);
        Assert.Equal(2, scrape["otlptap_reply_duration_seconds_count{signal=\"logs\"}"]);
        Assert.Equal(1, scrape["otlptap_refused_requests_total{signal=\"traces\",reason=\"in_flight_full\"}"]);
        Assert.Equal((10, 20), (scrape["otlptap_in_flight_bytes"], scrape["otlptap_in_flight_limit_bytes"]));
    }

    [Fact]
    public async Task Every_reason_and_every_code_has_a_series_of_its_own()
    {
        var metrics = new TapMetrics("1.2.3", TimeProvider.System);
        foreach (var reason in Enum.GetValues<Refusal>())
        {
            metrics.Receive.RequestRefused(Signal.Traces, reason);
        }

        foreach (var code in Enum.GetValues<StatusCode>())
        {
            metrics.Receive.RequestAnswered(Signal.Traces, code, TimeSpan.Zero);
        }

        var scrape = await Scrape.OfAsync(metrics);

        var reasons = scrape.SeriesOf("otlptap_refused_requests_total").Where(series => series.Contains("traces", StringComparison.Ordinal)).ToList();
        var codes = scrape.SeriesOf("otlptap_replies_total").Where(series => series.Contains("traces", StringComparison.Ordinal)).ToList();
        Assert.Equal(Enum.GetValues<Refusal>().Length, reasons.Count);
        Assert.Equal(Enum.GetValues<StatusCode>().Length, codes.Count);
        Assert.All([.. reasons, .. codes], series => Assert.Equal(1, scrape[series]));
    }

    [Fact]
    public async Task The_runtime_and_the_process_are_read_at_each_scrape()
    {
        var metrics = new TapMetrics("1.2.3+abc", TimeProvider.System);
        var before = await Scrape.OfAsync(metrics);
        GC.KeepAlive(new byte[10_000_000]);
        GC.Collect();

        var after = await Scrape.OfAsync(metrics);

        Assert.Equal(1, after[$"otlptap_build_info{{version=\"1.2.3+abc\",dotnet=\"{Environment.Version}\"}}"]);
        Assert.InRange(after["dotnet_gc_allocated_bytes_total"] - before["dotnet_gc_allocated_bytes_total"], 10_000_000, double.MaxValue);
        Assert.True(after["dotnet_gc_pause_seconds_total"] > 0);
        Assert.True(after.SeriesOf("dotnet_gc_heap_bytes").Sum(series => after[series]) > 0);
        Assert.True(after["dotnet_gc_committed_bytes"] > 0);
        Assert.True(after["process_resident_memory_bytes"] > 0);
        Assert.True(after["process_cpu_seconds_total"] > 0);
        Assert.True(after["dotnet_threadpool_threads"] > 0);
    }

    [Fact]
    public async Task Two_taps_in_one_process_do_not_count_for_each_other()
    {
        var (first, second) = (new TapMetrics("1.2.3", TimeProvider.System), new TapMetrics("1.2.3", TimeProvider.System));
        first.Receive.RequestReceived(Signal.Traces, 1);

        Assert.Equal(1, (await Scrape.OfAsync(first))["otlptap_received_requests_total{signal=\"traces\"}"]);
        Assert.Equal(0, (await Scrape.OfAsync(second))["otlptap_received_requests_total{signal=\"traces\"}"]);
    }

    [Fact]
    public async Task Values_that_are_sampled_are_sampled_before_each_scrape()
    {
        var metrics = new TapMetrics("1.2.3", TimeProvider.System);
        var taken = 0;
        metrics.OnScrape(() => metrics.Receive.InFlightSampled(++taken, 100));

        Assert.Equal(1, (await Scrape.OfAsync(metrics))["otlptap_in_flight_bytes"]);
        Assert.Equal(2, (await Scrape.OfAsync(metrics))["otlptap_in_flight_bytes"]);
    }
}
