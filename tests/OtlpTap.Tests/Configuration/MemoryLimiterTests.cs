using OtlpTap.Configuration;

namespace OtlpTap.Tests.Configuration;

public sealed class MemoryLimiterTests
{
    private const long Mib = 1 << 20;

    [Theory]
    [InlineData("limit_mib: 1000", 800)]
    [InlineData("limit_mib: 1000, spike_limit_mib: 300", 700)]
    [InlineData("limit_percentage: 50", 800)]
    [InlineData("limit_percentage: 50, spike_limit_percentage: 30", 400)]
    [InlineData("limit_mib: 1000, limit_percentage: 1, min_gc_interval_when_soft_limited: 10s", 800)]
    public void Its_soft_limit_bounds_the_requests_in_flight(string keys, long expectedMib) =>
        Assert.Equal(expectedMib, Bound($"memory_limiter: {{ check_interval: 1s, {keys} }}", "memory_limiter"));

    [Fact]
    public void The_smallest_of_all_bounds_holds()
    {
        const string Limiters = "memory_limiter: { limit_mib: 1000 }\n  memory_limiter/b: { limit_mib: 600 }";

        Assert.Equal(480, Bound(Limiters, "memory_limiter, memory_limiter/b"));
        Assert.Equal(100, Bound(Limiters, "memory_limiter, memory_limiter/b", "limits: { in_flight_mib: 100 }"));
        Assert.Equal(480, Bound(Limiters, "memory_limiter, memory_limiter/b", "limits: { in_flight_mib: 500 }"));
    }

    [Fact]
    public void One_that_no_pipeline_names_bounds_nothing() => Assert.Equal(256, Bound("memory_limiter: { limit_mib: 400 }", "tap"));

    [Fact]
    public void Percentages_are_of_a_memory_that_is_there() => Assert.InRange(MachineMemory.TotalBytes(), 64 * Mib, long.MaxValue);

    // On a machine of 2,000 MiB.
    private static long Bound(string limiters, string used, string tap = "")
    {
        var loaded = new ConfigurationLoader(_ => null, machineBytes: () => 2000 * Mib).LoadText(
        [
            ("tap.yaml",
            $$"""
            processors:
              tap: { tee: { enabled: false }, {{tap}} }
              {{limiters}}
            service: { pipelines: { traces: { receivers: [otlp], processors: [{{(used == "tap" ? "" : used + ", ")}}tap] } } }
            """),
        ]);
        return loaded.Options!.Processor.InFlightBytesMax / Mib;
    }
}
