using System.Globalization;
using System.Text;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>
/// One load's measurements as a table: a row for each proxy in the order of their first run, medians over its rounds
/// with the smallest and largest beside those that matter, and ratios of medians to the rows of reference.
/// </summary>
/// <param name="spansPerRequest">To count spans by.</param>
/// <param name="measurements">All rounds of all proxies.</param>
/// <param name="references">The proxies to compare each one with.</param>
internal sealed class ResultTable(int spansPerRequest, IReadOnlyList<Measurement> measurements, params IReadOnlyList<string> references)
{
    /// <summary>The row without a proxy.</summary>
    public const string Direct = "direct";

    private const double BytesPerMegabyte = 1e6;

    internal sealed record Row(
        string Proxy,
        Spread RequestsPerSecond,
        Spread P50Microseconds,
        Spread P99Microseconds,
        Spread CpuMicroseconds,
        double? AllocatedBytes,
        double UpstreamCalls,
        double AddedBytes,
        double ResidentBytes,
        double ForeignCores);

    public IReadOnlyList<Row> Rows { get; } = [.. measurements.GroupBy(m => m.Proxy).Select(Summarize)];

    public string ToMarkdown()
    {
        var table = new StringBuilder();
        string[] heads =
        [
            "proxy", "requests/s", "spans/s", "p50 us", "p99 us", "CPU us/request",
            .. references.SelectMany(Heads),
            "allocated B/request", "upstream calls/request", "bytes added/request", "RSS MB", "foreign cores",
        ];
        AppendLine(table, heads);
        AppendLine(table, heads.Select((_, column) => column == 0 ? "---" : "---:"));
        foreach (var row in Rows)
        {
            AppendLine(table,
            [
                row.Proxy,
                Text(row.RequestsPerSecond, "0"),
                Text(row.RequestsPerSecond.Median * spansPerRequest, "0"),
                Text(row.P50Microseconds.Median, "0"),
                Text(row.P99Microseconds, "0"),
                Text(row.CpuMicroseconds, "0.0"),
                .. references.SelectMany(reference => Ratios(row, reference)),
                row.AllocatedBytes is { } allocated ? Text(allocated, "0") : "-",
                Text(row.UpstreamCalls, "0.00"),
                Text(row.AddedBytes, "0"),
                Text(row.ResidentBytes / BytesPerMegabyte, "0"),
                Text(row.ForeignCores, "0.00"),
            ]);
        }

        return table.ToString();
    }

    private static Row Summarize(IGrouping<string, Measurement> runs) => new(
        runs.Key,
        Spread.Of([.. runs.Select(r => r.RequestsPerSecond)]),
        Spread.Of([.. runs.Select(r => r.P50Microseconds)]),
        Spread.Of([.. runs.Select(r => r.P99Microseconds)]),
        Spread.Of([.. runs.Select(r => r.CpuMicroseconds)]),
        runs.Any(r => r.AllocatedBytes is null) ? null : Statistics.Median(runs.Select(r => r.AllocatedBytes!.Value)),
        Statistics.Median(runs.Select(r => r.UpstreamCalls)),
        Statistics.Median(runs.Select(r => r.AddedBytes)),
        Statistics.Median(runs.Select(r => (double)r.ResidentBytes)),
        Statistics.Median(runs.Select(r => r.ForeignCores)));

    private static string[] Heads(string reference) =>
        [$"CPU / {reference}", $"requests/s / {reference}", $"p50 / {reference}", $"p99 / {reference}"];

    private string[] Ratios(Row row, string reference)
    {
        var other = Rows.FirstOrDefault(candidate => candidate.Proxy == reference);
        return
        [
            Ratio(row.CpuMicroseconds, other?.CpuMicroseconds),
            Ratio(row.RequestsPerSecond, other?.RequestsPerSecond),
            Ratio(row.P50Microseconds, other?.P50Microseconds),
            Ratio(row.P99Microseconds, other?.P99Microseconds),
        ];
    }

    private static string Ratio(Spread figure, Spread? reference) =>
        reference is { } known ? Text(figure.Median / known.Median, "0.00") : "-";

    private static string Text(Spread spread, string format) => spread.ToText(format);

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static void AppendLine(StringBuilder table, IEnumerable<string> cells) => table.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
