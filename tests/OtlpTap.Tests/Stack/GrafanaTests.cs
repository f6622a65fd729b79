using System.Net.Http.Json;
using System.Text.RegularExpressions;
using OtlpTap.Tests.EndToEnd;

namespace OtlpTap.Tests.Stack;

/// <summary>What is shipped for Grafana, read by a real one. Where the machine has it, which CI has not (<see cref="GrafanaServer"/>).</summary>
public sealed partial class GrafanaTests
{
    [Fact]
    public async Task Grafana_takes_what_is_shipped_without_a_complaint_and_shows_it_to_whoever_comes()
    {
        await using var grafana = await GrafanaServer.StartAsync(new Uri("http://127.0.0.1:9"));

        var found = await grafana.GetAsync("/api/search?type=dash-db");
        Assert.Equal(
            Dashboard.All.Select(dashboard => dashboard.Json.GetProperty("uid").GetString()!).Order(),
            found.EnumerateArray().Select(dashboard => dashboard.GetProperty("uid").GetString()!).Order());
        Assert.All(found.EnumerateArray(), dashboard => Assert.Equal("OtlpTap", dashboard.GetProperty("folderTitle").GetString()));
        Assert.DoesNotContain(grafana.Log, line => Complaint().IsMatch(line));

        using var explore = await grafana.Http.GetAsync(new Uri("/explore", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal("/explore", explore.RequestMessage!.RequestUri!.AbsolutePath);
    }

    [Fact]
    public async Task Grafana_has_the_data_sources_as_they_are_meant_and_their_links_lead_to_one_another()
    {
        await using var grafana = await GrafanaServer.StartAsync(new Uri("http://127.0.0.1:9"));

        var sources = (await grafana.GetAsync("/api/frontend/settings")).GetProperty("datasources").EnumerateObject()
            .Select(source => source.Value).Where(source => source.GetProperty("type").GetString() is "prometheus" or "tempo" or "loki")
            .ToDictionary(source => source.GetProperty("uid").GetString()!, source => source.GetProperty("jsonData"));

        Assert.Equal(["loki", "prometheus", "tempo"], sources.Keys.Order());
        Assert.All(sources.Values.SelectMany(settings => TargetUid().Matches(settings.GetRawText())), target => Assert.Contains(target.Groups["uid"].Value, sources));

        // What Grafana replaces later, when a link is drawn, is still there.
        Assert.Equal("${__value.raw}", sources["loki"].GetProperty("derivedFields")[0].GetProperty("url").GetString());
        Assert.Contains("{$__tags}", sources["tempo"].GetProperty("tracesToMetrics").GetProperty("queries")[0].GetProperty("query").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grafana_asks_Prometheus_for_what_panels_show()
    {
        await using var tap = await RunningTap.StartAsync();
        await using var prometheus = await PrometheusServer.StartAsync(tap.Host.AdminEndpoint.ToString());
        await using var grafana = await GrafanaServer.StartAsync(prometheus.Url);
        var id = (await grafana.GetAsync("/api/frontend/settings")).GetProperty("datasources").GetProperty("Prometheus").GetProperty("id").GetInt32();

        await BackendServer.UntilAsync(
            async () =>
            {
                // The id is for versions before 9, the uid for those since.
                var query = new { refId = "A", expr = "otlptap_build_info", datasourceId = id, datasource = new { uid = "prometheus" }, intervalMs = 1000, maxDataPoints = 60 };
                using var answer = await grafana.Http.PostAsJsonAsync(new Uri("/api/ds/query", UriKind.Relative), new { from = "now-1m", to = "now", queries = new[] { query } });
                var text = await answer.Content.ReadAsStringAsync();
                Assert.True(answer.IsSuccessStatusCode, text);

                // The label "instance" of the series, however the version of Grafana frames it.
                return text.Contains(tap.Host.AdminEndpoint.ToString(), StringComparison.Ordinal);
            },
            "the panel has data");
    }

    [GeneratedRegex("(lvl=eror|level=error).*logger=provisioning|logger=provisioning.*(lvl=eror|level=error)")]
    private static partial Regex Complaint();

    [GeneratedRegex("\"datasourceUid\":\\s*\"(?<uid>[^\"]+)\"")]
    private static partial Regex TargetUid();
}
