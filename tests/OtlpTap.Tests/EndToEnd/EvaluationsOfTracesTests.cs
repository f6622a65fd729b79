using System.Text.Json;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;
using static OtlpTap.Tests.Evaluations.Told;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>Evaluations sent to a tap by whoever evaluates, after the traces they speak of.</summary>
public sealed class EvaluationsOfTracesTests
{
    private const string Settings = "evaluations: { enabled: true }";

    [Fact]
    public async Task Feedback_that_names_a_response_makes_the_responses_trace_a_case()
    {
        await using var tap = await RunningTap.StartAsync(tap: Settings);
        await tap.ExportAsync(Signal.Traces, Traces(Span(1, 1, 0, "agent"), Span(1, 2, 1, "chat", ("gen_ai.operation.name", "chat"), ("gen_ai.response.id", "resp_1"))));
        await tap.ExportAsync(Signal.Logs, Logs(Log(0, 0, "gen_ai.evaluation.user_feedback", ("gen_ai.response.id", "resp_1"), ("gen_ai.evaluation.score", -1.0))));

        using var written = JsonDocument.Parse(await File.ReadAllTextAsync((await tap.CaseFilesAsync("case.json", 1))[0], TestContext.Current.CancellationToken));

        Assert.Equal("negative_feedback", written.RootElement.GetProperty("failure").GetString());
        var verdict = Assert.Single(written.RootElement.GetProperty("verdicts").EnumerateArray());
        Assert.Equal("0000000000000002", verdict.GetProperty("span_id").GetString());
        Assert.Equal("feedback", verdict.GetProperty("source").GetString());
    }

    [Fact]
    public async Task An_evaluators_span_makes_the_trace_that_it_links_to_a_case()
    {
        await using var tap = await RunningTap.StartAsync(tap: Settings);
        await tap.ExportAsync(Signal.Traces, Traces(Span(1, 1, 0, "rag", ("openinference.span.kind", "CHAIN"))));
        await tap.ExportAsync(Signal.Traces, Traces(Span(9, 1, 0, "judge", ("openinference.span.kind", "EVALUATOR"), ("evaluations.0.evaluation.name", "my_score"), ("evaluations.0.evaluation.score", 0.2)).LinkedTo(1, 1)));
        await Deadline.UntilAsync(async () => await tap.MetricAsync("otlptap_evaluations_total{metric=\"my_score\",outcome=\"unknown\",source=\"evaluation\"}") == 1, "a score that nobody can judge is counted");

        await tap.ReloadAsync(text => text.Replace(Settings, "evaluations: { metrics: { my_score: { good: high, threshold: 0.7, failure: hallucination } } }", StringComparison.Ordinal));
        await tap.ExportAsync(Signal.Traces, Traces(Span(9, 2, 0, "judge", ("openinference.span.kind", "EVALUATOR"), ("evaluations.0.evaluation.name", "my_score"), ("evaluations.0.evaluation.score", 0.3)).LinkedTo(1, 1)));

        using var written = JsonDocument.Parse(await File.ReadAllTextAsync((await tap.CaseFilesAsync("case.json", 1))[0], TestContext.Current.CancellationToken));
        Assert.Equal("hallucination", written.RootElement.GetProperty("failure").GetString());
    }

    [Fact]
    public async Task Praise_makes_no_case()
    {
        await using var tap = await RunningTap.StartAsync(tap: Settings);
        await tap.ExportAsync(Signal.Traces, Traces(Span(1, 1, 0, "agent", ("openinference.span.kind", "AGENT"), ("annotations.0.annotation.name", "user_feedback"), ("annotations.0.annotation.label", "thumbs-up"), ("annotations.0.annotation.annotator_kind", "HUMAN"))));

        await Deadline.UntilAsync(async () => await tap.MetricAsync("otlptap_evaluations_total{metric=\"user_feedback\",outcome=\"good\",source=\"feedback\"}") == 1, "it is counted");
        Assert.Equal(0, await tap.MetricAsync("otlptap_corpus_pending_captures"));
        Assert.Equal(0, await tap.MetricAsync("otlptap_corpus_cases_written_total"));
    }
}
