using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Benchmarks.Steady;

namespace OtlpTap.Tests.Benchmarks;

public class SteadyLoadTests
{
    [Fact]
    public void Memory_that_swings_is_flat()
    {
        var trend = MemoryTrend.Of([.. Enumerable.Range(0, 100).Select(second => 100e6 + (10e6 * Math.Sin(second)))]);

        Assert.True(trend.IsFlat);
        Assert.InRange(trend.NoiseBytes, 13e6, 15e6);
    }

    [Fact]
    public void Memory_that_swings_and_climbs_is_not()
    {
        var trend = MemoryTrend.Of([.. Enumerable.Range(0, 100).Select(second => 100e6 + (2e6 * Math.Sin(second)) + (0.1e6 * second))]);

        Assert.False(trend.IsFlat);
        Assert.InRange(trend.GrowthBytes, 9e6, 11e6);
    }

    [Fact]
    public void Two_of_a_hundred_traces_fail_and_no_trace_comes_twice()
    {
        var streams = new[] { new TraceStream(0, 0.02), new TraceStream(1, 0.02) };
        var traces = new Dictionary<string, bool>();
        for (var i = 0; i < 200; i++)
        {
            var request = ExportTraceServiceRequest.Parser.ParseFrom(streams[i % 2].Next(out var tool));
            var spans = request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans).ToList();
            Assert.Equal(tool is not null, spans.Any(span => span.Status is not null));
            foreach (var trace in spans.GroupBy(span => Convert.ToHexStringLower(span.TraceId.Span)))
            {
                traces.Add(trace.Key, trace.Any(span => span.Status is not null));
            }
        }

        Assert.Equal(200 * TraceStream.TracesPerRequest, traces.Count);
        Assert.Equal(24, traces.Count(trace => trace.Value));
        Assert.All(traces, trace => Assert.Equal(trace.Value, TraceStream.IsFailing(trace.Key)));
    }

    [Fact]
    public void Latencies_are_known_to_a_few_percent()
    {
        var window = new LatencyWindow();
        for (var i = 1; i <= 1000; i++)
        {
            window.Add(TimeSpan.FromMilliseconds(i));
        }

        var counts = window.Take();

        Assert.InRange(counts.Milliseconds(0.5), 490, 511);
        Assert.InRange(counts.Milliseconds(0.99), 970, 1011);
        Assert.Equal(double.NaN, window.Take().Milliseconds(0.5));
    }
}
