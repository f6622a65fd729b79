using System.Diagnostics;
using System.Text.RegularExpressions;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Stack;

/// <summary>What the dashboards show, asked of a real Prometheus that scrapes a tap under traffic.</summary>
public sealed partial class DashboardTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    // Users do not speak more often than the tap lets them.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(300);

    [Fact]
    public async Task Every_query_brings_data_from_a_tap_under_traffic()
    {
        ExternalProgram.Require("prometheus", "prometheus");
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.ConfiguredAsync(directory => Configuration(directory, upstream.Endpoint));
        await using var prometheus = await PrometheusServer.StartAsync(tap.Host.AdminEndpoint.ToString());
        using var traffic = new AgentTraffic(tap);

        var open = Dashboard.All.SelectMany(dashboard => dashboard.Queries).Where(query => query.Source == "prometheus").ToList();
        Assert.True(open.Count > 40);
        var started = Stopwatch.GetTimestamp();
        using var pace = new PeriodicTimer(Pace);
        while (open.Count > 0 && Stopwatch.GetElapsedTime(started) < Patience)
        {
            await traffic.RoundAsync();
            await pace.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            foreach (var query in open.ToList())
            {
                if (await prometheus.CountAsync(Dashboard.Filled(query.Text)) > 0)
                {
                    open.Remove(query);
                }
            }
        }

        Assert.True(open.Count == 0, "no data for:\n" + string.Join('\n', open));
        foreach (var variable in Dashboard.All.SelectMany(dashboard => dashboard.VariableQueries))
        {
            var labels = LabelValues().Match(Dashboard.Filled(variable.Text));
            Assert.True(labels.Success && await prometheus.LabelValuesAsync(labels.Groups["selector"].Value, labels.Groups["label"].Value) > 0, variable.ToString());
        }

        // What the rules record, too.
        foreach (var record in File.ReadLines(Documentation.Markdown.InRepository("config/prometheus/rules/recording.yml")).Select(line => Record().Match(line)).Where(match => match.Success))
        {
            var name = record.Groups["name"].Value;
            await Deadline.UntilAsync(async () => await prometheus.CountAsync(name) > 0, $"{name} is recorded");
        }
    }

    [Fact]
    public async Task No_query_or_rule_names_a_metric_that_the_tap_does_not_have()
    {
        await using var tap = await RunningTap.ConfiguredAsync(directory => Configuration(directory, "127.0.0.1:9"));
        var served = Family().Matches(await tap.GetAsync("/metrics")).Select(family => family.Groups["name"].Value).ToHashSet();
        var rules = Directory.GetFiles(Documentation.Markdown.InRepository("config/prometheus/rules")).SelectMany(File.ReadLines)
            .Where(line => line.TrimStart() is not ['#', ..] and not ['-', ' ', 'n', 'a', 'm', 'e', ':', ..]);

        var unknown = Dashboard.All.SelectMany(dashboard => dashboard.Queries.Concat(dashboard.VariableQueries)).Where(query => query.Source == "prometheus").Select(query => query.Text)
            .Concat(rules)
            .SelectMany(Dashboard.MetricsOf)
            .Where(name => !served.Contains(Suffix().Replace(name, "")) && !served.Contains(name))
            .Distinct();

        Assert.Empty(unknown);
    }

    /// <summary>With an upstream that is there, one that is away, and one whose requests wait in a spool.</summary>
    private static string Configuration(string directory, string upstream) => $$"""
        receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" }, http: { endpoint: "127.0.0.1:0" } } } }
        processors:
          tap:
            corpus: { directory: '{{directory}}/cases', settle: 50ms }
            detectors: { settle: 50ms }
            advice:
              interval: 100ms
              effect: { settle: 1s }
              policies:
                - { name: search-fails, when: "tool.errors.ratio_1m > 0.1 and tool.calls_1m >= 2", advice: reroute, cool_down: 1s }
                # Given and soon withdrawn.
                - { name: new-here, when: "tool.calls_1m >= 2 and tool.calls_1m < 20", advice: human_review, cool_down: 1s }
        exporters:
          otlp_grpc/upstream: { endpoint: "{{upstream}}", tls: { insecure: true } }
          otlp_http/away:
            endpoint: "http://127.0.0.1:9"
            retry_on_failure: { enabled: false }
          otlp_grpc/spooled:
            endpoint: "127.0.0.1:9"
            tls: { insecure: true }
            on_upstream_failure: spool
            spool: { directory: '{{directory}}/spool' }
        service:
          admin: { endpoint: "127.0.0.1:0" }
          pipelines:
            traces: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc/upstream, otlp_http/away], primary: otlp_grpc/upstream }
            logs: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc/upstream] }
            metrics: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc/spooled] }
        """;

    [GeneratedRegex(@"^# TYPE (?<name>\S+)", RegexOptions.Multiline)]
    private static partial Regex Family();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();

    [GeneratedRegex(@"^label_values\((?<selector>.+), (?<label>\w+)\)$")]
    private static partial Regex LabelValues();

    [GeneratedRegex(@"- record: (?<name>\S+)")]
    private static partial Regex Record();
}
