using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Detectors;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Recorder;
using OtlpTap.Runs;
using OtlpTap.Verdicts;
using Prometheus;

namespace OtlpTap.Tests.Detectors;

using Recorder = OtlpTap.Recorder.Recorder;

/// <summary>When traces are examined, how often, and what becomes of those that do not fit.</summary>
public sealed class DetectionLoopTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly DetectorMetrics _metrics;
    private readonly Recorder _recorder;
    private readonly Sink _sink = new();
    private readonly Finder _finder = new();
    private bool _isBusy;

    public DetectionLoopTests()
    {
        var factory = Prometheus.Metrics.WithCustomRegistry(_registry);
        _metrics = new DetectorMetrics(factory);
        _recorder = new Recorder(new RecorderOptions { SizeBytesMax = 16 << 20, SegmentBytes = 64 << 10 }, new RecorderMetrics(factory), _time, NullLogger.Instance);
    }

    public void Dispose() => _recorder.Dispose();

    [Fact]
    public void A_trace_is_examined_once_it_has_been_quiet_and_not_before()
    {
        var (schedule, loop) = Create(new DetectorOptions());
        Arrives(schedule, 1);
        _time.Advance(TimeSpan.FromSeconds(1.5));
        Arrives(schedule, 1);
        _time.Advance(TimeSpan.FromSeconds(1.5));
        loop.ExamineDue();
        Assert.Equal(0, _finder.Runs);

        _time.Advance(TimeSpan.FromSeconds(1));
        loop.ExamineDue();
        Assert.Equal(1, _finder.Runs);
        Assert.Single(_sink.Verdicts);
    }

    [Fact]
    public void What_is_remembered_of_traces_is_bounded_however_much_is_said_of_each()
    {
        var judged = new JudgedTraces(tracesMax: 65_536);
        for (var trace = 1UL; trace <= 2_000; trace++)
        {
            judged.Add(new TraceId(trace, 1));
            for (var span = 1UL; span <= 256; span++)
            {
                Assert.True(judged.IsNew(new TraceId(trace, 1), new Verdict(new SpanId(span), FailureKind.PlanningError, "unknown_tool", VerdictSource.Detector)));
            }
        }

        Assert.InRange(judged.SaidCount, 1, JudgedTraces.SaidMax);
        Assert.False(judged.Contains(new TraceId(1, 1)));
        Assert.True(judged.Contains(new TraceId(2_000, 1)));
    }

    [Fact]
    public void A_trace_that_never_gets_quiet_is_examined_in_the_end()
    {
        var (schedule, loop) = Create(new DetectorOptions { SettleMax = TimeSpan.FromSeconds(5) });
        for (var i = 0; i < 6; i++)
        {
            Arrives(schedule, 1);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        loop.ExamineDue();
        Assert.Equal(1, _finder.Runs);
    }

    [Fact]
    public void Late_spans_bring_another_look_and_no_second_verdict_of_the_same()
    {
        var (schedule, loop) = Create(new DetectorOptions());
        Arrives(schedule, 1);
        _time.Advance(TimeSpan.FromSeconds(3));
        loop.ExamineDue();
        Arrives(schedule, 1, hasContent: false);
        _time.Advance(TimeSpan.FromSeconds(3));
        loop.ExamineDue();

        Assert.Equal(2, _finder.Runs);
        Assert.Single(_sink.Verdicts);
    }

    [Fact]
    public void A_trace_without_an_agents_content_is_not_looked_at()
    {
        var (schedule, loop) = Create(new DetectorOptions());
        Arrives(schedule, 1, hasContent: false);
        _time.Advance(TimeSpan.FromSeconds(3));
        loop.ExamineDue();

        Assert.Equal(0, schedule.Count);
        Assert.Equal(0, _finder.Runs);
    }

    [Fact]
    public void What_does_not_fit_into_the_queue_is_counted()
    {
        var (schedule, _) = Create(new DetectorOptions { WaitingMax = 2 });
        for (byte trace = 1; trace <= 5; trace++)
        {
            Arrives(schedule, trace);
        }

        Assert.Equal(2, schedule.Count);
        Assert.Contains("otlptap_detector_dropped_traces_total{reason=\"waiting_full\"} 3", Scrape(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_spent_is_waited_for()
    {
        _finder.Takes = () => _time.Advance(TimeSpan.FromSeconds(2));
        var (schedule, loop) = Create(new DetectorOptions { CpuShare = 0.25 });
        Arrives(schedule, 1);
        Arrives(schedule, 2);
        _time.Advance(TimeSpan.FromSeconds(3));

        // One second was saved, half a second came back while two were spent: half a second is owed.
        Assert.True(loop.ExamineDue() > TimeSpan.FromSeconds(1));
        Assert.Equal(1, _finder.Runs);
        _time.Advance(TimeSpan.FromSeconds(8));
        loop.ExamineDue();
        Assert.Equal(2, _finder.Runs);
    }

    [Fact]
    public void While_requests_wait_a_twentieth_of_the_share_is_spent()
    {
        _finder.Takes = () => _time.Advance(TimeSpan.FromSeconds(1));
        _isBusy = true;
        var (schedule, loop) = Create(new DetectorOptions { CpuShare = 0.25 });
        Arrives(schedule, 1);
        _time.Advance(TimeSpan.FromSeconds(3));

        // One second was saved, a quarter came back: of twenty 18.75 are owed.
        Assert.InRange(loop.ExamineDue(), TimeSpan.FromSeconds(75), TimeSpan.FromSeconds(75.1));
        Assert.Contains("otlptap_detector_processors_scarce 1", Scrape(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_trace_of_too_many_bytes_is_not_read()
    {
        var (schedule, loop) = Create(new DetectorOptions { TraceBytesMax = 16 });
        Arrives(schedule, 1);
        _time.Advance(TimeSpan.FromSeconds(3));
        loop.ExamineDue();

        Assert.Equal(0, _finder.Runs);
        Assert.Contains("otlptap_detector_dropped_traces_total{reason=\"too_large\"} 1", Scrape(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_detector_that_fails_is_counted_and_the_others_look_on()
    {
        var (schedule, loop) = Create(new DetectorOptions(), new Thrower(), _finder);
        Arrives(schedule, 1);
        _time.Advance(TimeSpan.FromSeconds(3));
        loop.ExamineDue();

        Assert.Single(_sink.Verdicts);
        Assert.Contains("otlptap_detector_dropped_traces_total{reason=\"failed\"} 1", Scrape(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_search_for_causes_that_fails_takes_nothing_of_what_was_found()
    {
        var judge = new TraceJudge(new DetectorOptions(), [_finder], static (_, _) => throw new InvalidOperationException("on purpose"), _metrics, _time, NullLogger<TraceJudge>.Instance);

        Assert.Single(judge.Judge(new RunBuilder().Answers("Yes.").Build(), []));
        Assert.Contains("otlptap_detector_dropped_traces_total{reason=\"failed\"} 1", Scrape(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_only_repeats_a_failure_is_told_and_not_counted_as_another()
    {
        var (schedule, loop) = Create(new DetectorOptions(), static (_, verdicts) => [.. verdicts, verdicts[0] with { SpanId = new SpanId(77), Origin = verdicts[0].SpanId }]);
        Arrives(schedule, 1);
        _time.Advance(TimeSpan.FromSeconds(3));
        loop.ExamineDue();

        Assert.Equal(2, _sink.Verdicts.Count);
        Assert.Contains("otlptap_detector_propagated_verdicts_total 1", Scrape(), StringComparison.Ordinal);
        Assert.Contains($"detector=\"finder\",failure=\"{_sink.Verdicts[0].Failure}\"}} 1", Scrape(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_detector_that_is_switched_off_does_not_look()
    {
        var (schedule, loop) = Create(new DetectorOptions { Disabled = new HashSet<string> { _finder.Name } });
        Arrives(schedule, 1);
        _time.Advance(TimeSpan.FromSeconds(3));
        loop.ExamineDue();

        Assert.Equal(0, _finder.Runs);
    }

    [Fact]
    public async Task At_the_end_all_that_wait_are_examined_due_or_not()
    {
        var (schedule, loop) = Create(new DetectorOptions());
        Arrives(schedule, 1);
        Arrives(schedule, 2);
        await loop.FlushAsync(TimeSpan.FromMinutes(1));

        Assert.Equal(2, _finder.Runs);
        Assert.Equal(0, schedule.Count);
    }

    private (DetectionSchedule Schedule, DetectionLoop Loop) Create(DetectorOptions options, params IDetector[] detectors) => Create(options, null, detectors);

    private (DetectionSchedule Schedule, DetectionLoop Loop) Create(DetectorOptions options, CauseSearch? causes, params IDetector[] detectors)
    {
        var judged = new JudgedTraces(options.JudgedMax);
        var schedule = new DetectionSchedule(options, judged, _metrics, _time);
        var judge = new TraceJudge(options, detectors.Length > 0 ? detectors : [_finder], causes, _metrics, _time, NullLogger<TraceJudge>.Instance);
        var loop = new DetectionLoop(
            options, schedule, judged, _recorder, static (spans, logs) => AgentRunReader.Read(spans, logs, RunLimits.Default), judge, _sink, _metrics, _time, NullLogger<DetectionLoop>.Instance, static (_, _) => { }, () => _isBusy);
        return (schedule, loop);
    }

    private void Arrives(DetectionSchedule schedule, byte trace, bool hasContent = true)
    {
        var builder = new TraceBuilder().Trace(trace).Span("chat");
        builder.LastSpan.Attributes.Add(TraceBuilder.Attribute("gen_ai.operation.name", "chat"));
        Assert.True(TraceId.TryRead(TraceBuilder.TraceIdBytes(trace).Span, out var id));
        _recorder.Append(Signal.Traces, _time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000, builder.Request.ToByteArray(), [id]);
        schedule.Noted([id], hasContent);
    }

    private string Scrape()
    {
        using var text = new MemoryStream();
        _registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken).GetAwaiter().GetResult();
        return System.Text.Encoding.UTF8.GetString(text.ToArray());
    }

    private sealed class Sink : IVerdictSink
    {
        public List<Verdict> Verdicts { get; } = [];

        public void Judged(in TraceId traceId, in Verdict verdict) => Verdicts.Add(verdict);
    }

    private sealed class Finder : IDetector
    {
        public int Runs { get; private set; }

        public Action Takes { get; set; } = static () => { };

        public string Name => "finder";

        public void Examine(AgentRun run, DetectionContext context)
        {
            Runs++;
            Takes();
            context.Found(run.Steps[0], FailureKind.PlanningError, "Found.");
        }
    }

    private sealed class Thrower : IDetector
    {
        public string Name => "thrower";

        public void Examine(AgentRun run, DetectionContext context) => throw new InvalidOperationException("on purpose");
    }
}
