using System.Text.Json;
using OtlpTap.Advice;
using OtlpTap.Advice.Effect;
using OtlpTap.Cli;
using OtlpTap.Otlp;
using OtlpTap.Tests.Advice.Effect;
using OtlpTap.Tests.Forward;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>A tool fails, the tap advises, half of the runs go without: whether it helped is told by a whole tap.</summary>
public sealed class AdviceEffectTests
{
    private const double Share = 0.5;

    private const string Advised =
        """
        advice:
          holdout: 0.5
          interval: 100ms
          defaults: false
          effect: { settle: 1s, min_runs: 5 }
          policies:
            - name: tool-failing
              when: tool.errors.ratio_1m > 50% and tool.calls_1m >= 5
              advice: reroute
              parameters: { fallback_tool: search_backup }
        """;

    private readonly Random _random = new(1);

    [Fact]
    public async Task What_a_rerouted_tool_gains_is_in_the_report_and_an_opinion_that_comes_later_too()
    {
        await using var tap = await RunningTap.StartAsync(tap: Advised);
        for (var i = 0; i < 6; i++)
        {
            await tap.ExportAsync(Signal.Traces, Failing(NewTrace(isHeldOut: false)));
        }

        string? advice = null;
        await Deadline.UntilAsync(async () => (advice = await AdviceOnSearchAsync(tap)) is not null, "the tap advises");
        var followed = new List<TraceId>();
        for (var i = 0; i < 12; i++)
        {
            followed.Add(NewTrace(isHeldOut: false));
            await tap.ExportAsync(Signal.Traces, Rerouted(followed[^1], advice!));
            await tap.ExportAsync(Signal.Traces, Failing(NewTrace(isHeldOut: true)));
        }

        await Deadline.UntilAsync(async () => await EffectAsync(tap) is ("helps", 12, 12, 12, 0), "the report has all runs");
        Assert.Equal(12, await tap.MetricAsync("""otlptap_fallbacks_total{service="shop",agent="planner",advice="reroute",reason="tool-failing"}"""));
        Assert.Equal(12, await tap.MetricAsync("""otlptap_advice_outcomes_total{policy="tool-failing",arm="held_out",outcome="failed"}"""));

        tap.Host.Verdicts.Judged(followed[0], new Verdict(default, FailureKind.NegativeFeedback, "user_feedback", VerdictSource.Feedback));
        await Deadline.UntilAsync(async () => await EffectAsync(tap) is ("helps", 12, 11, 12, 0), "the opinion counts");
        Assert.Equal(1, await tap.MetricAsync("""otlptap_advice_outcome_revisions_total{policy="tool-failing",arm="fallback",outcome="failed"}"""));

        Assert.Contains("It helps: success +", await CommandAsync(tap, "report"), StringComparison.Ordinal);
        Assert.Contains("reroute  tool-failing", await CommandAsync(tap, "list", "--tool", "search"), StringComparison.Ordinal);
    }

    private static ulong Now => UnixTime.Of(DateTimeOffset.UtcNow);

    private static byte[] Failing(TraceId trace) =>
        new TraceBuilder().Resource("shop").Tool("search", ("error.type", "timeout")).Failed("timeout").In(trace, Now).Agent().In(trace, Now, isRoot: true).ToBytes();

    private static byte[] Rerouted(TraceId trace, string advice) => new TraceBuilder().Resource("shop")
        .Span("otlptap.fallback", ("otlptap.fallback", "reroute"), ("otlptap.advice.id", advice)).In(trace, Now)
        .Tool("search_backup").In(trace, Now)
        .Agent().In(trace, Now, isRoot: true)
        .ToBytes();

    private static async Task<string?> AdviceOnSearchAsync(RunningTap tap)
    {
        using var body = JsonDocument.Parse(await tap.GetAsync("/api/v1/advice?tool=search"));
        return body.RootElement.GetProperty("advice").EnumerateArray()
            .Where(item => item.TryGetProperty("tool", out var tool) && tool.GetString() == "search" && item.TryGetProperty("agent", out _))
            .Select(item => item.GetProperty("id").GetString())
            .FirstOrDefault();
    }

    private static async Task<(string? Claim, long With, long Succeeded, long Without, long SucceededWithout)> EffectAsync(RunningTap tap)
    {
        using var body = JsonDocument.Parse(await tap.GetAsync("/api/v1/advice/report?policy=tool-failing"));
        var effect = body.RootElement.GetProperty("policies").EnumerateArray().Select(policy => policy.GetProperty("effect")).SingleOrDefault();
        return effect.ValueKind == JsonValueKind.Undefined ? default : (effect.GetProperty("claim").GetString(), Of("with", "runs"), Of("with", "succeeded"), Of("without", "runs"), Of("without", "succeeded"));

        long Of(string side, string name) => effect.GetProperty(side).GetProperty(name).GetInt64();
    }

    private static async Task<string> CommandAsync(RunningTap tap, params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var root = CommandLine.Create((_, _) => Task.FromResult(0), AdviceCommand.Create());
        Assert.Equal(0, await CommandLine.InvokeAsync(root, ["advice", .. arguments, "--endpoint", tap.Host.AdminEndpoint.ToString()], output, error));
        return output.ToString();
    }

    private TraceId NewTrace(bool isHeldOut)
    {
        TraceId id;
        do
        {
            id = new TraceId((ulong)_random.NextInt64() | 1, (ulong)_random.NextInt64());
        }
        while (Holdout.Has(id, Share) != isHeldOut);
        return id;
    }
}
