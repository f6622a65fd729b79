using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Tee;

namespace OtlpTap.Detectors;

/// <summary>
/// Which traces are to be examined, and when: those of requests that can hold an agent's content, once they have been quiet.
/// It keeps ids and times alone; <see cref="DetectionLoop"/> works it off. Bounded by count; what does not fit is dropped and counted.
/// One lock: the recorder's thread takes it once for each request, the loop once for each trace.
/// </summary>
internal sealed class DetectionSchedule
{
    private readonly DetectorOptions _options;
    private readonly DetectorMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly JudgedTraces _judged;
    private readonly long _settle;
    private readonly long _settleMax;

    // Guarded by the gate.
    private readonly Lock _gate = new();
    private readonly Dictionary<TraceId, Waiting> _waiting = [];
    private readonly PriorityQueue<Waiting, long> _byDue = new();

    private volatile CompiledRules _spanRules = CompiledRules.None;
    private volatile CompiledRules _logRules = CompiledRules.None;

    public DetectionSchedule(DetectorOptions options, JudgedTraces judged, DetectorMetrics metrics, TimeProvider time)
    {
        _options = options;
        _judged = judged;
        _metrics = metrics;
        _time = time;
        _settle = (long)(options.Settle.TotalSeconds * time.TimestampFrequency);
        _settleMax = (long)(options.SettleMax.TotalSeconds * time.TimestampFrequency);
    }

    /// <summary>Called, on any thread, when the next due time may have become earlier.</summary>
    public Action? Changed { get; set; }

    /// <summary>The rules that were last in force: detection does not repeat what they say.</summary>
    public CompiledRules RulesFor(Signal signal) => signal == Signal.Logs ? _logRules : _spanRules;

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>See <see cref="Recorder.RecordedHandler"/>.</summary>
    public void Recorded(in TeeItem item)
    {
        if (item.Signal == Signal.Metrics)
        {
            return;
        }

        if (item.Signal == Signal.Logs)
        {
            _logRules = item.Scan.Rules;
        }
        else
        {
            _spanRules = item.Scan.Rules;
        }

        Noted(item.Scan.TraceIds, ContentMarkers.AreIn(item.Payload.Span));
    }

    /// <summary>Spans or log records of traces came.</summary>
    /// <param name="hasContent">They can be an agent's. What is not still puts off, and wakes, a trace that is known to be one's.</param>
    internal void Noted(ReadOnlySpan<TraceId> traceIds, bool hasContent)
    {
        var now = _time.GetTimestamp();
        var isEarlier = false;
        lock (_gate)
        {
            foreach (ref readonly var traceId in traceIds)
            {
                if (_waiting.TryGetValue(traceId, out var waiting))
                {
                    waiting.DueAt = Math.Min(now + _settle, waiting.FirstAt + _settleMax);
                }
                else if (hasContent || _judged.Contains(traceId))
                {
                    isEarlier |= TryAdd(traceId, now);
                }
            }
        }

        if (isEarlier)
        {
            Changed?.Invoke();
        }
    }

    /// <summary>A trace that is to be examined now; null when there is none, and how long until there may be.</summary>
    /// <param name="early">Also one that is not yet due.</param>
    public TraceId? TakeDue(bool early, out TimeSpan wait)
    {
        var now = _time.GetTimestamp();
        lock (_gate)
        {
            while (_byDue.TryPeek(out var next, out var dueAt))
            {
                if (next.DueAt > dueAt && !early)
                {
                    _byDue.DequeueEnqueue(next, next.DueAt); // put off since
                    continue;
                }

                wait = _time.GetElapsedTime(now, next.DueAt);
                if (!early && next.DueAt > now)
                {
                    return null;
                }

                wait = TimeSpan.Zero;
                _byDue.Dequeue();
                _waiting.Remove(next.TraceId);
                return next.TraceId;
            }
        }

        wait = Timeout.InfiniteTimeSpan;
        return null;
    }

    /// <summary>Sets the gauge. For the registry's before-collect callback.</summary>
    public void PublishMetrics() => _metrics.Sampled(Count);

    private bool TryAdd(in TraceId traceId, long now)
    {
        if (_waiting.Count >= _options.WaitingMax)
        {
            _metrics.Dropped(DetectionDropReason.WaitingFull);
            return false;
        }

        var waiting = new Waiting(traceId, now) { DueAt = now + Math.Min(_settle, _settleMax) };
        _waiting.Add(traceId, waiting);
        _byDue.Enqueue(waiting, waiting.DueAt);
        return _waiting.Count == 1;
    }

    private sealed class Waiting(TraceId traceId, long firstAt)
    {
        public TraceId TraceId { get; } = traceId;

        public long FirstAt { get; } = firstAt;

        public long DueAt { get; set; }
    }
}
