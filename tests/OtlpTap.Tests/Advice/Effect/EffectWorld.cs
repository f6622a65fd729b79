using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Advice;
using OtlpTap.Advice.Effect;
using OtlpTap.Health;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Tests.Metrics;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Advice.Effect;

/// <summary>A tap's outcomes with a clock and advice of their own. The agent is <c>planner</c> of <c>shop</c>; its tool is <c>search</c>.</summary>
internal sealed class EffectWorld : IDisposable
{
    public static readonly HealthScope Search = new("shop", "planner", "search", "");

    private ulong _ids;

    public EffectWorld(EffectOptions? options = null, int seed = 1)
    {
        Random = new Random(seed);
        Advice = new FakeAdvice(Time);
        Metrics = new TapMetrics("test", Time);
        Outcomes = new FallbackOutcomes(options ?? new EffectOptions(), Advice, new AdviceEffectMetrics(Metrics.Factory), Time, NullLogger<FallbackOutcomes>.Instance);
        Metrics.OnScrape(Outcomes.PublishMetrics);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 10, 0, 0, TimeSpan.Zero));

    public FakeAdvice Advice { get; }

    public TapMetrics Metrics { get; }

    public FallbackOutcomes Outcomes { get; }

    public Random Random { get; }

    public ulong Now => UnixTime.Of(Time.GetUtcNow());

    public static ulong Seconds(double seconds) => (ulong)(seconds * 1e9);

    public TraceId NewTrace() => new((ulong)Random.NextInt64() | 1, (ulong)Random.NextInt64());

    /// <summary>A trace that is held out, or one that is not.</summary>
    public TraceId NewTrace(bool isHeldOut)
    {
        TraceId id;
        do
        {
            id = NewTrace();
        }
        while (Holdout.Has(id, Advice.Holdout) != isHeldOut);
        return id;
    }

    public SpanId NewSpan() => new(++_ids);

    /// <summary>A step of the agent's that began now.</summary>
    public SpanFact Step(TraceId trace, StepKind kind, string name = "", double seconds = 1, string? failure = null) => new()
    {
        TraceId = trace,
        SpanId = NewSpan(),
        ParentId = new SpanId(ulong.MaxValue),
        Kind = kind,
        Service = "shop",
        Agent = "planner",
        Tool = kind == StepKind.Tool ? name : "",
        Model = kind == StepKind.Llm ? name : "",
        StartUnixNano = Now,
        EndUnixNano = Now + Seconds(seconds),
        Failure = failure,
    };

    public SpanFact Root(TraceId trace, double seconds = 3, string? failure = null) =>
        Step(trace, StepKind.Agent, seconds: seconds, failure: failure) with { ParentId = default };

    public SpanFact Fallback(TraceId trace, string advice = "reroute", string adviceId = "", string reason = "") =>
        Step(trace, StepKind.Other) with { Fallback = new FallbackFact(advice, reason, adviceId) };

    public void Send(params ReadOnlySpan<SpanFact> facts)
    {
        foreach (ref readonly var fact in facts)
        {
            Outcomes.Observed([fact]);
        }
    }

    public void Judge(TraceId trace, string failure, SpanId span = default, string source = VerdictSource.Detector, JudgedSpan? judged = null) =>
        Outcomes.Judged(trace, new Verdict(span, failure, "test", source) { Judged = judged });

    public void Score(TraceId trace, double score, string metric = "relevance", string source = VerdictSource.Evaluation) =>
        Outcomes.Passed(trace, new PassedScore(default, metric, source, score));

    /// <summary>Lets everything settle that is open.</summary>
    public void Settle() => Time.Advance(new EffectOptions().Settle + TimeSpan.FromSeconds(1));

    /// <summary>The agent looks something up; where the tool fails and it may, it follows the advice.</summary>
    public TraceId Run(AdviceItem? advice, double toolWorks, double fallbackWorks, double follows = 1)
    {
        var trace = NewTrace();
        var isFollowed = advice is not null && !Holdout.Has(trace, Advice.Holdout) && Random.NextDouble() < follows;
        var works = Random.NextDouble() < (isFollowed ? fallbackWorks : toolWorks);
        if (isFollowed)
        {
            Send(Fallback(trace, advice!.Advice, advice.Id));
        }

        Send(Step(trace, StepKind.Tool, isFollowed ? "search_backup" : "search", failure: works ? null : "tool_error"), Root(trace));
        return trace;
    }

    public Task<Scrape> ScrapeAsync() => Scrape.OfAsync(Metrics);

    public void Dispose() => Outcomes.Dispose();
}
