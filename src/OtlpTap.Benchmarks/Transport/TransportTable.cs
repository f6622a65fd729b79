using System.Globalization;
using System.Text;
using OtlpTap.Benchmarks.EndToEnd;

namespace OtlpTap.Benchmarks.Transport;

/// <summary>A row for each transport under each load: medians over the rounds, the smallest and largest beside those that matter, and ratios of medians to the yardstick.</summary>
internal static class TransportTable
{
    /// <summary>The row that the others are compared with.</summary>
    public const string Yardstick = "SocketsHttpHandler";

    public static string ToMarkdown(IReadOnlyList<TransportMeasurement> measurements)
    {
        var table = new StringBuilder();
        string[] heads =
        [
            "load", "transport", "CPU us/call", "CPU ratio", "allocated B/call", "p50 us", "p50 ratio", "calls/s", "foreign cores",
        ];
        AppendLine(table, heads);
        AppendLine(table, heads.Select((_, column) => column < 2 ? "---" : "---:"));
        foreach (var load in measurements.GroupBy(m => m.Load))
        {
            var yardstick = load.Where(m => m.Transport == Yardstick).ToList();
            foreach (var runs in load.GroupBy(m => m.Transport))
            {
                AppendLine(table,
                [
                    load.Key.Title,
                    runs.Key,
                    Spread.Of([.. runs.Select(m => m.CpuMicroseconds)]).ToText("0.0"),
                    Ratio(runs, yardstick, m => m.CpuMicroseconds),
                    Text(Median(runs, m => m.AllocatedBytes), "0"),
                    Spread.Of([.. runs.Select(m => m.P50Microseconds)]).ToText("0"),
                    Ratio(runs, yardstick, m => m.P50Microseconds),
                    Text(Median(runs, m => m.CallsPerSecond), "0"),
                    Text(Median(runs, m => m.ForeignCores), "0.00"),
                ]);
            }
        }

        return table.ToString();
    }

    private static string Ratio(IEnumerable<TransportMeasurement> runs, List<TransportMeasurement> yardstick, Func<TransportMeasurement, double> figure) =>
        yardstick.Count == 0 ? "-" : Text(Median(runs, figure) / Median(yardstick, figure), "0.00");

    private static double Median(IEnumerable<TransportMeasurement> runs, Func<TransportMeasurement, double> figure) => Statistics.Median(runs.Select(figure));

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static void AppendLine(StringBuilder table, IEnumerable<string> cells) => table.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
