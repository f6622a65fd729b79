using Microsoft.Extensions.Time.Testing;
using OtlpTap.Corpus;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;
using Prometheus;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Corpus;

public sealed class CaptureSchedulerTests
{
    private static readonly Verdict Failed = new(SpanOf(1), "tool_error", "tool_failed", VerdictSource.Rule);

    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_million_failing_traces_at_once_leave_no_more_pending_than_there_may_be()
    {
        var scheduler = Create(new CorpusOptions { CasesPerHourMax = 0 });
        for (var trace = 1; trace <= 1_000_000; trace++)
        {
            scheduler.TrySchedule(Trace(trace), Failed);
        }

        Assert.Equal(16_384, scheduler.PendingCount);
        Assert.Equal(1_000_000 - 16_384, Dropped("pending_full"));
    }

    [Fact]
    public void A_million_failing_traces_one_after_the_other_are_remembered_only_as_far_as_there_is_room()
    {
        var scheduler = Create(new CorpusOptions { CasesPerHourMax = 0, Settle = TimeSpan.Zero });
        for (var trace = 1; trace <= 1_000_000; trace++)
        {
            Assert.True(scheduler.TrySchedule(Trace(trace), Failed));
            Assert.NotNull(scheduler.TakeDue(early: false, out _));
        }

        Assert.Equal(100_000, scheduler.RecentCount);
        Assert.Equal(0, scheduler.PendingCount);
        Assert.Equal(Timeout.InfiniteTimeSpan, Wait(scheduler));
    }

    [Fact]
    public void Verdicts_are_bounded_over_all_traces_and_each_keeps_its_first()
    {
        var scheduler = Create(new CorpusOptions { CasesPerHourMax = 0 });
        for (var trace = 1; trace <= 1000; trace++)
        {
            for (var span = 0; span < 2000; span++)
            {
                scheduler.TrySchedule(Trace(trace), Failed with { SpanId = SpanOf(span) });
            }
        }

        var kept = 0;
        for (var trace = 1; trace <= 1000; trace++)
        {
            var capture = scheduler.TakeDue(early: true, out _)!;
            Assert.NotEmpty(capture.Verdicts);
            Assert.Equal(2000, capture.Verdicts.Count + capture.VerdictsOmitted);
            kept += capture.Verdicts.Count;
        }

        Assert.InRange(kept, 262_144, 262_144 + 1000);
    }

    [Fact]
    public void The_wait_is_until_the_first_trace_is_due_and_each_comes_up_in_its_turn()
    {
        var scheduler = Create(new CorpusOptions());
        Assert.Equal(Timeout.InfiniteTimeSpan, Wait(scheduler));
        scheduler.TrySchedule(Trace(1), Failed);
        _time.Advance(TimeSpan.FromSeconds(2));
        scheduler.TrySchedule(Trace(2), Failed);
        Assert.Equal(TimeSpan.FromSeconds(3), Wait(scheduler));

        // The first goes on, so the second is due before it.
        scheduler.TrySchedule(Trace(1), Failed);
        _time.Advance(TimeSpan.FromSeconds(1));
        scheduler.TrySchedule(Trace(1), Failed);
        Assert.Equal(TimeSpan.FromSeconds(4), Wait(scheduler));
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(Trace(2), scheduler.TakeDue(early: false, out _)!.TraceId);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Trace(1), scheduler.TakeDue(early: false, out _)!.TraceId);
    }

    [Fact]
    public void A_capture_put_back_meets_what_arrived_meanwhile()
    {
        var scheduler = Create(new CorpusOptions());
        scheduler.TrySchedule(Trace(1), Failed);
        var capture = scheduler.TakeDue(early: true, out _)!;
        capture.Attempts = 2;
        scheduler.TrySchedule(Trace(1), Failed with { SpanId = SpanOf(2) });
        scheduler.PutBack(capture, TimeSpan.FromSeconds(1));

        Assert.Equal(1, scheduler.PendingCount);
        var joined = scheduler.TakeDue(early: true, out _)!;
        Assert.Equal([SpanOf(2), SpanOf(1)], joined.Verdicts.Select(verdict => verdict.SpanId));
        Assert.Equal(2, joined.Attempts);
    }

    [Fact]
    public void A_mark_goes_with_the_case_of_its_trace_and_alone_makes_none()
    {
        var mark = new Verdict(SpanOf(2), FailureKind.Recovered, "recovered", VerdictSource.Detector);
        var scheduler = Create(new CorpusOptions { CasesPerHourMax = 0 });
        scheduler.Mark(Trace(1), mark);
        Assert.Equal(0, scheduler.PendingCount);

        scheduler.TrySchedule(Trace(1), Failed);
        scheduler.Mark(Trace(1), mark);
        Assert.Equal([Failed, mark], scheduler.TakeDue(early: true, out _)!.Verdicts);

        // Its case is written, and is completed.
        scheduler.Mark(Trace(1), mark with { SpanId = SpanOf(3) });
        var late = scheduler.TakeDue(early: true, out _)!;
        Assert.True(late.IsUpdate);
        Assert.Equal(SpanOf(3), Assert.Single(late.Verdicts).SpanId);
    }

    [Fact]
    public void A_verdict_on_no_trace_is_counted()
    {
        var scheduler = Create(new CorpusOptions());

        Assert.False(scheduler.TrySchedule(default, Failed));
        Assert.Equal(1, Dropped("without_trace_id"));
    }

    private static TimeSpan Wait(CaptureScheduler scheduler)
    {
        Assert.Null(scheduler.TakeDue(early: false, out var wait));
        return wait;
    }

    private CaptureScheduler Create(CorpusOptions options) => new(options, new CorpusMetrics(Prometheus.Metrics.WithCustomRegistry(_registry)), _time);

    private double Dropped(string reason) => MetricText.Value(_registry, $"otlptap_corpus_captures_dropped_total{{reason=\"{reason}\"}}");
}
