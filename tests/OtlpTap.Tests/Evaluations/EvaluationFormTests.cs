using System.Collections.Immutable;
using OtlpTap.Evaluations;
using OtlpTap.Verdicts;
using static OtlpTap.Tests.Evaluations.Told;

namespace OtlpTap.Tests.Evaluations;

/// <summary>Each form in which instrumentations tell an evaluation, and which span it is a verdict on.</summary>
public sealed class EvaluationFormTests
{
    private const string Result = "gen_ai.evaluation.result";

    private static readonly (string, object?)[] Hallucinated =
        [("gen_ai.evaluation.name", "hallucination"), ("gen_ai.evaluation.score.value", 0.9), ("gen_ai.evaluation.score.label", "hallucinated"), ("gen_ai.evaluation.explanation", "made up")];

    private static readonly (string, object?)[] Chat = [("gen_ai.operation.name", "chat"), ("gen_ai.response.id", "resp_1")];

    [Fact]
    public void A_log_event_speaks_of_its_span()
    {
        var found = Assert.Single(EvaluationPass.Read(Traces(Span(1, 2, 1, "chat", Chat)), Logs(Log(1, 2, Result, Hallucinated)), new EvaluationOptions()));

        Assert.Equal("1/2 hallucination", Text(found.TraceId, found.Verdict));
        Assert.Equal(("hallucination", VerdictSource.Evaluation, 0.9, "hallucinated", "made up"), (found.Verdict.Rule, found.Verdict.Source, found.Verdict.Score!.Value, found.Verdict.Label!, found.Verdict.Explanation!));
    }

    [Theory]
    [InlineData("event.name")]
    [InlineData("microsoft.custom_event.name")]
    public void The_events_name_may_stand_in_an_attribute(string key) =>
        Assert.Equal(["1/2 hallucination"], Judged([], Logs(Log(1, 2, "", [(key, Result), .. Hallucinated]))));

    [Fact]
    public void The_result_may_stand_in_the_body()
    {
        var log = Log(1, 2, Result);
        log.Body = Map(Hallucinated);
        var json = Log(1, 3, Result);
        json.Body = TraceBuilder.ValueOf("""{"gen_ai.evaluation.name":"faithfulness","gen_ai.evaluation.score.value":0.1}""");

        Assert.Equal(["1/2 hallucination", "1/3 hallucination"], Judged([], Logs(log, json)));
    }

    [Fact]
    public void A_span_event_speaks_of_its_span() =>
        Assert.Equal(["1/2 hallucination"], Judged(Traces(Span(1, 2, 1, "chat", Chat).With(Result, Hallucinated))));

    [Fact]
    public void Attributes_speak_of_their_span() =>
        Assert.Equal(["1/2 hallucination"], Judged(Traces(Span(1, 2, 1, "chat", [.. Chat, .. Hallucinated]))));

    [Fact]
    public void Attributes_named_after_their_metrics_are_results_each() =>
        Assert.Equal(
            ["1/2 hallucination", "1/2 failed_evaluation"],
            Judged(Traces(Span(1, 2, 1, "chat", [.. Chat, ("gen_ai.evaluation.groundedness", 2.0), ("gen_ai.evaluation.relevance.score", 1.5), ("gen_ai.evaluation.relevance.explanation", "off"), ("gen_ai.evaluation.coherence", 5)]))));

    [Fact]
    public void An_old_event_is_named_after_its_metric() =>
        Assert.Equal(["1/2 hallucination"], Judged([], Logs(Log(1, 2, "gen_ai.evaluation.groundedness", ("gen_ai.evaluation.score", 2.0)), Log(1, 2, "gen_ai.evaluation.relevance", ("gen_ai.evaluation.score", 5.0)))));

    [Fact]
    public void An_evaluator_that_failed_makes_no_verdict() =>
        Assert.Empty(Judged([], Logs(Log(1, 2, Result, ("gen_ai.evaluation.name", "hallucination"), ("error.type", "RateLimitError")))));

    [Theory]
    [InlineData(-1, "1/2 negative_feedback")]
    [InlineData(1, "1/2 positive_feedback")]
    [InlineData(0, null)]
    public void Azures_old_feedback_is_joined_by_its_response(int score, string? verdict)
    {
        var log = Log(0, 0, "gen_ai.evaluation.user_feedback", ("gen_ai.response.id", "resp_1"), ("gen_ai.evaluation.score", (double)score));
        log.Body = Map(("comment", "no good"));

        Assert.Equal(One(verdict), Judged(Traces(Span(1, 2, 1, "chat", Chat)), Logs(log)));
    }

    [Theory]
    [InlineData("end_user", 2, null, "1/1 negative_feedback")]
    [InlineData("builder", 4, null, "1/1 positive_feedback")]
    [InlineData("end_user", 3, null, null)]
    [InlineData("end_user", 3, "4", "1/1 negative_feedback")]
    [InlineData("end_user", 4, "4", "1/1 positive_feedback")]
    public void Foundrys_feedback_brings_its_scale(string source, int stars, string? threshold, string? verdict)
    {
        var properties = $$"""{"gen_ai.evaluation.type":"ordinal","gen_ai.evaluation.min_value":"1","gen_ai.evaluation.max_value":"5",{{(threshold is null ? "" : $"\"gen_ai.evaluation.threshold\":\"{threshold}\",")}}"gen_ai.evaluation.desirable_direction":"increase","microsoft.human_evaluation.source":"{{source}}","microsoft.human_evaluation.kind":"likert_5"}""";
        var log = Log(1, 1, "", ("microsoft.custom_event.name", Result), ("gen_ai.evaluation.name", "intent_resolution"), ("gen_ai.evaluation.score.value", stars), ("internal_properties", properties));

        Assert.Equal(One(verdict), Judged([], Logs(log)));
    }

    [Theory]
    [InlineData("EVALUATOR")]
    [InlineData(null)]
    public void An_evaluators_span_speaks_of_the_span_it_links_to(string? kind)
    {
        var span = Span(9, 1, 0, "judge", ("evaluations.0.evaluation.name", "hallucination"), ("evaluations.0.evaluation.score", 1), ("evaluations.0.evaluation.label", "hallucinated"), ("evaluations.1.evaluation.name", "relevance"), ("evaluations.1.evaluation.score", 0.1));
        if (kind is not null)
        {
            span.Attributes.Add(TraceBuilder.Attribute("openinference.span.kind", kind));
        }

        Assert.Equal(["1/2 hallucination", "1/2 failed_evaluation"], Judged(Traces(span.LinkedTo(1, 2))));
    }

    [Fact]
    public void An_evaluators_parent_or_one_of_two_links_is_not_what_it_speaks_of()
    {
        (string, object?)[] attributes = [("openinference.span.kind", "EVALUATOR"), ("evaluations.0.evaluation.name", "hallucination"), ("evaluations.0.evaluation.label", "hallucinated")];

        Assert.Empty(Judged(Traces(Span(9, 2, 1, "judge", attributes), Span(9, 3, 1, "judge", attributes).LinkedTo(1, 2).LinkedTo(1, 3))));
    }

    [Fact]
    public void An_inline_evaluation_speaks_of_its_span_whatever_that_links_to() =>
        Assert.Equal(
            ["1/2 hallucination", "1/2 negative_feedback"],
            Judged(Traces(Span(1, 2, 1, "rag", ("openinference.span.kind", "CHAIN"), ("evaluations.0.evaluation.name", "faithfulness"), ("evaluations.0.evaluation.score", 0), ("annotations.3.annotation.name", "quality"), ("annotations.3.annotation.label", "bad"), ("annotations.3.annotation.annotator_kind", "HUMAN")).LinkedTo(7, 7))));

    [Fact]
    public void Metadata_tells_the_direction() =>
        Assert.Equal(
            ["1/2 failed_evaluation"],
            Judged(Traces(Span(1, 2, 1, "rag", ("openinference.span.kind", "CHAIN"), ("evaluations.0.evaluation.name", "house_rule"), ("evaluations.0.evaluation.score", 0.8), ("evaluations.0.evaluation.metadata", """{"direction":"minimize"}"""), ("evaluations.1.evaluation.name", "other_rule"), ("evaluations.1.evaluation.score", 0.8)))));

    [Fact]
    public void A_sessions_annotation_without_a_link_speaks_of_the_sessions_last_trace()
    {
        var spans = Traces(
            Span(1, 1, 0, "agent", ("openinference.span.kind", "AGENT"), ("session.id", "s")),
            Span(3, 1, 0, "agent", ("openinference.span.kind", "AGENT"), ("session.id", "s")),
            Span(3, 2, 1, "llm", ("openinference.span.kind", "LLM"), ("session.id", "s")),
            Span(2, 1, 0, "agent", ("openinference.span.kind", "AGENT"), ("session.id", "s")),
            Span(4, 1, 0, "agent", ("openinference.span.kind", "AGENT"), ("session.id", "another")),
            Span(9, 1, 0, "session feedback", ("session.id", "s"), ("session.annotations.0.annotation.name", "goal_completed"), ("session.annotations.0.annotation.label", "abandoned"), ("session.annotations.0.annotation.annotator_kind", "CODE")));

        Assert.Equal(["3/1 negative_feedback"], Judged(spans));
    }

    [Theory]
    [InlineData(false, "1/1 negative_feedback")]
    [InlineData(true, "1/1 positive_feedback")]
    [InlineData("thumbs-down", "1/1 negative_feedback")]
    [InlineData(0.0, "1/1 negative_feedback")]
    [InlineData(2, "1/1 negative_feedback")]
    public void Logfires_annotation_speaks_of_its_parent(object value, string verdict) =>
        Assert.Equal([verdict], Judged(Traces(Span(1, 5, 1, "feedback: helped", ("logfire.span_type", "annotation"), ("logfire.feedback.name", "helped"), ("helped", value), ("logfire.feedback.comment", "why")))));

    [Fact]
    public void A_span_that_is_still_running_is_not_read_yet() =>
        Assert.Empty(Judged(Traces(Span(1, 2, 1, "chat", [("logfire.span_type", "pending_span"), .. Hallucinated]))));

    [Fact]
    public void A_person_may_say_that_it_was_a_hallucination() =>
        Assert.Equal(VerdictSource.Feedback, Assert.Single(EvaluationPass.Read(Traces(Span(1, 2, 1, "rag", ("openinference.span.kind", "CHAIN"), ("annotations.0.annotation.name", "hallucination"), ("annotations.0.annotation.label", "hallucinated"), ("annotations.0.annotation.annotator_kind", "HUMAN"))), default, new EvaluationOptions())).Verdict.Source);

    [Theory]
    [InlineData("gen_ai.evaluation.target", "weather_agent")]
    [InlineData("gen_ai.evaluation.evaluator.source", "LLMJudge")]
    [InlineData("gen_ai.evaluation.evaluator.version", "2")]
    public void Pydantic_evals_adds_words_of_its_own(string key, string value) =>
        Assert.Equal(["1/2 hallucination"], Judged([], Logs(Log(1, 2, Result, [.. Hallucinated, (key, value)]))));

    [Theory]
    [InlineData("FAILED", "hallucination-guard", "1/2 hallucination")]
    [InlineData("PASSED", "hallucination-guard", null)]
    [InlineData("FAILED", "pii-detector", "1/2 content_filter")]
    public void Traceloops_guard_speaks_of_itself(string status, string name, string? verdict) =>
        Assert.Equal(One(verdict), Judged(Traces(Span(1, 2, 1, "guard", ("gen_ai.operation.name", "guardrail.run"), ("gen_ai.guardrail.name", name), ("gen_ai.guardrail.status", status)))));

    [Fact]
    public void A_guard_that_broke_makes_no_verdict() =>
        Assert.Empty(Judged(Traces(Span(1, 2, 1, "guard", ("gen_ai.guardrail.name", "hallucination"), ("gen_ai.guardrail.status", "FAILED"), ("gen_ai.guardrail.error.type", "Timeout")))));

    [Theory]
    [InlineData(true, new[] { "1/2 hallucination" })]
    [InlineData(false, new string[0])]
    public void OpenInferences_guard_says_whether_it_was_triggered(bool triggered, string[] verdicts) =>
        Assert.Equal(verdicts, Judged(Traces(Span(1, 2, 1, "groundedness_guard", ("openinference.span.kind", "GUARDRAIL"), ("guardrail.triggered", triggered)))));

    [Theory]
    [InlineData("""{"score":1,"label":"hallucinated","reasoning":"not in context"}""", "1/1 hallucination")]
    [InlineData("""{"score":0.95}""", "1/1 hallucination")]
    [InlineData("""0.9""", "1/1 hallucination")]
    [InlineData("""true""", "1/1 hallucination")]
    [InlineData("""{"score":0.05,"label":"factual"}""", null)]
    [InlineData("""[{"name":"faithfulness","score":0.1}]""", "1/1 hallucination")]
    [InlineData("""{"name":"faithfulness","passed":false,"score":0.9}""", "1/1 hallucination")]
    [InlineData("hallucinated", "1/1 hallucination")]
    [InlineData("The answer was looked at.", null)]
    [InlineData("{\"score\":", null)]
    public void Langfuses_evaluator_gives_its_result_as_output_and_speaks_of_its_parent(string output, string? verdict) =>
        Assert.Equal(One(verdict), Judged(Traces(Span(1, 5, 1, "hallucination", ("langfuse.observation.type", "evaluator"), ("langfuse.observation.output", output)))));

    [Fact]
    public void A_Langfuse_evaluator_that_failed_makes_no_verdict() =>
        Assert.Empty(Judged(Traces(Span(1, 5, 1, "hallucination", ("langfuse.observation.type", "evaluator"), ("langfuse.observation.level", "ERROR"), ("langfuse.observation.output", """{"score":1}""")))));

    [Theory]
    [InlineData("""{"name":"retrieval_groundedness","value":"no","rationale":"not there","source":{"source_type":"LLM_JUDGE"}}""", "1/1 hallucination", VerdictSource.Evaluation)]
    [InlineData("""{"name":"helpful","value":false,"source":{"source_type":"HUMAN"}}""", "1/1 negative_feedback", VerdictSource.Feedback)]
    public void MLflows_evaluator_gives_its_assessment_as_outputs(string outputs, string verdict, string source)
    {
        var found = Assert.Single(EvaluationPass.Read(Traces(Span(1, 5, 1, "scorer", ("mlflow.spanType", "\"EVALUATOR\""), ("mlflow.spanOutputs", outputs))), default, new EvaluationOptions()));

        Assert.Equal((verdict, source), (Text(found.TraceId, found.Verdict), found.Verdict.Source));
    }

    [Fact]
    public void A_result_that_is_sent_as_event_and_as_log_is_one() =>
        Assert.Equal(
            ["1/2 hallucination"],
            Judged(
                Traces(Span(1, 2, 1, "chat", Chat).With(Result, ("gen_ai.evaluation.name", "Hallucination"), ("gen_ai.evaluation.score.value", 1), ("gen_ai.evaluation.score.label", "yes"))),
                Logs(Log(1, 2, Result, ("gen_ai.evaluation.name", "Hallucination"), ("gen_ai.evaluation.score.value", 1.0), ("gen_ai.evaluation.score.label", "yes"), ("gen_ai.response.id", "resp_1")))));

    [Fact]
    public void Traceloops_custom_metrics_are_read_where_their_names_tell()
    {
        Assert.Equal(["1/2 hallucination"], Judged(Traces(Span(1, 2, 1, "answer.workflow", ("traceloop.span.kind", "workflow"), ("faithfulness", 0.1), ("my_score", 0.1)))));
        Assert.Empty(Judged(Traces(Span(1, 2, 1, "a span of anything", ("faithfulness", 0.1)))));
    }

    [Fact]
    public void An_attribute_that_the_operator_names_is_a_metric_on_any_span()
    {
        var options = new EvaluationOptions { Metrics = ImmutableDictionary<string, MetricOverride>.Empty.Add("my_score", new MetricOverride(GoodEnd.High, 0.7, "hallucination")) };

        Assert.Equal(["1/2 hallucination"], Judged(Traces(Span(1, 2, 1, "chat", ("my_score", 0.6)), Span(1, 3, 1, "chat", ("my_score", 0.8))), null, options));
    }

    [Fact]
    public void Feedback_that_a_web_server_took_in_speaks_of_the_response_it_names()
    {
        var spans = Traces(Span(1, 2, 1, "chat", Chat), Span(9, 1, 0, "POST /feedback", ("http.request.method", "POST")));
        var log = Log(9, 1, Result, ("gen_ai.evaluation.name", "user_feedback"), ("gen_ai.evaluation.score.label", "thumbs_down"), ("gen_ai.response.id", "resp_1"));

        Assert.Equal(["1/2 negative_feedback"], Judged(spans, Logs(log)));
    }

    [Fact]
    public void A_context_that_is_an_agents_step_is_not_outvoted_by_an_id_from_elsewhere()
    {
        var spans = Traces(Span(1, 2, 1, "chat", Chat), Span(2, 1, 0, "invoke_agent", ("gen_ai.operation.name", "invoke_agent")));

        Assert.Equal(["2/1 hallucination"], Judged(spans, Logs(Log(2, 1, Result, [.. Hallucinated, ("gen_ai.response.id", "resp_1")]))));
    }

    [Fact]
    public void A_trace_without_a_span_is_told_its_span_by_the_response()
    {
        var spans = Traces(Span(1, 1, 0, "agent", ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.response.id", "resp_1")), Span(1, 2, 1, "chat", Chat));

        Assert.Equal(["1/2 hallucination"], Judged(spans, Logs(Log(1, 0, Result, [.. Hallucinated, ("gen_ai.response.id", "resp_1")]))));
        Assert.Equal(["1/0 hallucination"], Judged(spans, Logs(Log(1, 0, Result, Hallucinated))));
    }

    [Fact]
    public void A_conversation_is_enough_for_feedback_that_names_nothing_else()
    {
        var spans = Traces(Span(1, 1, 0, "invoke_agent", ("gen_ai.conversation.id", "c")), Span(2, 1, 0, "invoke_agent", ("gen_ai.conversation.id", "c")));

        Assert.Equal(["2/1 negative_feedback"], Judged(spans, Logs(Log(0, 0, Result, ("gen_ai.evaluation.name", "thumbs"), ("gen_ai.evaluation.score.label", "down"), ("gen_ai.conversation.id", "c")))));
    }

    [Fact]
    public void What_a_tap_has_told_its_backend_is_not_judged_again() =>
        Assert.Empty(Judged([], Logs(Log(1, 2, Result, [.. Hallucinated, ("otlptap.verdict.source", "detector")]))));

    [Fact]
    public void A_healthy_span_is_read_without_a_verdict() =>
        Assert.Empty(Judged(Traces(Span(1, 1, 0, "agent", ("gen_ai.conversation.id", "c"), ("evaluation", "bad"), ("annotations", "bad"), ("gen_ai.tool.name", "evaluate")))));

    [Fact]
    public void Nothing_is_read_where_evaluations_are_switched_off() =>
        Assert.Empty(Judged(Traces(Span(1, 2, 1, "chat", [.. Chat, .. Hallucinated])), null, new EvaluationOptions { IsEnabled = false }));

    [Fact]
    public void Any_cut_of_a_request_is_read_without_an_error()
    {
        var spans = Traces(
            Span(1, 2, 1, "chat", [.. Chat, .. Hallucinated]).With(Result, Hallucinated).LinkedTo(1, 1),
            Span(1, 5, 1, "hallucination", ("langfuse.observation.type", "evaluator"), ("langfuse.observation.output", """{"score":1}""")));
        var log = Log(1, 2, Result, Hallucinated);
        log.Body = Map(("comment", "x"));
        var logs = Logs(log);

        for (var length = 0; length <= spans.Length; length++)
        {
            EvaluationPass.Read(spans.AsMemory(0, length), logs.AsMemory(0, Math.Min(length, logs.Length)), new EvaluationOptions());
        }
    }

    [Fact]
    public void Hostile_values_end_in_bounded_texts()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"score\":", 5000)) + "1" + new string('}', 5000);
        var spans = Traces(
            Span(1, 2, 1, "x", ("langfuse.observation.type", "evaluator"), ("langfuse.observation.output", deep)),
            Span(1, 3, 1, "x", [.. Chat, ("gen_ai.evaluation.name", new string('n', 1_000_000)), ("gen_ai.evaluation.score.label", "hallucinated"), ("gen_ai.evaluation.explanation", new string('é', 1_000_000))]));

        var verdict = Assert.Single(EvaluationPass.Read(spans, default, new EvaluationOptions())).Verdict;
        Assert.True(verdict.Rule.Length <= MetricName.LengthMax);
        Assert.True(verdict.Explanation!.Length <= Evaluation.TextLengthMax);
    }
}
