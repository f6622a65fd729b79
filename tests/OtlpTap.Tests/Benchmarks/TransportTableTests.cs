using OtlpTap.Benchmarks.Transport;

namespace OtlpTap.Tests.Benchmarks;

public class TransportTableTests
{
    private static readonly TransportCase Small = new(500, 64);
    private static readonly TransportCase Large = new(356_000, 4);

    [Fact]
    public void Each_transport_has_a_row_under_each_load_with_medians_and_ratios_to_the_yardstick_under_the_same_load()
    {
        var table = TransportTable.ToMarkdown(
        [
            Run(Small, TransportTable.Yardstick, cpu: 30, p50: 400),
            Run(Small, "own", cpu: 6, p50: 90),
            Run(Small, "own", cpu: 5, p50: 100),
            Run(Small, "own", cpu: 9, p50: 300),
            Run(Large, TransportTable.Yardstick, cpu: 300, p50: 900),
            Run(Large, "own", cpu: 150, p50: 900),
        ]);

        Assert.Equal(
            [
                "| 500 B, 64 in flight | SocketsHttpHandler | 30.0 (30.0-30.0) | 1.00 | 12 | 400 (400-400) | 1.00 | 1000 | 0.05 |",
                "| 500 B, 64 in flight | own | 6.0 (5.0-9.0) | 0.20 | 12 | 100 (90-300) | 0.25 | 1000 | 0.05 |",
                "| 356 KB, 4 in flight | SocketsHttpHandler | 300.0 (300.0-300.0) | 1.00 | 12 | 900 (900-900) | 1.00 | 1000 | 0.05 |",
                "| 356 KB, 4 in flight | own | 150.0 (150.0-150.0) | 0.50 | 12 | 900 (900-900) | 1.00 | 1000 | 0.05 |",
            ],
            table.Split('\n', StringSplitOptions.RemoveEmptyEntries)[2..]);
    }

    [Fact]
    public void Without_the_yardstick_the_ratios_are_left_open()
    {
        var row = TransportTable.ToMarkdown([Run(Small, "own", cpu: 6, p50: 90)]).Split('\n', StringSplitOptions.RemoveEmptyEntries)[2];

        Assert.Equal("| 500 B, 64 in flight | own | 6.0 (6.0-6.0) | - | 12 | 90 (90-90) | - | 1000 | 0.05 |", row);
    }

    private static TransportMeasurement Run(TransportCase load, string transport, double cpu, double p50) =>
        new(load, transport, cpu, AllocatedBytes: 12, p50, CallsPerSecond: 1000, ForeignCores: 0.05);
}
