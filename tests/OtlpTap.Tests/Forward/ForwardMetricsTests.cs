using System.Text;
using Grpc.Core;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Tests.Forward;

public sealed class ForwardMetricsTests
{
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly ForwardMetrics _metrics;

    public ForwardMetricsTests()
    {
        _metrics = new ForwardMetrics(Prometheus.Metrics.WithCustomRegistry(_registry), "otlp_grpc/tempo");
    }

    [Fact]
    public async Task A_call_shows_in_requests_bytes_batch_size_duration_and_while_it_lasts_in_flight()
    {
        _metrics.CallStarted(Signal.Logs, requests: 3, bytes: 1500);
        await AssertShowsAsync("otlptap_upstream_calls_in_flight{exporter=\"otlp_grpc/tempo\"} 1");
        _metrics.CallEnded(Signal.Logs, TimeSpan.FromMilliseconds(3));

        await AssertShowsAsync(
            "otlptap_upstream_calls_in_flight{exporter=\"otlp_grpc/tempo\"} 0",
            "otlptap_forwarded_requests_total{exporter=\"otlp_grpc/tempo\",signal=\"logs\"} 3",
            "otlptap_forwarded_bytes_total{exporter=\"otlp_grpc/tempo\",signal=\"logs\"} 1500",
            "otlptap_forwarded_bytes_total{exporter=\"otlp_grpc/tempo\",signal=\"traces\"} 0",
            "otlptap_upstream_call_requests_sum{exporter=\"otlp_grpc/tempo\"} 3",
            "otlptap_upstream_call_duration_seconds_bucket{exporter=\"otlp_grpc/tempo\",signal=\"logs\",le=\"0.002\"} 0",
            "otlptap_upstream_call_duration_seconds_bucket{exporter=\"otlp_grpc/tempo\",signal=\"logs\",le=\"0.004\"} 1");
    }

    [Fact]
    public async Task Every_status_that_gRPC_has_is_counted_under_its_own_name()
    {
        foreach (var status in Enum.GetValues<StatusCode>())
        {
            _metrics.Replied(status);
        }

        _metrics.Replied(StatusCode.Unauthenticated);
        _metrics.Replied(StatusCode.Unavailable);
        _metrics.Replied(StatusCode.Unavailable);

        await AssertShowsAsync(
            "otlptap_forward_replies_total{exporter=\"otlp_grpc/tempo\",code=\"OK\"} 1",
            "otlptap_forward_replies_total{exporter=\"otlp_grpc/tempo\",code=\"DEADLINE_EXCEEDED\"} 1",
            "otlptap_forward_replies_total{exporter=\"otlp_grpc/tempo\",code=\"UNAVAILABLE\"} 3",
            "otlptap_forward_replies_total{exporter=\"otlp_grpc/tempo\",code=\"UNAUTHENTICATED\"} 2");
    }

    [Fact]
    public async Task Each_way_to_fail_has_a_cause_of_its_own()
    {
        _metrics.ConnectFailed();
        _metrics.ConnectionLost();
        _metrics.TimedOut();
        _metrics.NotGrpc();
        _metrics.Malformed();
        _metrics.Faulted();

        foreach (var cause in new[] { "connect_failed", "connection_lost", "timed_out", "not_grpc", "malformed", "internal_error" })
        {
            await AssertShowsAsync($"otlptap_upstream_failures_total{{exporter=\"otlp_grpc/tempo\",cause=\"{cause}\"}} 1");
        }
    }

    [Fact]
    public async Task Exporters_share_the_families_and_count_apart()
    {
        var other = new ForwardMetrics(Prometheus.Metrics.WithCustomRegistry(_registry), "otlp_grpc/mimir");

        _metrics.Resent();
        other.Resent();
        other.Resent();

        await AssertShowsAsync(
            "otlptap_forward_resent_requests_total{exporter=\"otlp_grpc/tempo\"} 1",
            "otlptap_forward_resent_requests_total{exporter=\"otlp_grpc/mimir\"} 2");
    }

    [Fact]
    public async Task Items_are_sent_when_they_were_accepted_and_failed_when_they_were_rejected_or_nobody_sends_them_again()
    {
        _metrics.Answered(Signal.Traces, 10, ExportReply.Accepted, isLastWord: true);
        _metrics.Answered(Signal.Traces, 10, new ExportReply(StatusCode.OK, "", new PartialSuccess(3, "too old").ToResponse(), []), isLastWord: false);
        _metrics.Answered(Signal.Logs, 10, new ExportReply(StatusCode.OK, "", new PartialSuccess(11, "more than there were").ToResponse(), []), isLastWord: true);
        _metrics.Answered(Signal.Metrics, 10, new ExportReply(StatusCode.Unavailable, "", default, []), isLastWord: true);
        _metrics.Answered(Signal.Metrics, 10, new ExportReply(StatusCode.Unavailable, "", default, []), isLastWord: false);

        await AssertShowsAsync(
            "otelcol_exporter_sent_spans_total{exporter=\"otlp_grpc/tempo\"} 17",
            "otelcol_exporter_send_failed_spans_total{exporter=\"otlp_grpc/tempo\"} 3",
            "otelcol_exporter_sent_log_records_total{exporter=\"otlp_grpc/tempo\"} 0",
            "otelcol_exporter_send_failed_log_records_total{exporter=\"otlp_grpc/tempo\"} 10",
            "otelcol_exporter_send_failed_metric_points_total{exporter=\"otlp_grpc/tempo\"} 10");
    }

    private async Task AssertShowsAsync(params string[] lines)
    {
        using var text = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(text, Deadline.Token());
        var shown = Encoding.UTF8.GetString(text.ToArray()).Split('\n');
        Assert.All(lines, line => Assert.Contains(line, shown));
    }
}
