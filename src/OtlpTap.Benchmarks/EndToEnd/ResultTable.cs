using System.Globalization;
using System.Text;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>
/// One load's measurements as a table: a row for each proxy in the order of their first run, medians over its rounds,
/// and ratios of medians to the rows "direct" and "nginx".
/// </summary>
internal sealed class ResultTable(int spansPerRequest, IReadOnlyList<Measurement> measurements)
{
    /// <summary>The row without a proxy.</summary>
    public const string Direct = "direct";

    private const string Nginx = "nginx";
    private const double BytesPerMegabyte = 1e6;

    private static readonly string[] Heads =
    [
        "proxy", "requests/s", "spans/s", "p50 us", "p99 us", "CPU us/request", "(min-max)", "CPU / direct", "CPU / nginx",
        "requests/s / direct", "requests/s / nginx", "p50 / nginx", "upstream calls/request", "allocated B/request", "RSS MB", "foreign cores",
    ];

    /// <summary>A proxy's medians.</summary>
    internal sealed record Row(
        string Proxy,
        double RequestsPerSecond,
        double P50Microseconds,
        double P99Microseconds,
        double CpuMicroseconds,
        double CpuMicrosecondsMin,
        double CpuMicrosecondsMax,
        double UpstreamCalls,
        double? AllocatedBytes,
        double ResidentBytes,
        double ForeignCores);

    public IReadOnlyList<Row> Rows { get; } = [.. measurements.GroupBy(m => m.Proxy).Select(Summarize)];

    public string ToMarkdown()
    {
        var table = new StringBuilder();
        AppendLine(table, Heads);
        AppendLine(table, Heads.Select((_, column) => column == 0 ? "---" : "---:"));
        var direct = Rows.FirstOrDefault(row => row.Proxy == Direct);
        var nginx = Rows.FirstOrDefault(row => row.Proxy == Nginx);
        foreach (var row in Rows)
        {
            AppendLine(table,
            [
                row.Proxy,
                Text(row.RequestsPerSecond, "0"),
                Text(row.RequestsPerSecond * spansPerRequest, "0"),
                Text(row.P50Microseconds, "0"),
                Text(row.P99Microseconds, "0"),
                Text(row.CpuMicroseconds, "0.0"),
                $"{Text(row.CpuMicrosecondsMin, "0.0")}-{Text(row.CpuMicrosecondsMax, "0.0")}",
                Ratio(row, direct, r => r.CpuMicroseconds),
                Ratio(row, nginx, r => r.CpuMicroseconds),
                Ratio(row, direct, r => r.RequestsPerSecond),
                Ratio(row, nginx, r => r.RequestsPerSecond),
                Ratio(row, nginx, r => r.P50Microseconds),
                Text(row.UpstreamCalls, "0.00"),
                row.AllocatedBytes is { } allocated ? Text(allocated, "0") : "-",
                Text(row.ResidentBytes / BytesPerMegabyte, "0"),
                Text(row.ForeignCores, "0.00"),
            ]);
        }

        return table.ToString();
    }

    private static Row Summarize(IGrouping<string, Measurement> runs) => new(
        runs.Key,
        Statistics.Median(runs.Select(r => r.RequestsPerSecond)),
        Statistics.Median(runs.Select(r => r.P50Microseconds)),
        Statistics.Median(runs.Select(r => r.P99Microseconds)),
        Statistics.Median(runs.Select(r => r.CpuMicroseconds)),
        runs.Min(r => r.CpuMicroseconds),
        runs.Max(r => r.CpuMicroseconds),
        Statistics.Median(runs.Select(r => r.UpstreamCalls)),
        runs.Any(r => r.AllocatedBytes is null) ? null : Statistics.Median(runs.Select(r => r.AllocatedBytes!.Value)),
        Statistics.Median(runs.Select(r => (double)r.ResidentBytes)),
        Statistics.Median(runs.Select(r => r.ForeignCores)));

    private static string Ratio(Row row, Row? reference, Func<Row, double> figure) =>
        reference is null ? "-" : Text(figure(row) / figure(reference), "0.00");

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static void AppendLine(StringBuilder table, IEnumerable<string> cells) => table.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
