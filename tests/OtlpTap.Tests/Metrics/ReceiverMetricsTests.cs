using Microsoft.Extensions.Time.Testing;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Metrics;

public sealed class ReceiverMetricsTests
{
    private readonly TapMetrics _metrics = new("1.2.3", TimeProvider.System);

    [Fact]
    public async Task Items_are_accepted_or_refused_by_receiver_and_transport()
    {
        var grpc = new ReceiverMetrics(_metrics.Factory, "otlp/agents", ReceiverMetrics.Grpc);
        var http = new ReceiverMetrics(_metrics.Factory, "otlp/agents", ReceiverMetrics.Http);
        grpc.Answered(Signal.Traces, received: 10, rejected: 0, isAccepted: true);
        grpc.Answered(Signal.Traces, received: 5, rejected: 2, isAccepted: true);
        grpc.Answered(Signal.Traces, received: 4, rejected: 1, isAccepted: false);
        http.Answered(Signal.Logs, received: 7, rejected: 0, isAccepted: true);
        http.Refused(Signal.Metrics, 3);
        http.NotAnswered(Signal.Metrics, 1, hasSenderLeft: true);
        http.NotAnswered(Signal.Metrics, 2, hasSenderLeft: false);

        var scrape = await Scrape.OfAsync(_metrics);

        Assert.Equal(13, scrape["otelcol_receiver_accepted_spans_total{receiver=\"otlp/agents\",transport=\"grpc\"}"]);
        Assert.Equal(6, scrape["otelcol_receiver_refused_spans_total{receiver=\"otlp/agents\",transport=\"grpc\"}"]);
        Assert.Equal(0, scrape["otelcol_receiver_accepted_spans_total{receiver=\"otlp/agents\",transport=\"http\"}"]);
        Assert.Equal(7, scrape["otelcol_receiver_accepted_log_records_total{receiver=\"otlp/agents\",transport=\"http\"}"]);
        Assert.Equal(4, scrape["otelcol_receiver_refused_metric_points_total{receiver=\"otlp/agents\",transport=\"http\"}"]);
        Assert.Equal(2, scrape["otelcol_receiver_failed_metric_points_total{receiver=\"otlp/agents\",transport=\"http\"}"]);
    }

    [Fact]
    public void Counting_allocates_nothing()
    {
        var receiver = new ReceiverMetrics(_metrics.Factory, "otlp", ReceiverMetrics.Grpc);
        receiver.Answered(Signal.Traces, 10, 1, isAccepted: true);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            receiver.Answered(Signal.Traces, 10, 1, isAccepted: true);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task The_memory_limiter_accepted_what_was_received()
    {
        _metrics.Receive.ItemsReceived(Signal.Logs, 7);
        _metrics.MemoryLimiter.Refused(Signal.Logs, 2);

        var scrape = await Scrape.OfAsync(_metrics);

        Assert.Equal(7, scrape["otelcol_processor_memory_limiter_accepted_log_records_total{processor=\"memory_limiter\"}"]);
        Assert.Equal(2, scrape["otelcol_processor_memory_limiter_refused_log_records_total{processor=\"memory_limiter\"}"]);
    }

    [Fact]
    public async Task The_process_is_told_under_the_names_of_the_Collector()
    {
        var time = new FakeTimeProvider();
        var metrics = new TapMetrics("1.2.3", time);
        time.Advance(TimeSpan.FromSeconds(90.5));

        var scrape = await Scrape.OfAsync(metrics);

        Assert.Equal(90.5, scrape["otelcol_process_uptime_seconds_total"]);
        Assert.True(scrape["otelcol_process_cpu_seconds_total"] > 0);
        Assert.True(scrape["otelcol_process_memory_rss_bytes"] > 1 << 20);
        Assert.True(scrape["otelcol_process_runtime_heap_alloc_bytes"] > 0);
        Assert.True(scrape["otelcol_process_runtime_total_alloc_bytes_total"] > 0);
        GC.Collect();
        Assert.True((await Scrape.OfAsync(metrics))["otelcol_process_runtime_total_sys_memory_bytes"] > 0);
    }
}
