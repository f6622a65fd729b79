using System.Text.RegularExpressions;
using OtlpTap.Otlp;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Documentation;

/// <summary>docs/metrics.md has a row for every metric that a tap serves, with its type and labels, and no other.</summary>
public sealed partial class MetricsPageTests : IDisposable
{
    // prometheus-net's own labels of histograms.
    private static readonly HashSet<string> BuiltInLabels = ["le", "quantile"];

    private readonly string _directory = Directory.CreateTempSubdirectory("otlptap-metrics-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Every_metric_that_a_tap_serves_is_in_the_page_with_its_type_and_labels_and_no_other()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, tap: "detectors: { judge: { endpoint: 'http://127.0.0.1:9/' } }", sinks: "{ endpoint: 'http://127.0.0.1:9/' }", exporter: $", on_upstream_failure: spool, spool: {{ directory: '{_directory}' }}");
        await tap.ExportAsync(Signal.Traces, new TraceBuilder().Span("execute_tool get_weather", ("gen_ai.operation.name", "execute_tool")).Failed().ToBytes());
        var scrape = await tap.GetAsync("/metrics");

        var served = TypeLine().Matches(scrape)
            .Select(type => new Metric(type.Groups["name"].Value, type.Groups["type"].Value, LabelsOf(scrape, type.Groups["name"].Value))).ToList();
        var told = PageRow().Matches(Markdown.Read("docs/metrics.md").Text)
            .Select(row => new Metric(row.Groups["name"].Value, row.Groups["type"].Value, Joined(Label().Matches(row.Groups["labels"].Value).Select(label => label.Groups["label"].Value)))).ToList();

        // A family without a series shows no labels.
        var unlabelled = served.Where(metric => !Regex.IsMatch(scrape, $@"^{metric.Name}(_count)?[ {{]", RegexOptions.Multiline)).Select(metric => metric.Name).ToHashSet();
        told = [.. told.Select(metric => unlabelled.Contains(metric.Name) ? metric with { Labels = "" } : metric)];

        Assert.NotEmpty(served);
        Assert.Equal(told.Count, told.DistinctBy(metric => metric.Name).Count());
        var differences = served.Except(told).Select(row => $"not in the page: {row}").Concat(told.Except(served).Select(row => $"not served: {row}")).ToList();
        Assert.True(differences.Count == 0, string.Join('\n', differences));
    }

    private static string LabelsOf(string scrape, string name) =>
        Joined(Regex.Matches(scrape, $$"""^{{name}}(_bucket|_sum|_count)?\{(?<labels>.*)\} """, RegexOptions.Multiline)
            .SelectMany(series => SeriesLabel().Matches(series.Groups["labels"].Value).Select(label => label.Groups["label"].Value))
            .Where(label => !BuiltInLabels.Contains(label))
            .Distinct());

    private static string Joined(IEnumerable<string> labels) => string.Join(' ', labels.Order(StringComparer.Ordinal));

    [GeneratedRegex(@"^# TYPE (?<name>\S+) (?<type>\S+)$", RegexOptions.Multiline)]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"^\| `(?<name>[a-z_]+)` \| (?<type>counter|gauge|histogram) \| (?<labels>[^|]*) \| [^|]+ \|$", RegexOptions.Multiline)]
    private static partial Regex PageRow();

    [GeneratedRegex("`(?<label>[a-z_]+)`")]
    private static partial Regex Label();

    [GeneratedRegex(@"(?<label>[a-z_]+)=""")]
    private static partial Regex SeriesLabel();

    private sealed record Metric(string Name, string Type, string Labels);
}
