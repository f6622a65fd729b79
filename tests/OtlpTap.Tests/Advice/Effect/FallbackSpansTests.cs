using OtlpTap.Advice.Effect;
using OtlpTap.Rules;
using OtlpTap.Tests.Health;
using OtlpTap.Tests.Scan;

namespace OtlpTap.Tests.Advice.Effect;

/// <summary>Fallback spans, whoever wrote them, as bytes through the reader of spans.</summary>
public sealed class FallbackSpansTests : IDisposable
{
    private readonly EffectWorld _world = new();
    private readonly ObservedSteps _reader;

    public FallbackSpansTests() =>
        _reader = new ObservedSteps(TestRules.Compile(new Rule("broken", "tool_error", RuleContext.Span, "span.status.code == STATUS_CODE_ERROR")), _world.Outcomes);

    public static TheoryData<string, string, string, string> Writers => new()
    {
        { "a span of the client's", "otlptap.fallback", "otlptap", "" },
        { "a span of plain software", "GET /backup", "http.request.method", "GET" },
        { "a tool of OpenInference", "search_backup", "openinference.span.kind", "TOOL" },
        { "a step of the Vercel AI SDK", "ai.toolCall", "ai.operationId", "ai.toolCall" },
        { "a node of LangGraph", "fallback.task", "traceloop.span.kind", "task" },
    };

    public void Dispose() => _world.Dispose();

    [Theory]
    [MemberData(nameof(Writers))]
    public void A_span_with_the_attribute_is_a_fallback_and_what_failed_before_it_is_forgiven(string writer, string name, string key, string value)
    {
        Assert.NotEmpty(writer);
        var advice = _world.Advice.Raise(EffectWorld.Search);
        var trace = _world.NewTrace(isHeldOut: false);
        var now = _world.Now;
        var builder = new TraceBuilder().Resource("shop")
            .Tool("search").Failed("timeout").In(trace, now)
            .Span(name, (key, value), ("otlptap.fallback", "reroute"), ("otlptap.fallback.reason", "search is down"), ("otlptap.advice.id", advice.Id)).In(trace, now + EffectWorld.Seconds(1))
            .Agent().In(trace, now, seconds: 4, isRoot: true);
        _world.Time.Advance(TimeSpan.FromSeconds(5));

        _reader.Read(builder.ToBytes());
        _world.Settle();

        var policy = Assert.Single(_world.Outcomes.Report().Policies);
        Assert.Equal(new Proportion(1, 1), policy.Fallback.Success);
        Assert.InRange(policy.Fallback.MedianSeconds!.Value, 3.8, 4.2);
        Assert.Equal(new FallbackLabels("shop", "planner", "reroute", "tool-failing"), Assert.Single(_world.Outcomes.Report().Fallbacks).Labels);
    }

    [Fact]
    public void Spans_in_requests_of_their_own_children_first_are_one_run()
    {
        var advice = _world.Advice.Raise(EffectWorld.Search);
        var trace = _world.NewTrace(isHeldOut: false);
        var now = _world.Now;
        var spans = new TraceBuilder().Resource("shop")
            .Tool("search").Failed("timeout").In(trace, now)
            .Span("otlptap.fallback", ("otlptap.fallback", "reroute"), ("otlptap.advice.id", advice.Id)).In(trace, now + EffectWorld.Seconds(1))
            .Tool("search_backup").In(trace, now + EffectWorld.Seconds(2))
            .Agent().In(trace, now, seconds: 4, isRoot: true);
        var all = spans.Request.ResourceSpans[0].ScopeSpans[0].Spans.ToList();
        foreach (var span in all)
        {
            var one = new TraceBuilder().Resource("shop").Span("");
            one.Request.ResourceSpans[0].ScopeSpans[0].Spans[0] = span;
            _world.Time.Advance(TimeSpan.FromSeconds(5));
            _reader.Read(one.ToBytes());
        }

        _world.Settle();

        Assert.Equal(new Proportion(1, 1), Assert.Single(_world.Outcomes.Report().Policies).Fallback.Success);
    }

    [Fact]
    public void Without_the_fallback_the_failure_counts()
    {
        _world.Advice.Raise(EffectWorld.Search);
        var trace = _world.NewTrace(isHeldOut: true);
        var now = _world.Now;
        _reader.Read(new TraceBuilder().Resource("shop").Tool("search").Failed("timeout").In(trace, now).Agent().In(trace, now, seconds: 4, isRoot: true).ToBytes());
        _world.Settle();

        Assert.Equal(new Proportion(0, 1), Assert.Single(_world.Outcomes.Report().Policies).HeldOut.Success);
    }

    [Fact]
    public void A_long_id_that_the_reader_cuts_is_still_its_own()
    {
        var advice = _world.Advice.Raise(EffectWorld.Search, policy: new string('p', 300));
        var trace = _world.NewTrace(isHeldOut: false);
        var now = _world.Now;
        _reader.Read(new TraceBuilder().Resource("shop")
            .Span("otlptap.fallback", ("otlptap.fallback", "other_word"), ("otlptap.advice.id", advice.Id)).In(trace, now)
            .Agent().In(trace, now, seconds: 4, isRoot: true).ToBytes());
        _world.Settle();

        Assert.Equal(1, Assert.Single(_world.Outcomes.Report().Policies).Fallback.Success.Count);
    }
}
