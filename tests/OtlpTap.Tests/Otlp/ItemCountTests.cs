using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Metrics.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Metrics.V1;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Otlp;

public sealed class ItemCountTests
{
    [Fact]
    public void Spans_and_log_records_of_captured_requests_are_counted_as_the_generated_classes_count_them()
    {
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "fixtures"), "*.otlp.pb", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            var bytes = File.ReadAllBytes(file);
            var isTraces = file.EndsWith(".traces.otlp.pb", StringComparison.Ordinal);
            var expected = isTraces
                ? ExportTraceServiceRequest.Parser.ParseFrom(bytes).ResourceSpans.Sum(resource => resource.ScopeSpans.Sum(scope => scope.Spans.Count))
                : ExportLogsServiceRequest.Parser.ParseFrom(bytes).ResourceLogs.Sum(resource => resource.ScopeLogs.Sum(scope => scope.LogRecords.Count));

            Assert.Equal(expected, ItemCount.Of(isTraces ? Signal.Traces : Signal.Logs, bytes));
        }
    }

    [Fact]
    public void Data_points_of_every_kind_of_metric_are_counted()
    {
        var scope = new ScopeMetrics
        {
            Metrics =
            {
                new Metric { Name = "g", Gauge = new Gauge { DataPoints = { new NumberDataPoint(), new NumberDataPoint() } } },
                new Metric { Name = "s", Sum = new Sum { DataPoints = { new NumberDataPoint() }, IsMonotonic = true } },
                new Metric { Name = "h", Histogram = new Histogram { DataPoints = { new HistogramDataPoint(), new HistogramDataPoint() } } },
                new Metric { Name = "e", ExponentialHistogram = new ExponentialHistogram { DataPoints = { new ExponentialHistogramDataPoint() } } },
                new Metric { Name = "q", Summary = new Summary { DataPoints = { new SummaryDataPoint() } } },
                new Metric { Name = "none" },
            },
        };
        var request = new ExportMetricsServiceRequest { ResourceMetrics = { new ResourceMetrics { ScopeMetrics = { scope, scope } } } };

        Assert.Equal(14, ItemCount.Of(Signal.Metrics, request.ToByteArray()));
    }

    [Fact]
    public void A_truncated_request_counts_no_more_than_the_whole()
    {
        var scope = new ScopeLogs { LogRecords = { new LogRecord { SeverityText = "x" }, new LogRecord { SeverityText = "y" } } };
        var whole = new ExportLogsServiceRequest { ResourceLogs = { new ResourceLogs { ScopeLogs = { scope } } } }.ToByteArray();
        for (var length = 0; length <= whole.Length; length++)
        {
            Assert.InRange(ItemCount.Of(Signal.Logs, whole.AsSpan(0, length)), 0, 2);
        }

        Assert.Equal(2, ItemCount.Of(Signal.Logs, whole));
    }
}
