using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Health.Steps;
using OtlpTap.Hosting;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Recorder;
using OtlpTap.Verdicts;
using Prometheus;

namespace OtlpTap.Tests.Hosting;

public sealed class OpinionHubTests : IDisposable, IFeedbackObserver
{
    private static readonly Opinion Negative = new(new TraceId(0, 1), new SpanId(1), OpinionValue.Negative, "user_feedback");

    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly OtlpTap.Recorder.Recorder _recorder;
    private readonly List<Opinion> _told = [];
    private readonly OpinionHub _hub;

    public OpinionHubTests()
    {
        var factory = Prometheus.Metrics.WithCustomRegistry(_registry);
        _recorder = new OtlpTap.Recorder.Recorder(new RecorderOptions { SizeBytesMax = 16 << 20 }, new RecorderMetrics(factory), _time, NullLogger.Instance);
        _hub = new OpinionHub(new JudgedSpanSearch(_recorder, new TraceOwners(), _time), new FeedbackMetrics(factory), this, this);
    }

    public void Dispose() => _recorder.Dispose();

    void IFeedbackObserver.Said(Opinion opinion) => _told.Add(opinion);

    [Fact]
    public void Each_observer_is_told_with_what_is_known_of_the_span()
    {
        var request = new TraceBuilder().Resource("shop").Span("invoke_agent", ("gen_ai.agent.name", "planner")).ToBytes();
        _recorder.Append(Signal.Traces, _time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000, request, [new TraceId(0, 1)]);

        _hub.Said(Negative);

        Assert.Equal(["planner", "planner"], _told.Select(opinion => opinion.Judged!.Agent));
        Assert.Equal(1, Count("shop", "planner", "negative"));
    }

    [Fact]
    public void Who_changes_their_mind_counts_again_and_who_only_adds_words_does_not()
    {
        _hub.Said(Negative);
        _hub.Said(Negative with { Value = OpinionValue.Positive, Before = OpinionValue.Negative });
        _hub.Said(Negative with { Value = OpinionValue.Positive, Before = OpinionValue.Positive, Comment = "Now it works." });

        Assert.Equal((1, 1), (Count("unknown_service", "", "negative"), Count("unknown_service", "", "positive")));
        Assert.Equal(6, _told.Count);
    }

    [Fact]
    public void Services_and_agents_with_series_of_their_own_are_bounded()
    {
        for (var i = 0; i < FeedbackMetrics.AgentsMax + 5; i++)
        {
            _hub.Said(Negative with { Judged = new JudgedSpan(default, "shop", 0, null) { Agent = $"agent {i}" } });
        }

        _hub.Said(Negative with { Judged = new JudgedSpan(default, new string('s', 1000), 0, null) });

        Assert.Equal(6, Count("other", "other", "negative"));
        Assert.Equal(1, Count("shop", "agent 7", "negative"));
    }

    private double Count(string service, string agent, string value) => MetricText.Value(_registry, $"otlptap_feedback_total{{service=\"{service}\",agent=\"{agent}\",value=\"{value}\"}}");
}
