using Microsoft.AspNetCore.Http;
using OtlpTap.Cli;
using OtlpTap.Metrics;
using OtlpTap.Web;

namespace OtlpTap.Hosting;

/// <summary>All that the admin port answers; openapi.json describes it.</summary>
internal sealed class AdminPages
{
    /// <param name="stopping">Ends the streams of advice.</param>
    public AdminPages(
        Server server, Readiness readiness, CaseSetup cases, FindingSetup findings, Func<CancellationToken, Task<ReloadResult>> reload, TapMetrics metrics, TimeProvider time, CancellationToken stopping)
    {
        var (windows, advice) = (findings.Health.Windows, findings.Advice);
        Handler = new Answers(metrics.Api, time).Over(AdminEndpoints.TellingMethods(server.Route(pages =>
        {
            pages.MapAdmin(metrics, readiness, async cancellation => TextOf(await reload(cancellation)), time);
            pages.MapCapture(cases.Capture);
            pages.MapCases(cases.Api);
            pages.MapHealth(windows);
            pages.MapAdvice(advice.Engine, metrics.Api, time, stopping);
            pages.MapAdviceReport(advice.Outcomes.Report, () => advice.Engine.Policies);
            pages.MapMcp(advice.Engine, windows, VersionCommand.Version, time);
            pages.MapOpenApi();
            Routes = [.. pages.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()];
        }, AdminEndpoints.NotFoundAsync)));
    }

    public RequestDelegate Handler { get; }

    public IReadOnlyList<RouteEndpoint> Routes { get; private set; } = [];

    private static (bool IsApplied, string Text) TextOf(ReloadResult result) => (result.IsApplied, string.Concat(result.Lines.Select(line => line + "\n")));
}
