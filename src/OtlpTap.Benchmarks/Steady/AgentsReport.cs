using System.Globalization;
using System.Text;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>Runs with and without what the tap does for agents, side by side.</summary>
internal sealed class AgentsReport
{
    private readonly List<(string Load, TapMode Mode, SteadyReport Run)> _runs = [];

    public void Add(string load, TapMode mode, SteadyReport run) => _runs.Add((load, mode, run));

    public static string Line(string load, TapMode mode, SteadyReport run) => string.Create(
        CultureInfo.InvariantCulture,
        $"{load}, {mode}: {run.RequestsPerSecond:0} requests/s, {run.CpuMicroseconds:0.0} us, p50 {run.Milliseconds(0.5):0.0} ms, p99 {run.Milliseconds(0.99):0.0} ms");

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        foreach (var load in _runs.GroupBy(run => run.Load))
        {
            text.Append(CultureInfo.InvariantCulture, $"## {char.ToUpperInvariant(load.Key[0])}{load.Key[1..]}\n\n| figure, median of {load.Count() / 2} | all on | without | ratio |\n| --- | ---: | ---: | ---: |\n");
            Row(text, load, "requests/s", "0", run => run.RequestsPerSecond);
            Row(text, load, "CPU us/request of 48 spans, all that became cases included", "0.0", run => run.CpuMicroseconds);
            Row(text, load, "p50, ms", "0.00", run => run.Milliseconds(0.5));
            Row(text, load, "p99, ms", "0.0", run => run.Milliseconds(0.99));
            Row(text, load, "p99.9, ms", "0.0", run => run.Milliseconds(0.999));
            Row(text, load, "requests the tee dropped", "0", run => run.TeeDropped);
            var fresh = load.SelectMany(run => run.Run.Freshness).Order().ToArray();
            text.Append(CultureInfo.InvariantCulture, $"\nA span was seen in its service's health after {Statistics.Percentile(fresh, 0.5):0.0} ms (p50) and {Statistics.Percentile(fresh, 0.99):0.0} ms (p99), {fresh.Length} probes, both ways included.\n\n");
        }

        return text.ToString();
    }

    private static void Row(StringBuilder text, IEnumerable<(string Load, TapMode Mode, SteadyReport Run)> runs, string name, string format, Func<SteadyReport, double> figure)
    {
        var on = Of(TapMode.Everything);
        var without = Of(TapMode.WithoutAgents);
        text.Append(CultureInfo.InvariantCulture, $"| {name} | {on.ToText(format)} | {without.ToText(format)} | {(without.Median == 0 ? "" : (on.Median / without.Median).ToString("0.00", CultureInfo.InvariantCulture))} |\n");

        Spread Of(TapMode mode) => Spread.Of([.. runs.Where(run => run.Mode == mode).Select(run => figure(run.Run))]);
    }
}
