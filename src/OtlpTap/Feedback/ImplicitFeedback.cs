using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Feedback;

/// <summary>Sessions on the line: told of each run that was examined, it judges those whose users had to ask again or left. Any thread.</summary>
internal sealed class ImplicitFeedback : IDisposable, IVerdictSink
{
    /// <summary>How late a session is found to have ended.</summary>
    private static readonly TimeSpan EndInterval = TimeSpan.FromSeconds(30);

    private readonly IVerdictSink _sink;
    private readonly FeedbackMetrics _metrics;
    private readonly ILogger<ImplicitFeedback> _logger;
    private readonly SessionTracker _sessions;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();

    // Under the gate: what the tracker says is handed on after it, to rooms with locks of their own.
    private readonly List<(TraceId TraceId, Verdict Verdict)> _said = [];

    public ImplicitFeedback(ImplicitFeedbackOptions options, IVerdictSink sink, FeedbackMetrics metrics, TimeProvider time, ILogger<ImplicitFeedback> logger)
    {
        _logger = logger;
        _sink = sink;
        _metrics = metrics;
        _sessions = new SessionTracker(options, time, metrics.SessionsEvicted);
        _timer = time.CreateTimer(static state => ((ImplicitFeedback)state!).EndIdle(), this, EndInterval, EndInterval);
    }

    /// <param name="verdicts">What was found in the run.</param>
    public void Examined(AgentRun run, IReadOnlyList<Verdict> verdicts)
    {
        var hasFailed = verdicts.Any(verdict => !FailureKind.IsMark(verdict.Failure));
        lock (_gate)
        {
            _sessions.Observe(run, hasFailed, this);
        }

        HandOn();
    }

    /// <summary>Sets the gauges. For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        lock (_gate)
        {
            _metrics.Sampled(_sessions.Count);
        }
    }

    public void Dispose() => _timer.Dispose();

    void IVerdictSink.Judged(in TraceId traceId, in Verdict verdict) => _said.Add((traceId, verdict));

    private void EndIdle()
    {
        try
        {
            lock (_gate)
            {
                _sessions.EndIdle(this);
            }

            HandOn();
        }
        catch (Exception exception) // the edge of a timer: what escapes it ends the process
        {
            _metrics.Failed();
            _logger.EndingFailed(exception);
        }
    }

    private void HandOn()
    {
        List<(TraceId TraceId, Verdict Verdict)> said;
        lock (_gate)
        {
            if (_said.Count == 0)
            {
                return;
            }

            said = [.. _said];
            _said.Clear();
        }

        foreach (var (traceId, verdict) in said)
        {
            _metrics.Reacted(verdict.Label!);
            _sink.Judged(traceId, verdict);
        }
    }
}
