using OtlpTap.Tests.Documentation;

namespace OtlpTap.Tests.Stack;

/// <summary>The rules and the scrape configuration of config/prometheus, judged by Prometheus's own tool.</summary>
public sealed class PrometheusRulesTests
{
    [Theory]
    [InlineData("check", "config", "config/prometheus/prometheus.yml")]
    [InlineData("check", "rules", "config/prometheus/rules/recording.yml")]
    [InlineData("check", "rules", "config/prometheus/rules/alerts.yml")]
    [InlineData("test", "rules", "config/prometheus/tests/alerts.yml")]
    public async Task Promtool_finds_nothing_wrong(string verb, string what, string file)
    {
        var promtool = ExternalProgram.Require("promtool", "prometheus");

        var (exitCode, output, error) = await promtool.RunAsync([verb, what, Markdown.InRepository(file)], null, TestContext.Current.CancellationToken);

        Assert.True(exitCode == 0, output + error);
    }

    [Fact]
    public void Every_alert_is_tested()
    {
        var tests = File.ReadAllText(Markdown.InRepository("config/prometheus/tests/alerts.yml"));
        var alerts = File.ReadLines(Markdown.InRepository("config/prometheus/rules/alerts.yml"))
            .Where(line => line.Contains("- alert: ", StringComparison.Ordinal))
            .Select(line => line.Split(':')[1].Trim())
            .ToList();

        Assert.NotEmpty(alerts);
        Assert.All(alerts, alert => Assert.Contains($"alertname: {alert}\n", tests, StringComparison.Ordinal));
    }
}
