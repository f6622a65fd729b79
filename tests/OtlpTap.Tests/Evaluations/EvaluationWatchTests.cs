using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Evaluations;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Recorder;
using OtlpTap.Spans;
using OtlpTap.Verdicts;
using Prometheus;
using static OtlpTap.Tests.Evaluations.Told;

namespace OtlpTap.Tests.Evaluations;

using Recorder = OtlpTap.Recorder.Recorder;

/// <summary>Evaluations in requests one after the other, as the recorder hands them on.</summary>
public sealed class EvaluationWatchTests : IDisposable
{
    private const string Result = "gen_ai.evaluation.result";

    private static readonly (string, object?)[] Hallucinated = [("gen_ai.evaluation.name", "hallucination"), ("gen_ai.evaluation.score.label", "hallucinated")];
    private static readonly (string, object?)[] Chat = [("gen_ai.operation.name", "chat"), ("gen_ai.response.id", "resp_1")];

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly List<string> _verdicts = [];
    private readonly Recorder _recorder;
    private readonly EvaluationWatch _watch;

    public EvaluationWatchTests()
    {
        var factory = Prometheus.Metrics.WithCustomRegistry(_registry);
        _recorder = new Recorder(new RecorderOptions { SizeBytesMax = 16 << 20, SegmentBytes = 64 << 10 }, new RecorderMetrics(factory), _time, NullLogger.Instance);
        _watch = EvaluationWatch.Over(_recorder, new EvaluationOptions(), new Sink(_verdicts), new EvaluationMetrics(factory), _time);
    }

    public void Dispose()
    {
        _watch.Dispose();
        _recorder.Dispose();
    }

    [Fact]
    public void A_result_with_a_trace_context_is_a_verdict_at_once()
    {
        Logged(Log(7, 2, Result, Hallucinated));

        Assert.Equal(["7/2 hallucination"], _verdicts);
    }

    [Fact]
    public void A_response_is_remembered_for_results_that_come_hours_later()
    {
        Spans(1, Span(1, 2, 1, "chat", Chat));
        _time.Advance(TimeSpan.FromHours(3));
        Logged(Log(0, 0, Result, [.. Hallucinated, ("gen_ai.response.id", "resp_1")]));

        Assert.Equal(["1/2 hallucination"], _verdicts);
    }

    [Fact]
    public void A_result_waits_for_the_response_it_names()
    {
        Logged(Log(0, 0, Result, [.. Hallucinated, ("gen_ai.response.id", "resp_1")]));
        _time.Advance(TimeSpan.FromMinutes(9));
        Assert.Empty(_verdicts);

        Spans(1, Span(1, 2, 1, "chat", Chat));

        Assert.Equal(["1/2 hallucination"], _verdicts);
        Assert.Equal(0, _watch.WaitingCount);
    }

    [Fact]
    public async Task A_response_that_never_comes_is_waited_for_no_longer_than_ten_minutes()
    {
        Logged(Log(0, 0, Result, [.. Hallucinated, ("gen_ai.response.id", "resp_1")]));
        _time.Advance(EvaluationWatch.ReferencePatience + TimeSpan.FromSeconds(1));
        Spans(1, Span(1, 2, 1, "chat", Chat));

        Assert.Empty(_verdicts);
        Assert.Equal(0, _watch.WaitingCount);
        Assert.Contains("otlptap_evaluations_dropped_total{reason=\"no_target\"} 1", await ScrapeAsync(), StringComparison.Ordinal);
    }

    /// <summary>What spans and records of one process say alike, in whatever order they say it.</summary>
    [Theory]
    [InlineData("session.id", "gen_ai.conversation.id")]
    [InlineData("gen_ai.conversation.id", "session.id")]
    [InlineData("ai.response.id", "gen_ai.response.id")]
    [InlineData("gen_ai.response.id", "ai.response.id")]
    public void Of_several_ids_spans_and_records_are_known_by_the_same(string first, string second)
    {
        Spans(1, Span(1, 2, 0, "chat", ("gen_ai.operation.name", "chat"), (first, "a"), (second, "b")));
        Logged(Log(0, 0, Result, [.. Hallucinated, (first, "a"), (second, "b")]));

        Assert.Equal(["1/2 hallucination"], _verdicts);
    }

    [Fact]
    public void A_result_waits_for_its_session()
    {
        Spans(9, Span(9, 1, 0, "feedback", ("session.id", "s"), ("session.annotations.0.annotation.name", "csat"), ("session.annotations.0.annotation.score", 1)));
        Spans(1, Span(1, 1, 0, "agent", ("session.id", "s"), ("openinference.span.kind", "AGENT")));

        Assert.Equal(["1/1 negative_feedback"], _verdicts);
    }

    [Theory]
    [InlineData("session.id", "browser")]
    [InlineData("session.id", "talk")]
    public void A_result_may_name_the_conversation_or_the_session_around_it(string key, string named)
    {
        Spans(1, Span(1, 1, 0, "agent", ("gen_ai.conversation.id", "talk"), ("session.id", "browser"), ("openinference.span.kind", "AGENT")));
        Spans(9, Span(9, 1, 0, "feedback", (key, named), ("session.annotations.0.annotation.name", "csat"), ("session.annotations.0.annotation.score", 1)));

        Assert.Equal(["1/1 negative_feedback"], _verdicts);
    }

    [Fact]
    public void Feedback_of_a_web_server_goes_to_the_response_once_it_is_known_whose_span_it_was_written_in()
    {
        Spans(1, Span(1, 2, 1, "chat", Chat));
        Logged(Log(9, 1, Result, ("gen_ai.evaluation.name", "thumbs"), ("gen_ai.evaluation.score.label", "down"), ("gen_ai.response.id", "resp_1")));
        Assert.Empty(_verdicts);

        Spans(9, Span(9, 1, 0, "POST /feedback", ("http.route", "/feedback")));
        _time.Advance(EvaluationWatch.ContextPatience + TimeSpan.FromSeconds(1));

        Assert.Equal(["1/2 negative_feedback"], _verdicts);
    }

    [Fact]
    public void A_result_in_an_agents_own_span_stays_there_though_its_response_id_comes_again_elsewhere()
    {
        Spans(1, Span(1, 2, 1, "chat", Chat));
        Logged(Log(2, 2, Result, [.. Hallucinated, ("gen_ai.response.id", "resp_1")]));
        Spans(2, Span(2, 2, 1, "chat", Chat));

        Assert.Equal(["2/2 hallucination"], _verdicts);
    }

    [Fact]
    public void Logs_before_their_spans_are_joined_when_the_spans_come()
    {
        Logged(Log(2, 2, Result, [.. Hallucinated, ("gen_ai.response.id", "resp_1")]));
        Assert.Empty(_verdicts);

        Spans(2, Span(2, 2, 1, "chat", Chat));

        Assert.Equal(["2/2 hallucination"], _verdicts);
    }

    [Fact]
    public void A_context_of_which_nothing_else_comes_is_taken_after_a_while()
    {
        Logged(Log(2, 2, Result, [.. Hallucinated, ("gen_ai.response.id", "resp_1")]));
        _time.Advance(EvaluationWatch.ContextPatience + TimeSpan.FromSeconds(1));

        Assert.Equal(["2/2 hallucination"], _verdicts);
    }

    [Fact]
    public async Task A_result_that_comes_twice_is_one_verdict()
    {
        Spans(1, Span(1, 2, 1, "chat", Chat).With(Result, Hallucinated));
        Logged(Log(1, 2, Result, Hallucinated));
        Logged(Log(1, 2, Result, Hallucinated));

        Assert.Equal(["1/2 hallucination"], _verdicts);
        var text = await ScrapeAsync();
        Assert.Contains("otlptap_evaluations_repeated_total 2", text, StringComparison.Ordinal);
        Assert.Contains("otlptap_evaluations_total{metric=\"hallucination\",outcome=\"bad\",source=\"evaluation\"} 1", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_score_of_unknown_direction_is_counted_and_never_judged()
    {
        Logged(Log(1, 2, Result, ("gen_ai.evaluation.name", "my_score"), ("gen_ai.evaluation.score.value", 0.0)));

        Assert.Empty(_verdicts);
        Assert.Contains("otlptap_evaluations_total{metric=\"my_score\",outcome=\"unknown\",source=\"evaluation\"} 1", await ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_waits_is_bounded_and_what_does_not_fit_is_counted()
    {
        foreach (var batch in Enumerable.Range(0, EvaluationWatch.WaitingMax + 10).Chunk(1000))
        {
            Logged([.. batch.Select(number => Log(0, 0, Result, [.. Hallucinated, ("gen_ai.response.id", $"resp_{number}")]))]);
        }

        Assert.Equal(EvaluationWatch.WaitingMax, _watch.WaitingCount);
        Assert.Contains("otlptap_evaluations_dropped_total{reason=\"waiting_full\"} 10", await ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evaluations_of_one_request_are_bounded_and_the_rest_is_counted()
    {
        Logged([.. Enumerable.Range(0, EvaluationFindings.EvaluationsMax + 5).Select(number => Log(1, 2, Result, [.. Hallucinated, ("gen_ai.evaluation.score.value", (double)number)]))]);

        Assert.Equal(EvaluationFindings.EvaluationsMax, _verdicts.Count);
        Assert.Contains("otlptap_evaluations_dropped_total{reason=\"request_full\"} 5", await ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_of_metrics_beyond_a_hundred_share_one()
    {
        Logged([.. Enumerable.Range(0, EvaluationMetrics.MetricNamesMax + 3).Select(number => Log(1, 2, Result, ("gen_ai.evaluation.name", $"m{number}"), ("gen_ai.evaluation.score.value", 0.0)))]);

        Assert.Contains("metric=\"other\",outcome=\"unknown\",source=\"evaluation\"} 3", await ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_still_waits_at_the_end_is_decided_by_what_is_known()
    {
        Logged(Log(2, 2, Result, [.. Hallucinated, ("gen_ai.response.id", "resp_1")]));

        _watch.Finish();

        Assert.Equal(["2/2 hallucination"], _verdicts);
    }

    [Fact]
    public void Results_in_the_context_of_a_large_trace_are_looked_up_no_further_than_a_share_of_the_time()
    {
        // Eight megabytes to be read for each of a thousand results.
        for (var part = 0; part < 8; part++)
        {
            Spans(9, Span(9, 1, 0, "POST /feedback", ("text", new string('x', 1 << 20))));
        }

        var visits = Looks();
        Logged([.. Enumerable.Range(0, 1000).Select(number => Log(9, 1, Result, [.. Hallucinated, ("gen_ai.response.id", $"resp_{number}")]))]);

        Assert.InRange(Looks() - visits, 1, 20);
        Assert.InRange(_watch.WaitingCount, 1, 1000);
        _time.Advance(EvaluationWatch.ReferencePatience + TimeSpan.FromSeconds(1));
        Assert.Equal(0, _watch.WaitingCount);
    }

    [Fact]
    public async Task A_sink_that_fails_ends_neither_the_timer_nor_the_others()
    {
        var verdicts = new List<string>();
        using var watch = EvaluationWatch.Over(_recorder, new EvaluationOptions(), new FailingOnce(verdicts), new EvaluationMetrics(Prometheus.Metrics.WithCustomRegistry(_registry)), _time);
        watch.Observe(Signal.Logs, Logs(
            Log(2, 2, Result, [.. Hallucinated, ("gen_ai.response.id", "resp_1")]), Log(3, 2, Result, [.. Hallucinated, ("gen_ai.response.id", "resp_2")])));
        _time.Advance(EvaluationWatch.ContextPatience + TimeSpan.FromSeconds(1));

        Assert.Equal(["3/2 hallucination"], verdicts);
        Assert.Equal(0, watch.WaitingCount);
        Assert.Contains("otlptap_evaluations_dropped_total{reason=\"failed\"} 1", await ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_a_request_without_evaluations_allocates_nothing()
    {
        var request = Traces([.. Enumerable.Range(1, 50).Select(number => Span((byte)number, 1, 0, "chat", [.. Chat, ("session.id", "s"), ("gen_ai.output.messages", new string('x', 2000))]))]);
        var walk = new SpanWalk([_watch]);
        Walk(10);

        // Among many other tests some kilobytes were seen once in a while; what a request allocates is there each time.
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 5 && least > 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Walk(100);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);

        void Walk(int times)
        {
            for (var i = 0; i < times; i++)
            {
                _watch.Begin();
                walk.Read(request, _watch.Watched);
                _watch.End();
            }
        }
    }

    private void Spans(byte trace, params OpenTelemetry.Proto.Trace.V1.Span[] spans)
    {
        var request = Traces(spans);
        _recorder.Append(Signal.Traces, _time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000, request, [new TraceId(0, trace)]);
        _watch.Observe(Signal.Traces, request);
    }

    private void Logged(params OpenTelemetry.Proto.Logs.V1.LogRecord[] records) => _watch.Observe(Signal.Logs, Logs(records));

    private async Task<string> ScrapeAsync()
    {
        using var stream = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(stream, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    private double Looks() => MetricText.Value(_registry, "otlptap_recorder_lookup_seconds_count");

    private sealed class FailingOnce(List<string> verdicts) : IVerdictSink
    {
        private bool _hasFailed;

        public void Judged(in TraceId traceId, in Verdict verdict)
        {
            if (!_hasFailed)
            {
                _hasFailed = true;
                throw new InvalidOperationException("on purpose");
            }

            verdicts.Add(Text(traceId, verdict));
        }
    }

    private sealed class Sink(List<string> verdicts) : IVerdictSink
    {
        public void Judged(in TraceId traceId, in Verdict verdict) => verdicts.Add(Text(traceId, verdict));
    }
}
