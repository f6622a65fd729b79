using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Announce;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Announce;

public sealed class VerdictTelemetryTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_700_000_100);
    private static readonly TraceId Trace = new(1, 2);
    private static readonly Verdict Ungrounded = new(new SpanId(3), FailureKind.Hallucination, "grounding", VerdictSource.Detector)
    {
        Score = 0.8,
        Label = "ungrounded",
        Explanation = "The answer names a price that nobody gave.",
        Evidence = ["499 EUR", "next Tuesday"],
        Judged = new JudgedSpan(new SpanId(3), "shop", 1_700_000_000_000_000_000, "resp-1"),
    };

    private readonly VerdictTelemetry _telemetry = new("1.2.3");

    [Fact]
    public void A_verdict_is_a_span_below_the_judged_one_of_its_service_with_what_was_found()
    {
        var resource = SpanOf(Ungrounded, out var span);

        Assert.Equal(TraceBuilder.TraceIdBytes(2)[15], span.TraceId[15]);
        Assert.Equal(3, span.ParentSpanId[7]);
        Assert.Equal("otlptap.verdict", span.Name);
        Assert.Equal(1_700_000_000_000_000_000UL, span.StartTimeUnixNano);
        Assert.Equal(span.StartTimeUnixNano, span.EndTimeUnixNano);
        Assert.Equal("hallucination", Value(span.Attributes, "otlptap.failure").StringValue);
        Assert.Equal(["grounding"], Value(span.Attributes, "otlptap.rules").ArrayValue.Values.Select(value => value.StringValue));
        Assert.Equal("detector", Value(span.Attributes, "otlptap.verdict.source").StringValue);
        Assert.Equal(0.8, Value(span.Attributes, "otlptap.verdict.score").DoubleValue);
        Assert.Equal(Ungrounded.Explanation, Value(span.Attributes, "otlptap.verdict.explanation").StringValue);
        Assert.Equal(Ungrounded.Evidence, Value(span.Attributes, "otlptap.verdict.evidence").ArrayValue.Values.Select(value => value.StringValue));
        Assert.Empty(span.Links);
        Assert.Equal("shop", Value(resource.Resource.Attributes, "service.name").StringValue);
        Assert.Equal(("otlptap", "1.2.3"), (resource.ScopeSpans[0].Scope.Name, resource.ScopeSpans[0].Scope.Version));
    }

    [Fact]
    public void A_verdict_is_an_evaluation_event_in_the_context_of_the_judged_span()
    {
        var resource = Assert.Single(ExportLogsServiceRequest.Parser.ParseFrom(_telemetry.Log(Trace, Ungrounded, Now)).ResourceLogs);
        var record = Assert.Single(resource.ScopeLogs[0].LogRecords);

        Assert.Equal("gen_ai.evaluation.result", record.EventName);
        Assert.Equal(3, record.SpanId[7]);
        Assert.Equal(2, record.TraceId[15]);
        Assert.Equal("grounding", Value(record.Attributes, "gen_ai.evaluation.name").StringValue);
        Assert.Equal(0.8, Value(record.Attributes, "gen_ai.evaluation.score.value").DoubleValue);
        Assert.Equal("ungrounded", Value(record.Attributes, "gen_ai.evaluation.score.label").StringValue);
        Assert.Equal(Ungrounded.Explanation, Value(record.Attributes, "gen_ai.evaluation.explanation").StringValue);
        Assert.Equal("resp-1", Value(record.Attributes, "gen_ai.response.id").StringValue);
        Assert.Equal("otlptap", resource.ScopeLogs[0].Scope.Name);
    }

    [Theory]
    [InlineData("search", null, "planner", 3, "hallucination found by grounding in tool search of shop/planner, span 0000000000000003: The answer names a price that nobody gave.")]
    [InlineData(null, "large", null, 3, "hallucination found by grounding in model large of shop, span 0000000000000003: The answer names a price that nobody gave.")]
    [InlineData(null, null, null, 0, "hallucination found by grounding in shop, the whole trace: The answer names a price that nobody gave.")]
    public void A_verdicts_record_says_in_its_body_what_was_found_and_where(string? tool, string? model, string? agent, ulong span, string line)
    {
        var verdict = Ungrounded with { SpanId = new SpanId(span), Judged = Ungrounded.Judged! with { Tool = tool, Model = model, Agent = agent } };

        Assert.Equal(line, RecordOf(_telemetry.Log(Trace, verdict, Now)).Body.StringValue);
    }

    [Fact]
    public void A_body_is_one_line_without_what_is_not_known()
    {
        Assert.Equal("hallucination found by grounding in the whole trace: ungrounded", RecordOf(_telemetry.Log(Trace, Ungrounded with { SpanId = default, Judged = null, Explanation = null }, Now)).Body.StringValue);
        Assert.Equal("hallucination found by grounding in the whole trace: a  b", RecordOf(_telemetry.Log(Trace, Ungrounded with { SpanId = default, Judged = null, Explanation = "a\r\nb" }, Now)).Body.StringValue);
        Assert.Equal("hallucination found by grounding in the whole trace", RecordOf(_telemetry.Log(Trace, Ungrounded with { SpanId = default, Judged = null, Explanation = null, Label = null }, Now)).Body.StringValue);
    }

    [Fact]
    public void A_failure_that_repeats_another_is_linked_to_it()
    {
        SpanOf(Ungrounded with { Origin = new SpanId(9) }, out var span);

        Assert.Equal(9, Assert.Single(span.Links).SpanId[7]);
        Assert.Equal("0000000000000009", Value(span.Attributes, "otlptap.failure.origin").StringValue);
    }

    [Fact]
    public void A_mark_is_no_failure_for_those_who_count_failures()
    {
        SpanOf(Ungrounded with { Failure = FailureKind.Recovered }, out var span);

        Assert.DoesNotContain(span.Attributes, attribute => attribute.Key == "otlptap.failure");
        Assert.Equal("recovered", Value(span.Attributes, "otlptap.mark").StringValue);
    }

    [Fact]
    public void The_same_finding_has_the_same_id_and_any_other_another()
    {
        var id = VerdictTelemetry.IdOf(Trace, Ungrounded);

        Assert.Equal(id, VerdictTelemetry.IdOf(Trace, Ungrounded with { Score = 0.9, Explanation = "again", Judged = null }));
        Assert.NotEqual(id, VerdictTelemetry.IdOf(new TraceId(1, 3), Ungrounded));
        Assert.NotEqual(id, VerdictTelemetry.IdOf(Trace, Ungrounded with { SpanId = new SpanId(4) }));
        Assert.NotEqual(id, VerdictTelemetry.IdOf(Trace, Ungrounded with { Failure = FailureKind.Refusal }));
        Assert.NotEqual(id, VerdictTelemetry.IdOf(Trace, Ungrounded with { Rule = "other" }));
    }

    [Fact]
    public void A_verdict_on_the_trace_stands_below_its_root_and_where_none_is_known_by_itself()
    {
        var run = new AgentRun(Trace, [Step(5, 0), Step(6, 5)]);

        SpanOf((Ungrounded with { SpanId = default, Judged = null }).In(run), out var known);
        SpanOf(Ungrounded with { SpanId = default, Judged = null }, out var unknown);

        Assert.Equal(5, known.ParentSpanId[7]);
        Assert.Empty(unknown.ParentSpanId);
        Assert.Equal((ulong)Now.ToUnixTimeSeconds() * 1_000_000_000, unknown.StartTimeUnixNano);
    }

    [Fact]
    public void Texts_of_any_length_and_any_characters_become_bounded_valid_ones()
    {
        var hostile = Ungrounded with
        {
            Score = double.NaN,
            Explanation = "a\ud83d" + new string('x', 1 << 20),
            Evidence = [.. Enumerable.Repeat(new string('\ud83d', 5000), 1000)],
            Rule = new string('r', 10_000),
            Judged = new JudgedSpan(default, new string('s', 1 << 20), ulong.MaxValue, new string('i', 1 << 20)),
        };

        SpanOf(hostile, out var span);
        Assert.DoesNotContain(span.Attributes, attribute => attribute.Key == "otlptap.verdict.score");
        Assert.InRange(_telemetry.Span(Trace, hostile, Now).Length, 1, 16 << 10);
        Assert.InRange(_telemetry.Log(Trace, hostile, Now).Length, 1, 8 << 10);
        Assert.InRange(RecordOf(_telemetry.Log(Trace, hostile, Now)).Body.StringValue.Length, 1, 520);
        Assert.Equal((ulong)Now.ToUnixTimeSeconds() * 1_000_000_000, span.StartTimeUnixNano);
    }

    [Fact]
    public void An_opinion_is_a_log_record_of_its_answers_service_and_agent()
    {
        var opinion = new Opinion(Trace, new SpanId(3), OpinionValue.Negative, "helpful")
        {
            Judged = new JudgedSpan(new SpanId(3), "shop", 0, "resp-1") { Agent = "planner" },
            Score = 2,
            Min = 1,
            Max = 5,
            Comment = "Wrong city.",
            Id = "f-1",
            User = ("user.hash", "5f2a"),
        };

        var resource = Assert.Single(ExportLogsServiceRequest.Parser.ParseFrom(_telemetry.Log(opinion, Now)).ResourceLogs);

        Assert.Equal("shop", Value(resource.Resource.Attributes, "service.name").StringValue);
        var record = Assert.Single(resource.ScopeLogs[0].LogRecords);
        Assert.Equal(("otlptap", "gen_ai.evaluation.result", "WARN", 3), (resource.ScopeLogs[0].Scope.Name, record.EventName, record.SeverityText, record.SpanId[7]));
        Assert.Equal(
            "gen_ai.evaluation.name=helpful gen_ai.evaluation.score.label=negative gen_ai.evaluation.score.value=2 gen_ai.evaluation.min_value=1 gen_ai.evaluation.max_value=5 gen_ai.evaluation.explanation=Wrong city. gen_ai.evaluation.source=human gen_ai.response.id=resp-1 gen_ai.agent.name=planner otlptap.feedback.value=negative otlptap.feedback.id=f-1 user.hash=5f2a otlptap.verdict.source=feedback",
            string.Join(' ', record.Attributes.Select(attribute => $"{attribute.Key}={(attribute.Value.HasStringValue ? attribute.Value.StringValue : attribute.Value.DoubleValue)}")));
    }

    [Fact]
    public void An_opinion_of_which_little_is_known_and_a_hostile_one_are_records_too()
    {
        var bare = new Opinion(Trace, default, OpinionValue.Positive, "n");
        var hostile = bare with { Comment = new string('\ud83d', 1 << 20), Label = new string('l', 1 << 20), Score = double.NaN, Min = double.NegativeInfinity, Max = double.PositiveInfinity, Id = new string('i', 1 << 20) };

        var record = ExportLogsServiceRequest.Parser.ParseFrom(_telemetry.Log(bare, Now)).ResourceLogs[0].ScopeLogs[0].LogRecords[0];

        Assert.Equal(("INFO", "positive", 0), (record.SeverityText, Value(record.Attributes, "gen_ai.evaluation.score.label").StringValue, record.SpanId.Length));
        Assert.InRange(_telemetry.Log(hostile, Now).Length, 1, 16 << 10);
        Assert.DoesNotContain(ExportLogsServiceRequest.Parser.ParseFrom(_telemetry.Log(hostile, Now)).ResourceLogs[0].ScopeLogs[0].LogRecords[0].Attributes, attribute => attribute.Value.HasDoubleValue);
    }

    [Fact]
    public void An_opinions_record_says_in_its_body_what_was_said_and_of_what()
    {
        var opinion = new Opinion(Trace, new SpanId(3), OpinionValue.Negative, "user_feedback") { Judged = new JudgedSpan(new SpanId(3), "shop", 0, null) { Agent = "planner" }, Label = "thumbs_down", Comment = "Wrong city." };

        Assert.Equal("negative user_feedback (thumbs_down) on shop/planner, span 0000000000000003: Wrong city.", RecordOf(_telemetry.Log(opinion, Now)).Body.StringValue);
        Assert.Equal("positive helpful on the whole trace", RecordOf(_telemetry.Log(new Opinion(Trace, default, OpinionValue.Positive, "helpful"), Now)).Body.StringValue);
    }

    private static OpenTelemetry.Proto.Logs.V1.LogRecord RecordOf(byte[] logs) => ExportLogsServiceRequest.Parser.ParseFrom(logs).ResourceLogs[0].ScopeLogs[0].LogRecords[0];

    private OpenTelemetry.Proto.Trace.V1.ResourceSpans SpanOf(Verdict verdict, out OpenTelemetry.Proto.Trace.V1.Span span)
    {
        var resource = Assert.Single(ExportTraceServiceRequest.Parser.ParseFrom(_telemetry.Span(Trace, verdict, Now)).ResourceSpans);
        span = Assert.Single(resource.ScopeSpans[0].Spans);
        return resource;
    }

    private static RunStep Step(ulong id, ulong parent) => new() { TraceId = Trace, SpanId = new SpanId(id), ParentId = new SpanId(parent), Name = "step" };

    private static AnyValue Value(IEnumerable<KeyValue> attributes, string key) => attributes.Single(attribute => attribute.Key == key).Value;
}
