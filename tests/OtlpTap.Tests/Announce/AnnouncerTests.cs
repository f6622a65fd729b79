using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Announce;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;
using OtlpTap.Verdicts;
using Prometheus;

namespace OtlpTap.Tests.Announce;

public sealed class AnnouncerTests : IAsyncDisposable
{
    private static readonly TraceId Trace = new(1, 2);

    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedExporter _traces = new();
    private readonly ScriptedExporter _logs = new();
    private readonly ListLogger<Announcer> _logger = new();
    private readonly Announcer _announcer;
    private AnnounceOptions _options = new();
    private IReadOnlyList<OtlpTap.Forward.IExporter>? _targets;

    public AnnouncerTests() => _announcer = new Announcer(
        () => _options,
        signal => _targets ?? [signal == Signal.Traces ? _traces : _logs],
        "1.0",
        new PayloadPool(),
        new AnnounceMetrics(Prometheus.Metrics.WithCustomRegistry(_registry)),
        _time,
        _logger);

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _announcer.DrainAsync(now.Token);
        _announcer.Dispose();
        await _traces.DisposeAsync();
        await _logs.DisposeAsync();
    }

    [Theory]
    [InlineData("rule", 0, 0)]
    [InlineData("evaluation", 1, 0)]
    [InlineData("detector", 1, 1)]
    [InlineData("judge", 1, 1)]
    [InlineData("feedback", 1, 0)]
    [InlineData("implicit_feedback", 1, 1)]
    [InlineData("api", 1, 1)]
    public async Task The_backend_is_told_what_it_does_not_know(string source, int spans, int logs)
    {
        _traces.Always = _logs.Always = _ => Task.FromResult(ExportReply.Accepted);
        _announcer.Judged(Trace, Verdict(1) with { Source = source });

        await _announcer.DrainAsync(Deadline.Token());

        Assert.Equal(spans, Metric("otlptap_announce_verdicts_sent_total{signal=\"traces\"}"));
        Assert.Equal(logs, Metric("otlptap_announce_verdicts_sent_total{signal=\"logs\"}"));
    }

    [Fact]
    public async Task Of_what_people_say_there_is_one_log_record_unless_the_backend_has_it()
    {
        var opinion = new Opinion(Trace, new SpanId(3), OpinionValue.Neutral, "user_feedback");
        _traces.Always = _logs.Always = _ => Task.FromResult(ExportReply.Accepted);
        _announcer.Said(opinion);
        _announcer.Said(opinion with { IsRecorded = true });
        _options = new AnnounceOptions { Logs = false };
        _announcer.Said(opinion);
        _announcer.Said(opinion with { TraceId = default });

        await _announcer.DrainAsync(Deadline.Token());

        Assert.Equal(1, Metric("otlptap_announce_verdicts_sent_total{signal=\"logs\"}"));
    }

    [Fact]
    public async Task What_is_switched_off_is_not_sent()
    {
        _traces.Always = _logs.Always = _ => Task.FromResult(ExportReply.Accepted);
        _options = new AnnounceOptions { Spans = false };
        _announcer.Judged(Trace, Verdict(1));
        _options = new AnnounceOptions { Logs = false };
        _announcer.Judged(Trace, Verdict(2));
        _announcer.Judged(Trace, Verdict(3));

        await _announcer.DrainAsync(Deadline.Token());

        Assert.Equal(2, Metric("otlptap_announce_verdicts_sent_total{signal=\"traces\"}"));
        Assert.Equal(1, Metric("otlptap_announce_verdicts_sent_total{signal=\"logs\"}"));
    }

    [Fact]
    public async Task Verdicts_of_a_moment_go_in_one_call()
    {
        for (ulong span = 1; span <= 20; span++)
        {
            _announcer.Judged(Trace, Verdict(span));
        }

        await DueAsync(_traces);
        var call = await _traces.TakeAsync();
        call.Succeed();

        Assert.Equal(20, Spans(call).Count);
        await Deadline.UntilAsync(() => Metric("otlptap_announce_verdicts_sent_total{signal=\"traces\"}") == 20, "they are counted");
    }

    [Fact]
    public async Task What_the_backend_refuses_for_a_while_is_sent_again_and_said_once()
    {
        _announcer.Judged(Trace, Verdict(1));
        await DueAsync(_traces);
        var first = await _traces.TakeAsync();
        first.Fail(StatusCode.Unavailable);
        await DueAsync(_traces);
        var second = await _traces.TakeAsync();
        second.Fail(StatusCode.Unavailable);
        await DueAsync(_traces);
        var third = await _traces.TakeAsync();
        third.Succeed();

        await Deadline.UntilAsync(() => Metric("otlptap_announce_verdicts_sent_total{signal=\"traces\"}") == 1, "it arrives");
        Assert.Equal(first.Message, third.Message);
        Assert.Equal(2, Metric("otlptap_announce_retries_total{signal=\"traces\"}"));
        await Deadline.UntilAsync(() => _logger.Messages.Count(message => message.Contains("traces", StringComparison.Ordinal)) == 2, "both are said");
    }

    [Fact]
    public async Task What_the_backend_will_never_take_is_counted_and_the_next_goes_on()
    {
        _announcer.Judged(Trace, Verdict(1));
        await DueAsync(_traces);
        (await _traces.TakeAsync()).Fail(StatusCode.InvalidArgument);
        await Deadline.UntilAsync(() => Metric("otlptap_announce_verdicts_failed_total{signal=\"traces\",reason=\"refused\"}") == 1, "it is counted");

        _announcer.Judged(Trace, Verdict(2));
        await DueAsync(_traces);
        (await _traces.TakeAsync()).Succeed();
        await Deadline.UntilAsync(() => Metric("otlptap_announce_verdicts_sent_total{signal=\"traces\"}") == 1, "the next arrives");
    }

    [Fact]
    public async Task While_the_backend_hangs_verdicts_wait_up_to_their_bytes_and_nobody_waits_for_them()
    {
        var offered = 0;
        var verdict = Verdict(1) with { Explanation = new string('x', 1000), Evidence = [.. Enumerable.Repeat(new string('e', 256), 8)] };
        while (Metric("otlptap_announce_verdicts_dropped_total{signal=\"traces\",reason=\"queue_full\"}") == 0)
        {
            Assert.InRange(++offered, 1, 10_000);
            _announcer.Judged(Trace, verdict);
        }

        _announcer.PublishMetrics();
        Assert.InRange(Metric("otlptap_announce_queue_bytes{signal=\"traces\"}"), AnnounceLane.QueueBytesMax - 8192, AnnounceLane.QueueBytesMax);
    }

    [Fact]
    public async Task At_the_end_what_waits_is_sent_once_more_and_then_lost_and_counted()
    {
        _announcer.Judged(Trace, Verdict(1));
        using var deadline = new CancellationTokenSource();
        var drained = _announcer.DrainAsync(deadline.Token);
        await _traces.TakeAsync();
        await deadline.CancelAsync();

        await drained.InTime();
        _announcer.Judged(Trace, Verdict(2));

        Assert.Equal(2, Metric("otlptap_announce_verdicts_dropped_total{signal=\"traces\",reason=\"shutdown\"}"));
    }

    [Fact]
    public async Task Without_an_exporter_or_a_trace_it_is_only_counted()
    {
        _targets = [];
        _announcer.Judged(Trace, Verdict(1));
        _announcer.Judged(default, Verdict(2));

        await _announcer.DrainAsync(Deadline.Token());

        Assert.Equal(1, Metric("otlptap_announce_verdicts_dropped_total{signal=\"traces\",reason=\"no_exporter\"}"));
        Assert.Equal(1, Metric("otlptap_announce_verdicts_dropped_total{signal=\"traces\",reason=\"without_trace_id\"}"));
    }

    [Fact]
    public async Task A_retry_goes_to_the_exporter_that_a_reload_has_put_there()
    {
        // No log event: its lane, which asks for exporters in its own time, could send its first call to the next one.
        _options = new AnnounceOptions { Logs = false };
        var next = new ScriptedExporter();
        _announcer.Judged(Trace, Verdict(1));
        await DueAsync(_traces);
        var first = await _traces.TakeAsync();
        _targets = [next];
        first.Fail(StatusCode.Unavailable);
        await DueAsync(next);

        (await next.TakeAsync()).Succeed();
        await Deadline.UntilAsync(() => Metric("otlptap_announce_verdicts_sent_total{signal=\"traces\"}") >= 1, "it arrives");
    }

    // The wait may not have begun yet when the clock is moved: it is moved until something comes.
    private Task DueAsync(ScriptedExporter exporter) => Deadline.UntilAsync(
        () =>
        {
            if (!exporter.HasUntaken)
            {
                _time.Advance(TimeSpan.FromMilliseconds(250));
            }

            return exporter.HasUntaken;
        },
        "a call comes");

    private static Verdict Verdict(ulong span) => new(new SpanId(span), FailureKind.Hallucination, "grounding", VerdictSource.Detector) { Score = 1 };

    private static List<OpenTelemetry.Proto.Trace.V1.Span> Spans(ScriptedExport call) =>
        [.. ExportTraceServiceRequest.Parser.ParseFrom(call.Message).ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)];

    private double Metric(string series) => MetricText.Value(_registry, series);
}
