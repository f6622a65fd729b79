using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Announce;

/// <summary>Where verdicts of a signal go at this moment; after a reload elsewhere.</summary>
internal delegate IReadOnlyList<IExporter> AnnounceTargets(Signal signal);

/// <summary>
/// Tells the backend of verdicts that it cannot see on the judged spans: what detectors, judges and people found is known
/// only when the spans have long gone. Each becomes a span and a log record (<see cref="VerdictTelemetry"/>) behind the
/// exporters of the tapped pipelines, so that they never come back into the tap.
/// <list type="bullet">
/// <item>A rule's verdict stands on its span already: nothing is sent.</item>
/// <item>An evaluation that came as telemetry is a log event of the backend's already: a span only.</item>
/// <item>What people say becomes one log event, be it a verdict or not; their verdicts a span only.</item>
/// </list>
/// </summary>
internal sealed class Announcer : IVerdictSink, IFeedbackObserver, ITapTelemetry, IDisposable
{
    private readonly Func<AnnounceOptions> _options;
    private readonly VerdictTelemetry _telemetry;
    private readonly AnnounceMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly AnnounceLane _traces;
    private readonly AnnounceLane _logs;

    /// <param name="options">As they are at this moment: a reload changes them.</param>
    /// <param name="version">Of the tap.</param>
    public Announcer(Func<AnnounceOptions> options, AnnounceTargets targets, string version, PayloadPool payloads, AnnounceMetrics metrics, TimeProvider time, ILogger<Announcer> logger)
    {
        _options = options;
        _telemetry = new VerdictTelemetry(version);
        _metrics = metrics;
        _time = time;
        _traces = new AnnounceLane(Signal.Traces, targets, payloads, metrics, time, logger);
        _logs = new AnnounceLane(Signal.Logs, targets, payloads, metrics, time, logger);
    }

    /// <inheritdoc/>
    public void Judged(in TraceId traceId, in Verdict verdict)
    {
        var options = _options();
        var isSpan = options.Spans && verdict.Source != VerdictSource.Rule;
        var isLog = options.Logs && verdict.Source is not (VerdictSource.Rule or VerdictSource.Evaluation or VerdictSource.Feedback);
        if (isSpan)
        {
            Offer(_traces, traceId, verdict);
        }

        if (isLog)
        {
            Offer(_logs, traceId, verdict);
        }
    }

    /// <inheritdoc/>
    public void Said(Opinion opinion)
    {
        if (_options().Logs && !opinion.IsRecorded && HasRoom(_logs, opinion.TraceId))
        {
            _logs.Offer(_telemetry.Log(opinion, _time.GetUtcNow()));
        }
    }

    /// <inheritdoc/>
    public void Offer(Signal signal, byte[] request) => (signal == Signal.Traces ? _traces : _logs).Offer(request);

    /// <summary>Sends what waits, each batch once more at most. No verdict is taken any more.</summary>
    /// <param name="deadline">What is not sent then is counted as lost.</param>
    public Task DrainAsync(CancellationToken deadline) => Task.WhenAll(_traces.DrainAsync(deadline), _logs.DrainAsync(deadline));

    /// <summary>Sets the gauges. For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        _metrics.QueueSampled(Signal.Traces, _traces.QueuedBytes);
        _metrics.QueueSampled(Signal.Logs, _logs.QueuedBytes);
    }

    /// <summary>After it was drained.</summary>
    public void Dispose()
    {
        _traces.Dispose();
        _logs.Dispose();
    }

    private void Offer(AnnounceLane lane, in TraceId traceId, in Verdict verdict)
    {
        if (HasRoom(lane, traceId))
        {
            var now = _time.GetUtcNow();
            lane.Offer(lane.Signal == Signal.Traces ? _telemetry.Span(traceId, verdict, now) : _telemetry.Log(traceId, verdict, now));
        }
    }

    // Before anything is written for nothing.
    private bool HasRoom(AnnounceLane lane, in TraceId traceId)
    {
        if (traceId.IsZero)
        {
            _metrics.Dropped(lane.Signal, AnnounceDropReason.WithoutTraceId);
            return false;
        }

        if (lane.IsFull)
        {
            _metrics.Dropped(lane.Signal, AnnounceDropReason.QueueFull);
            return false;
        }

        return true;
    }
}
