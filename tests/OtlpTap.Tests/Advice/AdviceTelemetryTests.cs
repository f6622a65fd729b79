using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Advice;
using OtlpTap.Health;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Advice;

public sealed class AdviceTelemetryTests
{
    private static readonly DateTimeOffset Since = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly AdviceItem Item = new(
        "failing:shop/planner/search",
        "failing",
        "reroute",
        new HealthScope("shop", "planner", "search", ""),
        new Dictionary<string, string> { ["fallback_tool"] = "search_backup" },
        Since,
        new Dictionary<string, double> { ["tool.errors.ratio_1m"] = 0.8 },
        "8 of 10 failed");

    private readonly KeptTelemetry _kept = new();

    public AdviceTelemetryTests()
    {
        var form = new AdviceTelemetry("1.0");
        AdviceChange[] changes =
        [
            new(AdviceChangeKind.Raised, Item, Since, Item.Reason),
            new(AdviceChangeKind.Withdrawn, Item with { Values = new Dictionary<string, double>() }, Since.AddMinutes(3), "the tap ends"),
        ];
        foreach (var change in changes)
        {
            _kept.Offer(Signal.Traces, form.Span(change));
            _kept.Offer(Signal.Logs, form.Log(change));
        }
    }

    [Fact]
    public void The_life_of_advice_is_a_trace_whose_second_span_is_as_long()
    {
        var (raised, withdrawn) = (_kept.Spans.First(), _kept.Spans.Last());
        Assert.Equal((raised.TraceId, raised.SpanId), (withdrawn.TraceId, withdrawn.ParentSpanId));
        Assert.NotEqual(raised.SpanId, withdrawn.SpanId);
        Assert.Empty(raised.ParentSpanId);
        Assert.Equal((16, 8, 8), (raised.TraceId.Length, raised.SpanId.Length, withdrawn.SpanId.Length));
        Assert.Equal(raised.StartTimeUnixNano, raised.EndTimeUnixNano);
        Assert.Equal(raised.StartTimeUnixNano, withdrawn.StartTimeUnixNano);
        Assert.Equal(180_000_000_000UL, withdrawn.EndTimeUnixNano - withdrawn.StartTimeUnixNano);
        Assert.Equal((ulong)Since.ToUnixTimeSeconds() * 1_000_000_000, raised.StartTimeUnixNano);
    }

    [Fact]
    public void A_span_tells_what_whom_why_and_by_which_values()
    {
        Assert.Equal(
            [
                "gen_ai.agent.name=planner", "gen_ai.tool.name=search", "otlptap.advice.id=failing:shop/planner/search", "otlptap.advice.parameter.fallback_tool=search_backup",
                "otlptap.advice.policy=failing", "otlptap.advice.reason=8 of 10 failed", "otlptap.advice.value.tool.errors.ratio_1m=0.8", "otlptap.advice=reroute",
            ],
            Texts(_kept.Spans.First().Attributes));
        Assert.Contains("otlptap.advice.withdrawn.reason=the tap ends", Texts(_kept.Spans.Last().Attributes));
    }

    [Fact]
    public void A_log_record_says_the_same_in_the_context_of_the_span()
    {
        var (raised, withdrawn) = (_kept.Logs.First(), _kept.Logs.Last());
        Assert.Equal((AdviceTelemetry.Raised, SeverityNumber.Warn, "reroute: 8 of 10 failed"), (raised.EventName, raised.SeverityNumber, raised.Body.StringValue));
        Assert.Equal((AdviceTelemetry.Withdrawn, SeverityNumber.Info, "reroute withdrawn: the tap ends"), (withdrawn.EventName, withdrawn.SeverityNumber, withdrawn.Body.StringValue));
        Assert.Equal(Texts(_kept.Spans.First().Attributes), Texts(raised.Attributes));
        Assert.Equal(
            _kept.Spans.Select(span => (span.TraceId, span.SpanId, span.EndTimeUnixNano)),
            _kept.Logs.Select(record => (record.TraceId, record.SpanId, record.TimeUnixNano)));
    }

    [Fact]
    public void Both_are_of_the_service_and_known_as_the_taps_own()
    {
        var spans = _kept.Traces.First().ResourceSpans.Single();
        Assert.Equal(["service.name=shop"], Texts(spans.Resource.Attributes));
        Assert.Equal((TapTelemetry.ScopeName, "1.0"), (spans.ScopeSpans.Single().Scope.Name, spans.ScopeSpans.Single().Scope.Version));
    }

    [Fact]
    public void Advice_that_is_raised_again_has_a_trace_of_its_own()
    {
        var again = ExportTraceServiceRequest.Parser.ParseFrom(new AdviceTelemetry("1.0").Span(new AdviceChange(AdviceChangeKind.Raised, Item with { Since = Since.AddHours(1) }, Since.AddHours(1), "")));
        Assert.NotEqual(_kept.Spans.First().TraceId, again.ResourceSpans[0].ScopeSpans[0].Spans[0].TraceId);
    }

    private static IEnumerable<string> Texts(IEnumerable<KeyValue> attributes) =>
        attributes.Select(attribute => FormattableString.Invariant($"{attribute.Key}={(attribute.Value.HasDoubleValue ? attribute.Value.DoubleValue : attribute.Value.StringValue)}")).Order(StringComparer.Ordinal);
}
