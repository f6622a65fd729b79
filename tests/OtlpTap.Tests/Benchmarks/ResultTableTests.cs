using OtlpTap.Benchmarks.EndToEnd;

namespace OtlpTap.Tests.Benchmarks;

public class ResultTableTests
{
    [Fact]
    public void A_row_holds_the_medians_of_its_rounds()
    {
        var row = Assert.Single(new ResultTable(50, [Run("tap", 100, 9), Run("tap", 300, 5), Run("tap", 120, 6)]).Rows);

        Assert.Equal(new Spread(Median: 120, Min: 100, Max: 300), row.RequestsPerSecond);
        Assert.Equal(new Spread(Median: 6, Min: 5, Max: 9), row.CpuMicroseconds);
    }

    [Fact]
    public void Ratios_are_to_the_rows_of_reference()
    {
        var table = new ResultTable(50, [Run("direct", 1000, 2), Run("nginx", 500, 20), Run("tap", 250, 10)], "direct", "nginx").ToMarkdown();

        var tap = CellsOf(table, "tap");
        Assert.Equal("12500", tap["spans/s"]);
        Assert.Equal("5.00", tap["CPU / direct"]);
        Assert.Equal("0.50", tap["CPU / nginx"]);
        Assert.Equal("0.25", tap["requests/s / direct"]);
        Assert.Equal("0.50", tap["requests/s / nginx"]);
    }

    [Fact]
    public void Without_a_row_of_reference_its_ratios_are_left_open()
    {
        var table = new ResultTable(1, [Run("direct", 1000, 2), Run("tap", 250, 10)], "direct", "nginx").ToMarkdown();

        Assert.Equal("-", CellsOf(table, "tap")["CPU / nginx"]);
        Assert.Equal("5.00", CellsOf(table, "tap")["CPU / direct"]);
    }

    [Fact]
    public void Allocation_is_shown_where_it_is_known_in_every_round()
    {
        var table = new ResultTable(1, [Run("nginx", 1, 1), Run("tap", 1, 1) with { AllocatedBytes = 900 }]).ToMarkdown();

        Assert.Equal("-", CellsOf(table, "nginx")["allocated B/request"]);
        Assert.Equal("900", CellsOf(table, "tap")["allocated B/request"]);
    }

    [Fact]
    public void The_median_of_an_even_count_is_the_mean_of_the_middle_two()
    {
        Assert.Equal(2.5, Statistics.Median([4, 1, 3, 2]));
        Assert.Equal(double.NaN, Statistics.Median([]));
    }

    private static Measurement Run(string proxy, double requestsPerSecond, double cpu) =>
        new(proxy, requestsPerSecond, cpu, P50Microseconds: 100, P99Microseconds: 200, UpstreamCalls: 1, AddedBytes: 0, AllocatedBytes: null, ResidentBytes: 1 << 20, ForeignCores: 0);

    private static Dictionary<string, string> CellsOf(string markdown, string proxy)
    {
        var lines = markdown.Split('\n').Select(line => line.Split('|', StringSplitOptions.TrimEntries)).ToArray();
        return lines[0].Zip(lines.Single(cells => cells.Length > 1 && cells[1] == proxy)).Where(pair => pair.First.Length > 0).ToDictionary(pair => pair.First, pair => pair.Second);
    }
}
