using Google.Protobuf;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Metrics.V1;
using OpenTelemetry.Proto.Metrics.V1;
using OpenTelemetry.Proto.Resource.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.EndToEnd;
using Metric = OpenTelemetry.Proto.Metrics.V1.Metric;

namespace OtlpTap.Tests.Stack;

/// <summary>Agents' metrics through the tap to a real Prometheus, over its OTLP endpoint. Where the machine has one, which CI has not.</summary>
public sealed class MetricsToPrometheusTests
{
    private const ulong Minute = 60_000_000_000;

    private static readonly ulong Now = (ulong)DateTimeOffset.UtcNow.ToUnixTimeSeconds() * 1_000_000_000;
    private static readonly ulong Start = Now - Minute;

    [Theory]
    [InlineData("none")]
    [InlineData("gzip")]
    public async Task Every_sort_of_metric_arrives_under_the_name_that_Prometheus_gives_it(string compression)
    {
        await using var prometheus = await PrometheusServer.OfOtlpAsync();
        await using var tap = await TapAsync(prometheus, compression);

        await tap.ExportAsync(Signal.Metrics, Of(Queue(4.5, Now)));
        await tap.ExportAsync(Signal.Metrics, Of(Calls(AggregationTemporality.Cumulative), Duration(), Tokens()));

        Assert.Equal("4.5", await prometheus.ValueAsync("""queue_size{job="shop", instance="one", gen_ai_agent_name="planner"}"""));
        Assert.Equal("7", await prometheus.ValueAsync("""agent_calls_total{job="shop"}"""));
        Assert.Equal("3", await prometheus.ValueAsync("gen_ai_client_operation_duration_seconds_count"));
        Assert.Equal("1", await prometheus.ValueAsync("""gen_ai_client_operation_duration_seconds_bucket{le="0.5"}"""));
        Assert.Equal("3", await prometheus.ValueAsync("histogram_count(gen_ai_client_token_usage)"));
        Assert.Equal("1", await prometheus.ValueAsync("""target_info{job="shop", host_name="a"}"""));
        Assert.Equal(2, await tap.MetricAsync("otlptap_forward_replies_total{exporter=\"otlp_http/prometheus\",code=\"OK\"}"));
    }

    [Fact]
    public async Task What_comes_late_is_taken_for_half_an_hour()
    {
        await using var prometheus = await PrometheusServer.OfOtlpAsync();
        await using var tap = await TapAsync(prometheus);

        await tap.ExportAsync(Signal.Metrics, Of(Queue(2, Now)));
        await tap.ExportAsync(Signal.Metrics, Of(Queue(1, Now - (10 * Minute))));

        Assert.Equal("2", await prometheus.ValueAsync("queue_size"));
        Assert.Equal("2", await prometheus.ValueAsync("count_over_time(queue_size[30m])"));
        var refusal = await tap.RefusalOfAsync(Signal.Metrics, Of(Queue(0, Now - (120 * Minute))));
        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.StartsWith("too old sample", refusal.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_what_it_cannot_take_the_sender_is_told_in_its_words_and_not_to_come_again()
    {
        await using var prometheus = await PrometheusServer.OfOtlpAsync();
        await using var tap = await TapAsync(prometheus);

        var refusal = await tap.RefusalOfAsync(Signal.Metrics, Of(Calls(AggregationTemporality.Delta)));

        // 500, which is not to be sent again in OTLP/HTTP.
        Assert.Equal((StatusCode.Internal, "invalid temporality and type combination for metric \"agent.calls\""), (refusal.StatusCode, refusal.Status.Detail));
    }

    [Fact]
    public async Task Zstd_it_does_not_take()
    {
        await using var prometheus = await PrometheusServer.OfOtlpAsync();
        await using var tap = await TapAsync(prometheus, "zstd");

        var refusal = await tap.RefusalOfAsync(Signal.Metrics, Of(Queue(1, Now), Duration(), Tokens()));

        Assert.StartsWith("unsupported compression: zstd.", refusal.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_its_flag_the_sender_is_told_what_is_not_there()
    {
        await using var prometheus = await PrometheusServer.OfOtlpAsync(isEnabled: false);
        await using var tap = await TapAsync(prometheus);

        var refusal = await tap.RefusalOfAsync(Signal.Metrics, Of(Queue(1, Now)));

        Assert.Equal(StatusCode.Unimplemented, refusal.StatusCode);
        Assert.Contains("otlp write receiver needs to be enabled", refusal.Status.Detail, StringComparison.Ordinal);
    }

    private static Task<RunningTap> TapAsync(PrometheusServer prometheus, string compression = "none") => RunningTap.ConfiguredAsync(directory => $$"""
        receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
        processors: { tap: { corpus: { directory: '{{directory}}' } } }
        exporters: { otlp_http/prometheus: { endpoint: "http://{{prometheus.Endpoint}}/api/v1/otlp", compression: {{compression}} } }
        service:
          admin: { endpoint: "127.0.0.1:0" }
          pipelines: { metrics: { receivers: [otlp], processors: [tap], exporters: [otlp_http/prometheus] } }
        """);

    private static byte[] Of(params Metric[] metrics) => new ExportMetricsServiceRequest
    {
        ResourceMetrics =
        {
            new ResourceMetrics
            {
                Resource = new Resource { Attributes = { TraceBuilder.Attribute("service.name", "shop"), TraceBuilder.Attribute("service.instance.id", "one"), TraceBuilder.Attribute("host.name", "a") } },
                ScopeMetrics = { new ScopeMetrics { Metrics = { metrics } } },
            },
        },
    }.ToByteArray();

    private static Metric Queue(double value, ulong at) => new()
    {
        Name = "queue.size",
        Gauge = new Gauge { DataPoints = { new NumberDataPoint { TimeUnixNano = at, AsDouble = value, Attributes = { TraceBuilder.Attribute("gen_ai.agent.name", "planner") } } } },
    };

    private static Metric Calls(AggregationTemporality temporality) => new()
    {
        Name = "agent.calls",
        Unit = "{call}",
        Sum = new Sum { AggregationTemporality = temporality, IsMonotonic = true, DataPoints = { new NumberDataPoint { StartTimeUnixNano = Start, TimeUnixNano = Now, AsInt = 7 } } },
    };

    private static Metric Duration() => new()
    {
        Name = "gen_ai.client.operation.duration",
        Unit = "s",
        Histogram = new Histogram
        {
            AggregationTemporality = AggregationTemporality.Cumulative,
            DataPoints = { new HistogramDataPoint { StartTimeUnixNano = Start, TimeUnixNano = Now, Count = 3, Sum = 1.5, BucketCounts = { 1, 2, 0 }, ExplicitBounds = { 0.5, 1 } } },
        },
    };

    private static Metric Tokens() => new()
    {
        Name = "gen_ai.client.token.usage",
        Unit = "{token}",
        ExponentialHistogram = new ExponentialHistogram
        {
            AggregationTemporality = AggregationTemporality.Cumulative,
            DataPoints =
            {
                new ExponentialHistogramDataPoint
                {
                    StartTimeUnixNano = Start, TimeUnixNano = Now, Count = 3, Sum = 30, Scale = 1, Positive = new ExponentialHistogramDataPoint.Types.Buckets { Offset = 2, BucketCounts = { 1, 2 } },
                },
            },
        },
    };
}
