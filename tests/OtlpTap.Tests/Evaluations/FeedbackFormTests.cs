using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Evaluations;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;
using static OtlpTap.Tests.Evaluations.Told;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Evaluations;

/// <summary>Each form in which people's feedback comes as telemetry counts as such: observers are told who said what of which span.</summary>
public sealed class FeedbackFormTests : IDisposable, IVerdictSink, IFeedbackObserver
{
    private const string Result = "gen_ai.evaluation.result";

    private static readonly (string, object?)[] Chat = [("gen_ai.operation.name", "chat"), ("gen_ai.response.id", "resp_1")];

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly List<string> _said = [];
    private readonly List<Opinion> _opinions = [];
    private readonly List<string> _verdicts = [];
    private readonly EvaluationWatch _watch;

    public FeedbackFormTests()
    {
        _watch = new EvaluationWatch(new EvaluationOptions(), (_, _) => null, this, new EvaluationMetrics(Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry())), _time, people: this);
        _watch.Observe(Signal.Traces, Traces(Span(1, 1, 0, "agent", ("session.id", "s")), Span(1, 2, 1, "chat", Chat)));
    }

    public void Dispose() => _watch.Dispose();

    void IVerdictSink.Judged(in TraceId traceId, in Verdict verdict) => _verdicts.Add(Text(traceId, verdict));

    void IFeedbackObserver.Said(Opinion opinion)
    {
        _opinions.Add(opinion);
        _said.Add($"{opinion.TraceId.Low}/{opinion.SpanId.Value} {opinion.Value} {opinion.Name}");
    }

    [Theory]
    [InlineData("microsoft.gen_ai.evaluation.actor.type", "human")]
    [InlineData("gen_ai.evaluation.evaluator.type", "HUMAN")]
    [InlineData("gen_ai.evaluation.source", "human")]
    [InlineData("microsoft.human_evaluation.source", "end_user")]
    [InlineData("microsoft.human_evaluation.source", "builder")]
    public void An_evaluation_event_with_a_human_marker(string marker, string value)
    {
        foreach (var label in new[] { "bad", "good", "average" })
        {
            Logged(Log(1, 2, Result, ("gen_ai.evaluation.name", "intent_resolution"), ("gen_ai.evaluation.score.label", label), (marker, value)));
        }

        Assert.Equal(["1/2 Negative intent_resolution", "1/2 Positive intent_resolution", "1/2 Neutral intent_resolution"], _said);
        Assert.All(_opinions, opinion => Assert.True(opinion.IsRecorded));
        Assert.Equal(["1/2 negative_feedback", "1/2 positive_feedback"], _verdicts);
    }

    [Theory]
    [InlineData("binary", 0, "fail", "Negative")]
    [InlineData("binary", 1, "pass", "Positive")]
    [InlineData("likert_5", 1, null, "Negative")]
    [InlineData("likert_5", 3, null, "Neutral")]
    [InlineData("likert_5", 5, null, "Positive")]
    public void Foundrys_feedback_by_its_properties(string kind, int score, string? label, string value)
    {
        var (min, max) = kind == "binary" ? (0, 1) : (1, 5);
        var properties = $$"""{"gen_ai.evaluation.min_value":"{{min}}","gen_ai.evaluation.max_value":"{{max}}","gen_ai.evaluation.desirable_direction":"increase","microsoft.human_evaluation.source":"end_user","microsoft.human_evaluation.kind":"{{kind}}"}""";
        (string, object?)[] attributes = [("microsoft.custom_event.name", Result), ("gen_ai.evaluation.name", "helpful"), ("gen_ai.evaluation.score.value", score), ("internal_properties", properties)];
        Logged(Log(1, 2, "", label is null ? attributes : [.. attributes, ("gen_ai.evaluation.score.label", label)]));

        Assert.Equal([$"1/2 {value} helpful"], _said);
        Assert.Equal(((double)min, (double)max), (_opinions[0].Min!.Value, _opinions[0].Max!.Value));
    }

    [Theory]
    [InlineData(-1.0, "Negative")]
    [InlineData(0.0, "Neutral")]
    [InlineData(1.0, "Positive")]
    public void Azures_old_event_by_its_response(double score, string value)
    {
        Logged(Log(0, 0, "gen_ai.evaluation.user_feedback", ("gen_ai.response.id", "resp_1"), ("gen_ai.evaluation.score", score)));

        Assert.Equal([$"1/2 {value} user_feedback"], _said);
        Assert.False(_opinions[0].IsRecorded);
    }

    [Theory]
    [InlineData("thumbs_down", "Negative")]
    [InlineData("thumbs_up", "Positive")]
    [InlineData("unsure", "Neutral")]
    public void OpenInferences_annotation_by_a_human(string label, string value)
    {
        (string, object?)[] annotation = [("annotations.0.annotation.name", "quality"), ("annotations.0.annotation.label", label), ("annotations.0.annotation.explanation", "why"), ("annotations.0.annotation.annotator_kind", "HUMAN")];
        Spans(Span(1, 3, 1, "rag", [("openinference.span.kind", "CHAIN"), .. annotation]));
        Spans(Span(9, 1, 0, "feedback", [("openinference.span.kind", "EVALUATOR"), .. annotation]).LinkedTo(1, 2));

        Assert.Equal([$"1/3 {value} quality", $"1/2 {value} quality"], _said);
        Assert.All(_opinions, opinion => Assert.Equal(("why", false), (opinion.Comment, opinion.IsRecorded)));
    }

    [Theory]
    [InlineData("trace", "1/3 Negative satisfaction")]
    [InlineData("session", "1/1 Negative satisfaction")]
    public void OpenInferences_annotation_of_a_trace_or_a_session(string scope, string said)
    {
        (string, object?)[] annotation = [($"{scope}.annotations.0.annotation.name", "satisfaction"), ($"{scope}.annotations.0.annotation.score", 0.0), ($"{scope}.annotations.0.annotation.annotator_kind", "HUMAN")];
        Spans(scope == "trace" ? Span(1, 3, 1, "rag", [("openinference.span.kind", "CHAIN"), .. annotation]) : Span(9, 1, 0, "feedback", [("session.id", "s"), .. annotation]));

        Assert.Equal([said], _said);
    }

    [Theory]
    [InlineData(false, "Negative")]
    [InlineData(true, "Positive")]
    [InlineData(2, "Negative")]
    [InlineData(3, "Neutral")]
    [InlineData("👍", "Positive")]
    [InlineData("purple", "Neutral")]
    public void Logfires_annotation_span(object answer, string value)
    {
        Spans(Span(1, 5, 2, "feedback: helped", ("logfire.span_type", "annotation"), ("logfire.feedback.name", "helped"), ("helped", answer), ("logfire.feedback.comment", "why")));

        Assert.Equal([$"1/2 {value} helped"], _said);
        Assert.Equal("why", _opinions[0].Comment);
    }

    [Fact]
    public void MLflows_assessment_by_a_human()
    {
        Spans(Span(1, 5, 2, "scorer", ("mlflow.spanType", "\"EVALUATOR\""), ("mlflow.spanOutputs", """{"name":"helpful","value":false,"rationale":"off","source":{"source_type":"HUMAN"}}""")));

        Assert.Equal(["1/2 Negative helpful"], _said);
    }

    [Fact]
    public void What_a_person_finds_of_the_facts_is_an_opinion_and_a_verdict_of_its_own_kind()
    {
        Logged(
            Log(1, 2, Result, ("gen_ai.evaluation.name", "hallucination"), ("gen_ai.evaluation.score.label", "hallucinated"), ("gen_ai.evaluation.source", "human")),
            Log(1, 2, Result, ("gen_ai.evaluation.name", "hallucination"), ("gen_ai.evaluation.score.label", "factual"), ("gen_ai.evaluation.source", "human")));

        Assert.Equal(["1/2 Negative hallucination", "1/2 Positive hallucination"], _said);
        Assert.Equal(["1/2 hallucination"], _verdicts);
    }

    [Fact]
    public void Evaluators_say_nothing_as_people()
    {
        Logged(
            Log(1, 2, Result, ("gen_ai.evaluation.name", "relevance"), ("gen_ai.evaluation.score.value", 0.1)),
            Log(1, 2, Result, ("gen_ai.evaluation.name", "user_feedback"), ("error.type", "Timeout")));

        Assert.Empty(_said);
    }

    [Fact]
    public void The_same_feedback_twice_is_told_once()
    {
        var log = Log(1, 2, Result, ("gen_ai.evaluation.name", "user_feedback"), ("gen_ai.evaluation.score.value", 3.0));
        Logged(log);
        Logged(log);

        Assert.Equal(["1/2 Neutral user_feedback"], _said);
    }

    private void Logged(params LogRecord[] records) => _watch.Observe(Signal.Logs, Logs(records));

    private void Spans(params Span[] spans) => _watch.Observe(Signal.Traces, Traces(spans));
}
