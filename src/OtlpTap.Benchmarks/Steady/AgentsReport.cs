using System.Globalization;
using System.Text;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>Runs with and without what the tap does for agents, side by side.</summary>
/// <param name="binary">The native binary; null for this build.</param>
/// <param name="earlier">The name of an earlier commit, and its native binary; null: there is none to compare with.</param>
internal sealed class AgentsReport(string? binary, (string Name, string Binary)? earlier)
{
    /// <summary>What is compared. Two of them are the same: how far they differ is noise.</summary>
    public IReadOnlyList<Arm> Arms { get; } =
    [
        new("all on", TapMode.Everything, binary),
        new("without health, advice, feedback", TapMode.WithoutHealth, binary),
        new("nor detectors, evaluations", TapMode.WithoutAgents, binary),
        new("the same again", TapMode.WithoutAgents, binary),
        .. earlier is { } other ? [new Arm($"all that {other.Name} had", TapMode.Everything, other.Binary)] : Array.Empty<Arm>(),
    ];

    private readonly List<(string Load, Arm Arm, SteadyReport Run)> _runs = [];
    private readonly Dictionary<string, IReadOnlyList<double>> _freshness = [];

    /// <summary>Requests a second with all on, under the first load.</summary>
    public double FullSpeed => Statistics.Median(Of(_runs.Where(run => run.Load == _runs[0].Load), Arms[0], run => run.RequestsPerSecond));

    public void Add(string load, Arm arm, SteadyReport run) => _runs.Add((load, arm, run));

    /// <param name="freshness">Milliseconds until health has told of a span under that load, sorted.</param>
    public void Add(string load, IReadOnlyList<double> freshness) => _freshness.Add(load, freshness);

    public static string Line(string load, Arm arm, SteadyReport run) => string.Create(
        CultureInfo.InvariantCulture,
        $"{load}, {arm.Name}: {run.RequestsPerSecond:0} requests/s, {run.CpuMicroseconds:0.0} us, p50 {run.Milliseconds(0.5):0.0} ms, p99 {run.Milliseconds(0.99):0.0} ms");

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        foreach (var load in _runs.GroupBy(run => run.Load))
        {
            text.Append(CultureInfo.InvariantCulture, $"## {char.ToUpperInvariant(load.Key[0])}{load.Key[1..]}\n\n| figure, median of {load.Count() / Arms.Count} |");
            text.AppendJoin("", Arms.Select(arm => $" {arm.Name} |")).Append("\n| --- |").AppendJoin("", Arms.Select(_ => " ---: |")).Append('\n');
            Row(text, load, "requests/s", "0", run => run.RequestsPerSecond);
            Row(text, load, "CPU us/request of 48 spans, all that became cases included", "0.0", run => run.CpuMicroseconds);
            Row(text, load, "p50, ms", "0.00", run => run.Milliseconds(0.5));
            Row(text, load, "p99, ms", "0.0", run => run.Milliseconds(0.99));
            Row(text, load, "p99.9, ms", "0.0", run => run.Milliseconds(0.999));
            Row(text, load, "collector's pauses, ms/s", "0.0", run => 1000 * run.PausedShare);
            Row(text, load, "managed allocations, MB/s", "0.0", run => run.AllocatedBytesPerSecond / 1e6);
            Row(text, load, "traces that detectors examined, 1/s", "0", run => run.ExaminedPerSecond);
            Row(text, load, "requests the tee dropped", "0", run => run.TeeDropped);
            text.Append("\n| all on, of what it is |").AppendJoin("", Arms.Skip(1).Select(arm => $" {arm.Name} |")).Append(" noise: the same, of the same again |\n| --- |").AppendJoin("", Arms.Select(_ => " ---: |")).Append('\n');
            Ratios(text, load, "CPU", run => run.CpuMicroseconds);
            Ratios(text, load, "p50", run => run.Milliseconds(0.5));
            Ratios(text, load, "p99", run => run.Milliseconds(0.99));
            double[] fresh = [.. _freshness[load.Key]];
            text.Append(CultureInfo.InvariantCulture, $"\nA span was seen in its service's health after {Statistics.Percentile(fresh, 0.5):0.0} ms (p50) and {Statistics.Percentile(fresh, 0.99):0.0} ms (p99), {fresh.Length} probes in a run of their own, both ways included.\n\n");
        }

        return text.ToString();
    }

    private void Row(StringBuilder text, IEnumerable<(string Load, Arm Arm, SteadyReport Run)> runs, string name, string format, Func<SteadyReport, double> figure) =>
        text.Append(CultureInfo.InvariantCulture, $"| {name} |").AppendJoin("", Arms.Select(arm => $" {Spread.Of(Of(runs, arm, figure)).ToText(format)} |")).Append('\n');

    private void Ratios(StringBuilder text, IEnumerable<(string Load, Arm Arm, SteadyReport Run)> runs, string name, Func<SteadyReport, double> figure)
    {
        // Round by round, since the machine's speed changes more between rounds than within one.
        text.Append(CultureInfo.InvariantCulture, $"| {name} |").AppendJoin("", Arms.Skip(1).Select(arm => $" {Ratio(Arms[0], arm)} |")).Append($" {Ratio(Arms[2], Arms[3])} |\n");

        string Ratio(Arm one, Arm other) => Spread.Of([.. Of(runs, one, figure).Zip(Of(runs, other, figure), (numerator, denominator) => numerator / denominator)]).ToText("0.00");
    }

    private static double[] Of(IEnumerable<(string Load, Arm Arm, SteadyReport Run)> runs, Arm arm, Func<SteadyReport, double> figure) =>
        [.. runs.Where(run => run.Arm == arm).Select(run => figure(run.Run))];

    /// <param name="Name">As its column is called.</param>
    /// <param name="Binary">Null for this build.</param>
    internal sealed record Arm(string Name, TapMode Mode, string? Binary);
}
