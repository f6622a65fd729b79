using System.Collections.Immutable;
using OtlpTap.Evaluations;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Evaluations;

public sealed class EvaluationJudgementTests
{
    private const string Hallucination = FailureKind.Hallucination;
    private const string Planning = FailureKind.PlanningError;
    private const string Failed = FailureKind.FailedEvaluation;

    [Theory]
    [InlineData("hallucination", "hallucinated", Hallucination)]
    [InlineData("Hallucination", "HALLUCINATED", Hallucination)]
    [InlineData("hallucination", "factual", null)]
    [InlineData("hallucination", "grounded", null)]
    [InlineData("hallucination", "not hallucinated", null)]
    [InlineData("hallucination", "fail", Hallucination)]
    [InlineData("hallucination", "pass", null)]
    [InlineData("hallucination", "true", Hallucination)]
    [InlineData("hallucination", "no", null)]
    [InlineData("hallucination", "detected", Hallucination)]
    [InlineData("hallucination_free", "true", null)]
    [InlineData("hallucination_free", "no", Hallucination)]
    [InlineData("faithfulness", "unfaithful", Hallucination)]
    [InlineData("faithfulness", "true", null)]
    [InlineData("faithfulness", "false", Hallucination)]
    [InlineData("groundedness", "not_grounded", Hallucination)]
    [InlineData("Correctness", "incorrect", Hallucination)]
    [InlineData("answer check", "hallucinated", Hallucination)]
    [InlineData("answer check", "fail", Failed)]
    [InlineData("answer check", "yes", null)]
    [InlineData("tool_selection", "incorrect", Planning)]
    [InlineData("tool_selection", "correct", null)]
    [InlineData("tool_invocation", "incorrect", Planning)]
    [InlineData("tool_response_handling", "incorrect", Planning)]
    [InlineData("refusal", "refused", null)]
    [InlineData("refusal", "fail", null)]
    [InlineData("user_friction", "friction", FailureKind.NegativeFeedback)]
    [InlineData("user_friction", "no_friction", null)]
    [InlineData("document_relevance", "unrelated", Failed)]
    [InlineData("document_relevance", "relevant", null)]
    [InlineData("toxicity", "toxic", Failed)]
    [InlineData("toxicity", "non-toxic", null)]
    [InlineData("violence", "High", Failed)]
    [InlineData("violence", "Very low", null)]
    [InlineData("groundedness", "high", null)]
    [InlineData("groundedness", "inconclusive", null)]
    [InlineData("json_correctness", "fail", FailureKind.SchemaError)]
    public void A_label_says_what_the_result_is(string metric, string label, string? failure) => Assert.Equal(failure, Judge(metric, label: label).Failure);

    [Theory]
    [InlineData("hallucination", 0.9, Hallucination)] // DeepEval, Phoenix, OpenLIT: 1 is bad
    [InlineData("hallucination", 1.0, Hallucination)]
    [InlineData("hallucination", 0.1, null)]
    [InlineData("hallucination", 0.0, null)]
    [InlineData("Hallucination [GEval]", 0.9, Hallucination)]
    [InlineData("HallucinationMetric", 0.9, Hallucination)]
    [InlineData("has_hallucination", 1.0, Hallucination)] // Weave
    [InlineData("no_hallucination", 1.0, null)]
    [InlineData("HallucinationFree", 0.1, Hallucination)]
    [InlineData("faithfulness", 0.05, Hallucination)]
    [InlineData("faithfulness", 0.95, null)]
    [InlineData("Faithfulness", 0.5, null)]
    [InlineData("unfaithfulness", 0.95, Hallucination)]
    [InlineData("GroundednessEvaluator", 2.0, Hallucination)] // 1 to 5
    [InlineData("groundedness", 3.0, null)]
    [InlineData("groundedness", 5.0, null)]
    [InlineData("ungrounded_attributes", 1.0, Hallucination)]
    [InlineData("Factuality", 0.4, Hallucination)] // autoevals
    [InlineData("retrieval_groundedness", 0.0, Hallucination)] // MLflow
    [InlineData("answer_relevancy", 0.2, Failed)]
    [InlineData("AnswerRelevancy", 0.9, null)]
    [InlineData("ragas.context_recall", 0.1, Failed)]
    [InlineData("noise_sensitivity", 0.9, Failed)]
    [InlineData("toxicity", 0.8, Failed)]
    [InlineData("toxicity", 0.2, null)]
    [InlineData("Bias", 0.9, Failed)]
    [InlineData("harmlessness", 0.9, null)]
    [InlineData("PII Leakage", 1.0, Failed)]
    [InlineData("violence", 5.0, Failed)]
    [InlineData("violence", 2.0, null)]
    [InlineData("violence", 1.0, null)] // of 7, or of 1
    [InlineData("tool_call_accuracy", 0.0, Planning)]
    [InlineData("Tool Correctness", 1.0, null)]
    [InlineData("coherence", 4.0, null)]
    [InlineData("fluency", 1.5, Failed)]
    [InlineData("relevance", 20.0, Failed)] // 0 to 100
    [InlineData("relevance", 80.0, null)]
    [InlineData("bleu", 0.1, null)]
    [InlineData("semantic_similarity", 0.3, null)]
    [InlineData("my_score", 0.0, null)]
    [InlineData("my_score", 1.0, null)]
    [InlineData("latency", 12.0, null)]
    [InlineData("faithfulness", double.NaN, null)]
    [InlineData("faithfulness", 1e9, null)]
    [InlineData("refusal", 1.0, null)]
    [InlineData("user_feedback", 0.0, FailureKind.NegativeFeedback)]
    [InlineData("user_feedback", 1.0, FailureKind.PositiveFeedback)]
    [InlineData("user-score", -1.0, FailureKind.NegativeFeedback)]
    [InlineData("stars", 1.0, FailureKind.NegativeFeedback)]
    [InlineData("stars", 3.0, null)]
    [InlineData("stars", 5.0, FailureKind.PositiveFeedback)]
    [InlineData("rating", 1.0, null)] // of five, or thumbs up
    [InlineData("rating", 2.0, FailureKind.NegativeFeedback)]
    [InlineData("rating", 4.0, FailureKind.PositiveFeedback)]
    [InlineData("nps", 6.0, FailureKind.NegativeFeedback)]
    [InlineData("nps", 8.0, null)]
    [InlineData("nps", 9.0, FailureKind.PositiveFeedback)]
    [InlineData("csat", 2.0, FailureKind.NegativeFeedback)]
    public void A_score_is_read_by_the_metrics_name(string metric, double score, string? failure) => Assert.Equal(failure, Judge(metric, score).Failure);

    [Fact]
    public void The_label_beats_the_score()
    {
        Assert.Null(Judge("hallucination", 1, "factual").Failure);
        Assert.Equal(Hallucination, Judge("hallucination", 0, "hallucinated").Failure);
        Assert.Equal(Hallucination, Judge("faithfulness", 1, "unfaithful").Failure);
    }

    [Fact]
    public void A_word_that_nobody_knows_leaves_it_to_the_score()
    {
        Assert.Equal(Hallucination, Judge("faithfulness", 0.1, "tier C").Failure);
        Assert.Equal(EvaluationOutcome.Unknown, Judge("faithfulness", null, "tier C").Outcome);
    }

    [Fact]
    public void The_senders_direction_beats_the_name()
    {
        var low = new Evaluation { Metric = "hallucination", Score = 0.1, Good = GoodEnd.High };
        Assert.Equal(Hallucination, Judge(low).Failure);
        Assert.Null(Judge(low with { Score = 0.9 }).Failure);
        Assert.Equal(Failed, Judge(new Evaluation { Metric = "my_score", Score = 0.9, Good = GoodEnd.Low }).Failure);
        Assert.Equal(EvaluationOutcome.Unknown, Judge("my_score", 0.9).Outcome);
    }

    [Theory]
    [InlineData(0.69, Hallucination)]
    [InlineData(0.7, null)]
    public void The_senders_threshold_is_where_good_begins(double score, string? failure) =>
        Assert.Equal(failure, Judge(new Evaluation { Metric = "faithfulness", Score = score, Threshold = 0.7 }).Failure);

    [Theory]
    [InlineData(0.3, null)]
    [InlineData(0.31, Hallucination)]
    public void Where_low_is_good_the_threshold_is_the_most_that_passes(double score, string? failure) =>
        Assert.Equal(failure, Judge(new Evaluation { Metric = "hallucination", Score = score, Threshold = 0.3 }).Failure);

    [Fact]
    public void The_senders_scale_gives_the_middle()
    {
        Assert.Equal(Hallucination, Judge(new Evaluation { Metric = "groundedness", Score = 1, Min = 1, Max = 5 }).Failure);
        Assert.Null(Judge(new Evaluation { Metric = "violence", Score = 1, Min = 0, Max = 7 }).Failure);
    }

    [Fact]
    public void A_metric_of_likeness_is_judged_with_a_threshold_alone()
    {
        Assert.Equal(EvaluationOutcome.Unknown, Judge("bleu", 0.1).Outcome);
        Assert.Equal(Failed, Judge(new Evaluation { Metric = "bleu", Score = 0.1, Threshold = 0.2 }).Failure);
    }

    [Fact]
    public void The_operator_has_the_last_word()
    {
        var options = new EvaluationOptions
        {
            Metrics = ImmutableDictionary<string, MetricOverride>.Empty
                .Add("hallucination", new MetricOverride(GoodEnd.High))
                .Add("my_score", new MetricOverride(GoodEnd.High, 0.7, Hallucination))
                .Add("tone", new MetricOverride(GoodEnd.Unknown, Failure: "bad_tone")),
        };

        // A judge of one's own whose 1 means "no hallucination".
        Assert.Null(EvaluationJudgement.Of(new Evaluation { Metric = "Hallucination", Score = 1, Label = "hallucinated", Good = GoodEnd.Low }, options).Failure);
        Assert.Equal(Hallucination, EvaluationJudgement.Of(new Evaluation { Metric = "hallucination", Score = 0.2 }, options).Failure);
        Assert.Equal(Hallucination, EvaluationJudgement.Of(new Evaluation { Metric = "My Score", Score = 0.6 }, options).Failure);
        Assert.Null(EvaluationJudgement.Of(new Evaluation { Metric = "my_score", Score = 0.7 }, options).Failure);
        Assert.Equal("bad_tone", EvaluationJudgement.Of(new Evaluation { Metric = "tone", Label = "fail" }, options).Failure);
    }

    [Theory]
    [InlineData("task_completion", "fail", FailureKind.NegativeFeedback)]
    [InlineData("task_completion", "pass", FailureKind.PositiveFeedback)]
    [InlineData("whatever", "👎", FailureKind.NegativeFeedback)]
    [InlineData("whatever", "Thumbs Up!", FailureKind.PositiveFeedback)]
    [InlineData("hallucination", "hallucinated", Hallucination)]
    [InlineData("hallucination", "factual", null)]
    [InlineData("tool_selection", "incorrect", Planning)]
    [InlineData("helpful", "no", FailureKind.NegativeFeedback)]
    public void What_people_say_is_feedback_unless_it_names_a_failure(string metric, string label, string? failure)
    {
        var judgement = Judge(new Evaluation { Metric = metric, Label = label, Evaluator = Evaluator.Human });

        Assert.Equal(failure, judgement.Failure);
        Assert.Equal(VerdictSource.Feedback, judgement.Source);
    }

    [Fact]
    public void What_an_evaluator_says_is_an_evaluation() => Assert.Equal(VerdictSource.Evaluation, Judge("faithfulness", 0).Source);

    [Fact]
    public void An_evaluator_that_failed_says_nothing_of_the_answer()
    {
        var judgement = Judge(new Evaluation { Metric = "hallucination", HasFailed = true });

        Assert.Equal((EvaluationOutcome.EvaluatorFailed, null), (judgement.Outcome, judgement.Failure));
    }

    [Fact]
    public void A_guard_that_stops_harm_is_a_content_filter()
    {
        Assert.Equal(FailureKind.ContentFilter, Judge(new Evaluation { Metric = "toxicity_guard", Label = "failed", IsGuard = true }).Failure);
        Assert.Equal(Hallucination, Judge(new Evaluation { Metric = "groundedness_guard", Label = "failed", IsGuard = true }).Failure);
    }

    [Fact]
    public void A_session_that_went_badly_is_negative_feedback_whoever_says_so() =>
        Assert.Equal(FailureKind.NegativeFeedback, Judge(new Evaluation { Metric = "coherence", Score = 0, Scope = EvaluationScope.Session }).Failure);

    [Theory]
    [InlineData("AnswerRelevancy", "answer_relevancy")]
    [InlineData("answer-relevancy", "answer_relevancy")]
    [InlineData("Answer Relevancy [GEval]", "answer_relevancy")]
    [InlineData("JSONCorrectness", "json_correctness")]
    [InlineData("  --  ", "")]
    [InlineData("GroundednessPro", "groundedness_pro")]
    public void Names_come_in_one_spelling(string name, string spelling) => Assert.Equal(spelling, MetricName.Normalise(name));

    private static Judgement Judge(string metric, double? score = null, string? label = null) => Judge(new Evaluation { Metric = metric, Score = score, Label = label });

    private static Judgement Judge(Evaluation evaluation) => EvaluationJudgement.Of(evaluation, new EvaluationOptions());
}
