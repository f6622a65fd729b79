using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf.Collections;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Advice;
using OtlpTap.Tests.EndToEnd.Agents;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>
/// The whole circle: an agent's tool fails, the tap sees it and advises, the agent goes round it and fares better, which is
/// measured; the tool works again, the advice goes; and what users say long after makes cases of their traces.
/// </summary>
[Collection(nameof(OtlpTap.Client.Fallback))]
public sealed class AgentHealsItselfTests(ITestOutputHelper output)
{
    private const string AdviceOfTheTap =
        """
        advice:
          holdout: 0.3
          effect: { settle: 1s }
          policies:
            - name: tool-failing
              parameters: { fallback_tool: search_backup }
              cool_down: 2m
        """;

    private const string CallsOfSearch = "kind=\"tool\",name=\"search\"";

    private const string AdviceId = "tool-failing:shop/planner/search";

    /// <summary>Of the span that makes the condition true to the advice at the agent; a fraction of a second on a machine that is not busy.</summary>
    private static readonly TimeSpan AdvisedWithin = TimeSpan.FromSeconds(10);

    /// <summary>A window of a minute has forgotten.</summary>
    private static readonly TimeSpan WindowGoesBy = TimeSpan.FromSeconds(70);

    [Fact]
    public async Task A_failing_tool_is_gone_round_by_advice_that_measurably_helps_and_goes_when_it_works_again()
    {
        var time = new MovedClock();
        await using var backend = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(backend, tap: AdviceOfTheTap, time: time);
        await using var agent = new SearchAgent(tap, time);
        await agent.Tap.ReadyAsync(Deadline.Token());

        var healthy = await WhileAllIsWellThereIsNoAdviceAsync(tap, agent);
        await AdviceComesWhenTheToolFailsAsync(tap, agent);
        var rerouted = await TheAgentRecoversAndTheReportSaysByHowMuchAsync(tap, agent, time);
        await AdviceGoesSomeTimeAfterTheToolRecoveredAsync(tap, agent, time);
        await ThumbsDownTwentyMinutesLaterMakeCasesAsync(tap, agent, time, healthy, rerouted);
        await TheBackendWasToldOfEveryChangeAsync(tap, backend);
    }

    private static async Task<AgentRun> WhileAllIsWellThereIsNoAdviceAsync(RunningTap tap, SearchAgent agent)
    {
        var runs = await AskAsync(agent, 5);

        Assert.All(runs, run => Assert.True(run is { IsAnswered: true, IsRerouted: false }));
        await TheTapCountsAsync(tap, "otlptap_steps_total", CallsOfSearch, 5);
        Assert.False(agent.Tap.Advice.TryGet("reroute", "search", out _));
        return runs[0];
    }

    private async Task AdviceComesWhenTheToolFailsAsync(RunningTap tap, SearchAgent agent)
    {
        // Of ten calls the fifth that fails makes half of them.
        agent.Search.OneWorksOf = int.MaxValue;
        Assert.All(await AskAsync(agent, 4), run => Assert.True(run is { IsAnswered: false, IsRerouted: false }));
        await TheTapCountsAsync(tap, "otlptap_step_failures_total", CallsOfSearch + ",failure=\"tool_error\"", 4);
        Assert.False(agent.Tap.Advice.TryGet("reroute", "search", out _));
        Assert.False((await agent.RunAsync("a kettle")).IsAnswered);

        var exported = Stopwatch.GetTimestamp();
        agent.Flush();
        OtlpTap.Client.Advice? advice = null;
        await Deadline.UntilAsync(() => agent.Tap.Advice.TryGet("reroute", "search", out advice), "the agent is advised");
        var took = Stopwatch.GetElapsedTime(exported);

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"from the export of the span that made the condition true to the advice at the agent: {took.TotalMilliseconds:0} ms"));
        Assert.InRange(took, TimeSpan.Zero, AdvisedWithin);
        Assert.Equal((AdviceId, "tool-failing", "search_backup", 0.5), (advice!.Id, advice.Policy, advice["fallback_tool"], advice.Values["tool.errors.ratio_1m"]));
    }

    private static async Task<AgentRun> TheAgentRecoversAndTheReportSaysByHowMuchAsync(RunningTap tap, SearchAgent agent, MovedClock time)
    {
        (agent.Search.OneWorksOf, agent.Backup.OneFailsOf) = (10, 20);
        var runs = await AskAsync(agent, 120);
        var (given, heldOut) = (runs.Where(run => !run.IsHeldOut).ToList(), runs.Where(run => run.IsHeldOut).ToList());

        Assert.All(given, run => Assert.True(run.IsRerouted));
        Assert.All(heldOut, run => Assert.False(run.IsRerouted));
        Assert.InRange(Share(given), 0.9, 1);
        Assert.InRange(Share(heldOut), 0, 0.15);

        await LetTimePassAsync(tap, agent, time, WindowGoesBy);
        var happened = (given.Count, given.Count(run => run.IsAnswered), heldOut.Count, heldOut.Count(run => run.IsAnswered));
        await Deadline.UntilAsync(async () => await EffectAsync(tap) == happened, $"the report has what happened, {happened}");
        using var report = await ReportAsync(tap);
        var effect = EffectOf(report);
        Assert.Equal("helps", effect.GetProperty("claim").GetString());
        Assert.Equal(Share(given) - Share(heldOut), effect.GetProperty("difference").GetDouble(), 6);
        var interval = effect.GetProperty("interval").EnumerateArray().Select(bound => bound.GetDouble()).ToList();
        Assert.InRange(interval[0], 0.5, interval[1]);
        Assert.Equal(given.Count, await tap.MetricAsync("otlptap_fallbacks_total{service=\"shop\",agent=\"planner\",advice=\"reroute\",reason=\"tool-failing\"}"));
        return given.First(run => run.IsAnswered);
    }

    private static async Task AdviceGoesSomeTimeAfterTheToolRecoveredAsync(RunningTap tap, SearchAgent agent, MovedClock time)
    {
        (agent.Search.OneWorksOf, agent.Backup.OneFailsOf) = (1, 0);
        var runs = await AskAsync(agent, 20);
        Assert.All(runs, run => Assert.True(run.IsAnswered && run.IsRerouted != run.IsHeldOut));

        // Those that were held out have shown that it works, and it is advised against all the same.
        await Deadline.UntilAsync(async () => await HealthOfSearchAsync(tap, "tool.calls_1m") == runs.Count(run => run.IsHeldOut), "health shows what is called now");
        Assert.Equal(0, await HealthOfSearchAsync(tap, "tool.errors.ratio_1m"));
        Assert.True(await AdvisedValueAsync(tap, "tool.errors.ratio_1m") >= 0.5);

        await LetTimePassAsync(tap, agent, time, WindowGoesBy);
        await Deadline.UntilAsync(() => !agent.Tap.Advice.TryGet("reroute", "search", out _), "the advice is withdrawn");
        Assert.All(await AskAsync(agent, 5), run => Assert.True(run is { IsAnswered: true, IsRerouted: false }));
    }

    private static async Task ThumbsDownTwentyMinutesLaterMakeCasesAsync(RunningTap tap, SearchAgent agent, MovedClock time, params AgentRun[] runs)
    {
        await LetTimePassAsync(tap, agent, time, TimeSpan.FromMinutes(20));
        Assert.Empty(FeedbackFiles(tap));

        foreach (var run in runs)
        {
            Assert.True(agent.Tap.Feedback.ThumbsDown(run.TraceId, "that is not what I asked for"));
        }

        await Deadline.UntilAsync(() => agent.Tap.Feedback.Sent == runs.Length, "the tap has the feedback");
        foreach (var run in runs)
        {
            string? trace = null;
            await Deadline.UntilAsync(() => (trace = TraceIn(tap, run)) is not null, $"{run.TraceId} is a case");
            Assert.True(run.Spans.Count >= 4);
            Assert.All(run.Spans, span => Assert.Contains($"\"spanId\": \"{span}\"", trace, StringComparison.Ordinal));
            Assert.Contains("Found for", trace, StringComparison.Ordinal);
        }
    }

    private static async Task TheBackendWasToldOfEveryChangeAsync(RunningTap tap, StubUpstream backend)
    {
        await Deadline.UntilAsync(() => Changes(backend).Length >= 4, "the backend is told");

        Assert.Equal(
            [("log", AdviceTelemetry.Raised, AdviceId), ("log", AdviceTelemetry.Withdrawn, AdviceId), ("span", AdviceTelemetry.Raised, AdviceId), ("span", AdviceTelemetry.Withdrawn, AdviceId)],
            Changes(backend));
        Assert.Equal(1, await tap.MetricAsync("otlptap_advice_changes_total{policy=\"tool-failing\",change=\"raised\"}"));
        Assert.Equal(1, await tap.MetricAsync("otlptap_advice_changes_total{policy=\"tool-failing\",change=\"withdrawn\"}"));
    }

    private static async Task<List<AgentRun>> AskAsync(SearchAgent agent, int questions)
    {
        var runs = new List<AgentRun>();
        for (var i = 0; i < questions; i++)
        {
            runs.Add(await agent.AskAsync($"a teapot, number {i}"));
        }

        return runs;
    }

    private static double Share(List<AgentRun> runs) => runs.Count(run => run.IsAnswered) / (double)runs.Count;

    // What has happened is to be known of the time in which it did.
    private static async Task LetTimePassAsync(RunningTap tap, SearchAgent agent, MovedClock time, TimeSpan howLong)
    {
        await TheTapCountsAsync(tap, "otlptap_steps_total", "kind=\"agent\",name=\"\"", agent.Runs);
        time.Move(howLong);
    }

    // The tap knows of a request in its own time.
    private static Task TheTapCountsAsync(RunningTap tap, string metric, string labels, int number) =>
        Deadline.UntilAsync(async () => await tap.MetricAsync($"{metric}{{service=\"shop\",agent=\"planner\",{labels}}}") == number, $"{metric} of {labels} is {number}");

    private static async Task<JsonDocument> ReportAsync(RunningTap tap) => JsonDocument.Parse(await tap.GetAsync("/api/v1/advice/report?policy=tool-failing&service=shop"));

    private static JsonElement EffectOf(JsonDocument report) => report.RootElement.GetProperty("policies").EnumerateArray().Select(policy => policy.GetProperty("effect")).FirstOrDefault();

    private static async Task<(long Given, long Succeeded, long HeldOut, long HeldOutSucceeded)> EffectAsync(RunningTap tap)
    {
        using var report = await ReportAsync(tap);
        var effect = EffectOf(report);
        return effect.ValueKind == JsonValueKind.Undefined ? default : (Of("with", "runs"), Of("with", "succeeded"), Of("without", "runs"), Of("without", "succeeded"));

        long Of(string side, string name) => effect.GetProperty(side).GetProperty(name).GetInt64();
    }

    private static async Task<double> AdvisedValueAsync(RunningTap tap, string value)
    {
        using var body = JsonDocument.Parse(await tap.GetAsync("/api/v1/advice?service=shop&tool=search"));
        var item = Assert.Single(body.RootElement.GetProperty("advice").EnumerateArray());
        return item.GetProperty("values").TryGetProperty(value, out var number) ? number.GetDouble() : double.NaN;
    }

    private static async Task<double> HealthOfSearchAsync(RunningTap tap, string value)
    {
        using var body = JsonDocument.Parse(await tap.GetAsync("/api/v1/health/shop/planner"));
        var search = body.RootElement.GetProperty("tools").EnumerateArray().Single(tool => tool.GetProperty("tool").GetString() == "search");
        return search.GetProperty("values").TryGetProperty(value, out var number) ? number.GetDouble() : double.NaN;
    }

    private static string[] FeedbackFiles(RunningTap tap)
    {
        var folder = Path.Combine(tap.Directory, "negative_feedback");
        return Directory.Exists(folder) ? Directory.GetFiles(folder, "*.json", SearchOption.AllDirectories) : [];
    }

    private static string? TraceIn(RunningTap tap, AgentRun run) => FeedbackFiles(tap)
        .Where(file => Path.GetFileName(file) == "trace.json" || Path.GetFileName(file) == run.TraceId + ".json")
        .Select(File.ReadAllText)
        .FirstOrDefault(text => text.Contains(run.TraceId, StringComparison.Ordinal));

    private static (string Sort, string Name, string Advice)[] Changes(StubUpstream backend) =>
    [
        .. Messages(backend, "LogsService").SelectMany(message => ExportLogsServiceRequest.Parser.ParseFrom(message).ResourceLogs).SelectMany(resource => resource.ScopeLogs)
            .SelectMany(scope => scope.LogRecords).Select(record => ("log", record.EventName, AdviceIdOf(record.Attributes)))
            .Concat(Messages(backend, "TraceService").SelectMany(message => ExportTraceServiceRequest.Parser.ParseFrom(message).ResourceSpans).SelectMany(resource => resource.ScopeSpans)
                .SelectMany(scope => scope.Spans).Select(span => ("span", span.Name, AdviceIdOf(span.Attributes))))
            .Where(change => change.Item2.StartsWith("otlptap.advice.", StringComparison.Ordinal))
            .Order(),
    ];

    private static string AdviceIdOf(RepeatedField<KeyValue> attributes) => attributes.FirstOrDefault(attribute => attribute.Key == "otlptap.advice.id")?.Value.StringValue ?? "";

    private static IEnumerable<byte[]> Messages(StubUpstream backend, string service) =>
        backend.Calls.Where(call => call.Path.EndsWith($"{service}/Export", StringComparison.Ordinal)).Select(call => call.Message);
}
