using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Evaluations;
using OtlpTap.Feedback;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Redact;
using OtlpTap.Verdicts;
using Prometheus;

namespace OtlpTap.Tests.Feedback;

public sealed class ExplicitFeedbackTests : IDisposable, IVerdictSink, IScoreSink, IFeedbackObserver
{
    private const string Trace = "\"trace_id\": \"0000000000000000000000000000000a\"";
    private const string Down = "\"thumbs\": \"down\"";

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly FeedbackMetrics _metrics;
    private readonly List<string> _verdicts = [];
    private readonly List<Opinion> _opinions = [];
    private readonly List<string> _passed = [];
    private readonly HashSet<TraceId> _recorded = [new(0, 10)];
    private readonly ReferenceTable _responses = new(64, keepsLatestTrace: false);
    private readonly ReferenceTable _sessions = new(64, keepsLatestTrace: true);
    private ExplicitFeedbackOptions _options = new() { PerMinuteMax = 1_000_000, TotalPerMinuteMax = 1_000_000 };
    private RedactOptions _redact = new();
    private ExplicitFeedback? _feedback;

    public ExplicitFeedbackTests() => _metrics = new FeedbackMetrics(Prometheus.Metrics.WithCustomRegistry(_registry));

    private ExplicitFeedback Feedback => _feedback ??= new ExplicitFeedback(
        () => _options,
        new TargetResolver(_responses, _sessions, (_, _) => null).Resolve,
        _recorded.Contains,
        new FeedbackTeller((_, span) => new JudgedSpan(span, "shop", 0, null), this, this, this),
        new FeedbackPrivacy(_redact, () => [1]),
        _metrics,
        _time,
        NullLogger<ExplicitFeedback>.Instance);

    public void Dispose() => _feedback?.Dispose();

    void IVerdictSink.Judged(in TraceId traceId, in Verdict verdict) => _verdicts.Add($"{traceId.Low}/{verdict.SpanId.Value} {verdict.Failure} {verdict.Rule} {verdict.Source} {verdict.Label} {verdict.Explanation}".TrimEnd());

    void IScoreSink.Passed(in TraceId traceId, in PassedScore score) => _passed.Add($"{traceId.Low}/{score.SpanId.Value} {score.Rule} {score.Source} {score.Value}");

    void IFeedbackObserver.Said(Opinion opinion) => _opinions.Add(opinion);

    [Fact]
    public void What_is_negative_or_positive_is_a_verdict_and_all_of_it_is_told()
    {
        Assert.Equal(["accepted"], Post($$"""{ {{Trace}}, "span_id": "0000000000000002", {{Down}}, "comment": "Wrong city." }"""));
        Assert.Equal(["accepted", "accepted"], Post($$"""[ { {{Trace}}, "stars": 5, "name": "helpful" }, { {{Trace}}, "stars": 3 } ]"""));

        Assert.Equal(["10/2 negative_feedback user_feedback feedback thumbs_down Wrong city.", "10/0 positive_feedback helpful feedback"], _verdicts);
        Assert.Equal(["10/0 user_feedback feedback 3"], _passed);
        Assert.Equal([OpinionValue.Negative, OpinionValue.Positive, OpinionValue.Neutral], _opinions.Select(opinion => opinion.Value));
        Assert.All(_opinions, opinion => Assert.Equal("shop", opinion.Judged!.Service));
        Assert.Equal((5.0, 1.0, 5.0), (_opinions[1].Score!.Value, _opinions[1].Min!.Value, _opinions[1].Max!.Value));
    }

    [Fact]
    public void A_response_and_a_session_lead_to_their_spans()
    {
        _responses.Add(Mark("resp_1"), new SpanReference(new TraceId(0, 1), new SpanId(7), 1, IsRoot: false, IsModelCall: true));
        _sessions.Add(Mark("s"), new SpanReference(new TraceId(0, 2), new SpanId(1), 1, IsRoot: true, IsModelCall: false));
        _sessions.Add(Mark("s"), new SpanReference(new TraceId(0, 3), new SpanId(1), 2, IsRoot: true, IsModelCall: false));

        Assert.Equal(["accepted", "accepted"], Post($$"""[ { "response_id": "resp_1", {{Down}} }, { "session_id": "s", {{Down}} } ]"""));

        Assert.Equal(["1/7 negative_feedback user_feedback feedback thumbs_down", "3/1 negative_feedback user_feedback feedback thumbs_down"], _verdicts);
        Assert.Equal("resp_1", _opinions[0].Judged!.ResponseId);
    }

    [Fact]
    public void What_names_a_response_that_has_not_come_is_unresolved_and_waits_for_it()
    {
        Assert.Equal(["unresolved"], Post($$"""{ "response_id": "resp_1", {{Down}} }"""));
        _time.Advance(TimeSpan.FromMinutes(9));
        Assert.Empty(_verdicts);

        _responses.Add(Mark("resp_1"), new SpanReference(new TraceId(0, 1), new SpanId(7), 1, IsRoot: false, IsModelCall: true));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(["1/7 negative_feedback user_feedback feedback thumbs_down"], _verdicts);
        Assert.Equal(1, Metric("otlptap_feedback_posted_total{status=\"unresolved\"}"));
    }

    [Fact]
    public void What_names_a_response_that_never_comes_is_dropped_and_counted()
    {
        Post($$"""{ "response_id": "resp_1", {{Down}} }""");
        Feedback.PublishMetrics();
        Assert.Equal(1, Metric("otlptap_feedback_waiting"));
        _time.Advance(EvaluationWatch.ReferencePatience);
        Feedback.PublishMetrics();

        Assert.Empty(_opinions);
        Assert.Equal(0, Metric("otlptap_feedback_waiting"));
        Assert.Equal(1, Metric("otlptap_feedback_dropped_total{reason=\"no_target\"}"));
    }

    [Fact]
    public void A_user_that_is_faster_than_the_spans_waits_for_them_and_one_that_is_late_for_nothing()
    {
        Assert.Equal(["accepted", "accepted"], Post($$"""[ { "trace_id": "0000000000000000000000000000000b", {{Down}} }, { "trace_id": "0000000000000000000000000000000c", {{Down}} } ]"""));
        Assert.Empty(_verdicts);

        _recorded.Add(new TraceId(0, 11));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["11/0 negative_feedback user_feedback feedback thumbs_down"], _verdicts);

        _time.Advance(ExplicitFeedback.TracePatience);
        Assert.Equal("12/0 negative_feedback user_feedback feedback thumbs_down", _verdicts[1]);
    }

    [Fact]
    public void At_the_end_what_waits_is_told_as_far_as_its_trace_is_known()
    {
        Post($$"""[ { "trace_id": "0000000000000000000000000000000b", {{Down}} }, { "session_id": "s", {{Down}} } ]""");

        Feedback.Finish();

        Assert.Equal(["11/0 negative_feedback user_feedback feedback thumbs_down"], _verdicts);
        Assert.Equal(1, Metric("otlptap_feedback_dropped_total{reason=\"no_target\"}"));
    }

    [Fact]
    public void Beyond_the_bound_the_oldest_that_waits_makes_room_and_is_counted()
    {
        var comment = new string('x', 4000);
        var count = ((int)WaitingFeedback.BytesMax / 8000) + 100;
        for (var i = 0; i < count; i++)
        {
            Post($$"""{ "session_id": "s", {{Down}}, "id": "{{i}}", "comment": "{{comment}}" }""");
        }

        _sessions.Add(Mark("s"), new SpanReference(new TraceId(0, 2), new SpanId(1), 1, IsRoot: true, IsModelCall: false));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.InRange(Metric("otlptap_feedback_dropped_total{reason=\"waiting_full\"}"), 100, 200);
        Assert.Equal(count, Metric("otlptap_feedback_dropped_total{reason=\"waiting_full\"}") + _opinions.Count);
        Assert.Equal($"{count - 1}", _opinions[^1].Id);
    }

    [Fact]
    public void The_same_again_by_its_id_counts_once()
    {
        var body = $$"""{ {{Trace}}, {{Down}}, "id": "f-1" }""";

        Assert.Equal(["accepted", "repeated"], [.. Post(body), .. Post(body)]);
        _time.Advance(RecentFeedback.IdWindow - TimeSpan.FromSeconds(1));
        Assert.Equal(["repeated"], Post(body));

        Assert.Single(_verdicts);
        Assert.Single(_opinions);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["accepted"], Post(body));
    }

    [Fact]
    public void Another_opinion_by_the_same_id_takes_its_place()
    {
        Assert.Equal(["accepted"], Post($$"""{ {{Trace}}, {{Down}}, "id": "f-1" }"""));
        Assert.Equal(["changed"], Post($$"""{ {{Trace}}, "thumbs": "up", "id": "f-1" }"""));
        Assert.Equal(["changed"], Post($$"""{ {{Trace}}, "thumbs": "up", "id": "f-1", "comment": "Now it works." }"""));

        Assert.Equal([null, OpinionValue.Negative, OpinionValue.Positive], _opinions.Select(opinion => opinion.Before));
        Assert.All(_opinions, opinion => Assert.Equal("f-1", opinion.Id));
        Assert.Equal("Now it works.", _opinions[2].Comment);
    }

    [Fact]
    public void Another_opinion_takes_the_place_of_one_that_still_waits()
    {
        Post($$"""{ "session_id": "s", {{Down}}, "id": "f-1" }""");
        Assert.Equal(["unresolved"], Post("""{ "session_id": "s", "thumbs": "up", "id": "f-1" }"""));
        _sessions.Add(Mark("s"), new SpanReference(new TraceId(0, 2), new SpanId(1), 1, IsRoot: true, IsModelCall: false));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal((OpinionValue.Positive, null), (Assert.Single(_opinions).Value, _opinions[0].Before));
    }

    [Fact]
    public void Without_an_id_the_same_words_are_the_same_feedback_for_ten_minutes()
    {
        var body = $$"""{ {{Trace}}, {{Down}}, "user": "ann" }""";
        var first = Feedback.Take(Encoding.UTF8.GetBytes(body), "a");
        var again = Feedback.Take(Encoding.UTF8.GetBytes(body), "b");

        Assert.Equal((first.Taken[0].Id, "repeated"), again.Taken[0]);
        Assert.Matches("^fb_[0-9a-f]{32}$", first.Taken[0].Id);
        Assert.Equal(["accepted"], Post($$"""{ {{Trace}}, {{Down}}, "user": "bob" }"""));

        _time.Advance(RecentFeedback.ContentWindow);
        Assert.Equal(["accepted"], Post(body));
    }

    [Fact]
    public void Ids_of_late_are_bounded_and_what_is_forgotten_is_counted()
    {
        Post($$"""{ {{Trace}}, {{Down}}, "id": "first" }""");
        for (var i = 0; i < RecentFeedback.CountMax; i++)
        {
            Post($$"""{ {{Trace}}, "stars": 3, "id": "{{i}}" }""");
        }

        Feedback.PublishMetrics();

        Assert.Equal(1, Metric("otlptap_feedback_ids_forgotten_total"));
        Assert.Equal(["accepted"], Post($$"""{ {{Trace}}, {{Down}}, "id": "first" }"""));
        Assert.Equal(["repeated"], Post($$"""{ {{Trace}}, "stars": 3, "id": "{{RecentFeedback.CountMax - 1}}" }"""));
    }

    [Fact]
    public void Nothing_of_a_body_with_a_mistake_is_taken()
    {
        var answer = Feedback.Take(Encoding.UTF8.GetBytes($$"""[ { {{Trace}}, {{Down}} }, { {{Trace}} } ]"""), "ann");

        Assert.Equal(["`[1]` has none of thumbs, stars, score, label: one of them says the opinion"], answer.Problems);
        Assert.Empty(_opinions);
        Assert.Equal(1, Metric("otlptap_feedback_rejected_total{reason=\"invalid\"}"));
    }

    [Fact]
    public void A_sender_that_posts_more_than_its_share_is_told_when_to_come_again_and_others_are_not()
    {
        _options = new ExplicitFeedbackOptions { PerMinuteMax = 2 };
        var body = Encoding.UTF8.GetBytes($$"""[ { {{Trace}}, {{Down}} }, { {{Trace}}, "thumbs": "up" } ]""");
        Assert.Null(Feedback.Take(body, "ann").RetryAfter);

        Assert.Equal(30, Feedback.Take(body, "ann").RetryAfter!.Value.TotalSeconds, 3);
        Assert.Null(Feedback.Take("{}"u8, "bob").RetryAfter);
        Assert.Equal(1, Metric("otlptap_feedback_rejected_total{reason=\"limited\"}"));
    }

    [Fact]
    public void Comments_are_redacted_and_users_are_hashes()
    {
        Post($$"""[ { {{Trace}}, {{Down}}, "comment": "Write to ann@example.com", "user": "ann" }, { {{Trace}}, "stars": 4, "user": "ann" }, { {{Trace}}, "stars": 4, "user": "bob" } ]""");

        Assert.Equal("Write to [email]", _opinions[0].Comment);
        Assert.Equal("user.hash", _opinions[0].User!.Value.Key);
        Assert.Matches("^[0-9a-f]{16}$", _opinions[0].User!.Value.Value);
        Assert.Equal(_opinions[0].User, _opinions[1].User);
        Assert.NotEqual(_opinions[0].User, _opinions[2].User);
        Assert.DoesNotContain("ann@", _verdicts[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, null, null)]
    [InlineData(false, "user.id", "ann")]
    public void Users_go_as_the_operator_has_it(bool isRedacted, string? key, string? value)
    {
        _redact = new RedactOptions { IsEnabled = isRedacted, Mode = RedactMode.Drop };

        Post($$"""{ {{Trace}}, {{Down}}, "user": "ann" }""");

        Assert.Equal((key, value), (_opinions[0].User?.Key, _opinions[0].User?.Value));
    }

    private static ulong Mark(string id) => ReferenceTable.MarkOf(Encoding.UTF8.GetBytes(id));

    private List<string> Post(string body) => [.. Feedback.Take(Encoding.UTF8.GetBytes(body), "ann").Taken.Select(taken => taken.Status)];

    private double Metric(string series) => MetricText.Value(_registry, series);
}
