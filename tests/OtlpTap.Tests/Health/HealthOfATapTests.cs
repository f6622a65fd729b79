using System.Diagnostics;
using System.Net;
using System.Text.Json;
using OtlpTap.Otlp;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Evaluations;
using OtlpTap.Tests.Forward;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Health;

/// <summary>A whole tap: what is sent to it shows in its API.</summary>
public sealed class HealthOfATapTests
{
    private static readonly (string, object?)[] Search = [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "search/web"), ("gen_ai.agent.name", "planner")];

    [Fact]
    public async Task Steps_show_in_the_api_and_in_the_metrics()
    {
        await using var tap = await RunningTap.StartAsync();
        await tap.ExportAsync(Signal.Traces, new TraceBuilder().Resource("shop").Span("execute_tool", Search).Failed().Span("execute_tool", Search).ToBytes());
        await Deadline.UntilAsync(async () => await CallsAsync(tap) == 2, "both calls are counted");

        var json = await ReadAsync(tap, "/api/v1/health/shop/planner");
        Assert.Equal(("shop", "planner"), (json.GetProperty("service").GetString(), json.GetProperty("agent").GetString()));
        Assert.Equal(0.5, json.GetProperty("values").GetProperty("tool.errors.ratio_1m").GetDouble());
        var tool = Assert.Single(json.GetProperty("tools").EnumerateArray());
        Assert.Equal("search/web", tool.GetProperty("tool").GetString());
        Assert.Equal(1, tool.GetProperty("values").GetProperty("tool.errors.tool_error_1m").GetDouble());
        Assert.Empty(json.GetProperty("models").EnumerateArray());
        Assert.Equal(2, (await ReadAsync(tap, "/api/v1/health/shop")).GetProperty("values").GetProperty("tool.calls_1h").GetDouble());
        Assert.Equal(
            [
                "{}", """{"tool":"search/web"}""", """{"service":"shop"}""", """{"service":"shop","tool":"search/web"}""",
                """{"service":"shop","agent":"planner"}""", """{"service":"shop","agent":"planner","tool":"search/web"}""",
            ],
            (await ReadAsync(tap, "/api/v1/health")).GetProperty("scopes").EnumerateArray().Select(scope => scope.GetRawText()));

        Assert.Equal(2, await tap.MetricAsync("""otlptap_steps_total{service="shop",agent="planner",kind="tool",name="search/web"}"""));
        Assert.Equal(1, await tap.MetricAsync("""otlptap_step_failures_total{service="shop",agent="planner",kind="tool",name="search/web",failure="tool_error"}"""));
        Assert.Equal(2, await tap.MetricAsync("""otlptap_step_duration_seconds_count{service="shop",kind="tool",name="search/web"}"""));
        Assert.Equal(6, await tap.MetricAsync("otlptap_health_series"));
    }

    [Fact]
    public async Task Of_whom_nothing_came_there_is_nothing_to_tell()
    {
        await using var tap = await RunningTap.StartAsync();
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri($"http://{tap.Host.AdminEndpoint}/api/v1/health/shop/planner"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.StartsWith("nothing came of the agent `planner` of the service `shop`", JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scores_good_and_bad_make_the_mean_and_verdicts_count_for_the_run()
    {
        await using var tap = await RunningTap.StartAsync();
        await tap.ExportAsync(Signal.Traces, new TraceBuilder().Resource("shop").Span("invoke_agent planner", ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "planner")).ToBytes());
        await Deadline.UntilAsync(async () => (await tap.GetAsync("/api/v1/health")).Contains("planner", StringComparison.Ordinal), "the run is counted");
        await tap.ExportAsync(Signal.Logs, Told.Logs(
            Told.Log(1, 1, "gen_ai.evaluation.result", ("gen_ai.evaluation.name", "faithfulness"), ("gen_ai.evaluation.score.value", 1.0)),
            Told.Log(1, 1, "gen_ai.evaluation.result", ("gen_ai.evaluation.name", "faithfulness"), ("gen_ai.evaluation.score.value", 0.0))));
        tap.Host.Verdicts.Judged(new TraceId(0, 1), new Verdict(default, FailureKind.NegativeFeedback, "thumbs", VerdictSource.Feedback));

        await Deadline.UntilAsync(async () => (await ReadAsync(tap, "/api/v1/health/shop/planner")).GetProperty("values").TryGetProperty("evaluation.faithfulness.count_1h", out var count) && count.GetDouble() == 2, "both scores are counted");
        var values = (await ReadAsync(tap, "/api/v1/health/shop/planner")).GetProperty("values");
        Assert.Equal(0.5, values.GetProperty("evaluation.faithfulness.mean_1h").GetDouble());
        Assert.Equal(1, values.GetProperty("feedback.negative.ratio_1h").GetDouble());
        Assert.Equal(1, values.GetProperty("hallucination.ratio_1h").GetDouble());
    }

    [Fact]
    public async Task Without_health_nothing_is_counted()
    {
        await using var tap = await RunningTap.StartAsync(tap: "health: { enabled: false }");
        await tap.ExportAsync(Signal.Traces, new TraceBuilder().Resource("shop").Span("execute_tool", Search).ToBytes());
        tap.Host.Verdicts.Judged(new TraceId(0, 1), new Verdict(default, FailureKind.NegativeFeedback, "thumbs", VerdictSource.Feedback));

        await Deadline.UntilAsync(async () => await tap.MetricAsync("""otlptap_recorder_requests_total{outcome="recorded"}""") > 0, "it is recorded");
        Assert.Equal("""{"scopes":[]}""", await tap.GetAsync("/api/v1/health"));
    }

    /// <summary>The budget is 100 ms at p99; a machine that builds something else meanwhile is given ten times that.</summary>
    [Fact]
    public async Task A_span_is_seen_soon_after_it_came_while_others_come()
    {
        await using var tap = await RunningTap.StartAsync();
        using var stop = new CancellationTokenSource();
        var batch = new TraceBuilder().Resource("load");
        for (var i = 0; i < 200; i++)
        {
            batch.Span("execute_tool", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "t"), ("gen_ai.tool.call.result", new string('x', 1000)));
        }

        var load = LoadAsync(tap, batch.ToBytes(), stop.Token);
        var probe = new TraceBuilder().Resource("shop").Span("execute_tool", Search).ToBytes();
        var latencies = new List<double>();
        for (var i = 1; i <= 100; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await tap.ExportAsync(Signal.Traces, probe);
            await Deadline.UntilAsync(async () => await CallsAsync(tap) >= i, "the call is seen");
            latencies.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        await stop.CancelAsync();
        await load;
        latencies.Sort();
        TestContext.Current.SendDiagnosticMessage("seen after p50 {0:0.0} ms, p99 {1:0.0} ms", latencies[49], latencies[98]);
        Assert.InRange(latencies[98], 0, 1000);
    }

    private static async Task LoadAsync(RunningTap tap, byte[] request, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await tap.ExportAsync(Signal.Traces, request);
        }
    }

    private static async Task<double> CallsAsync(RunningTap tap)
    {
        var scopes = await tap.GetAsync("/api/v1/health");
        return scopes.Contains("\"planner\"", StringComparison.Ordinal)
            ? (await ReadAsync(tap, "/api/v1/health/shop/planner")).GetProperty("values").GetProperty("tool.calls_1h").GetDouble()
            : 0;
    }

    /// <summary>A name that is made to lead to this machine lets any page ask here, and read the answer.</summary>
    [Theory]
    [InlineData("/api/v1/health")]
    [InlineData("/api/v1/health/shop")]
    [InlineData("/api/v1/advice/report")]
    public async Task Pages_are_not_told_how_agents_fare(string path)
    {
        await using var tap = await RunningTap.StartAsync();
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://{tap.Host.AdminEndpoint}{path}"));
        request.Headers.Add("Sec-Fetch-Site", "same-origin");

        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(System.Net.HttpStatusCode.Forbidden, answer.StatusCode);
    }

    private static async Task<JsonElement> ReadAsync(RunningTap tap, string path) => JsonDocument.Parse(await tap.GetAsync(path)).RootElement;
}
