using System.Diagnostics.CodeAnalysis;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

/// <summary>
/// Captures that wait for their time, by trace and by when they are due: after a quiet time, or at the latest after the
/// longest one. Times are timestamps. For one thread at a time.
/// </summary>
internal sealed class PendingCaptures(long settle, long settleMax)
{
    // A failing span more does not make a case better: the trace holds it anyway.
    private const int VerdictsPerCaptureMax = 1024;

    // 48 bytes each: 12 MB for all captures together, however hostile.
    private const int VerdictsMax = 262_144;

    private readonly Dictionary<TraceId, Capture> _pending = [];

    // Each pending capture stands here; when it was put off since, it is put back as it comes up, when it was brought
    // forward, it stands here twice.
    private readonly PriorityQueue<Capture, long> _byDue = new();
    private int _verdicts;

    public int Count => _pending.Count;

    public IEnumerable<Capture> All => _pending.Values;

    public bool Contains(in TraceId trace) => _pending.ContainsKey(trace);

    public bool TryGet(in TraceId trace, [NotNullWhen(true)] out Capture? capture) => _pending.TryGetValue(trace, out capture);

    public void Add(Capture capture)
    {
        _verdicts += capture.Verdicts.Count;
        _pending.Add(capture.TraceId, capture);
        _byDue.Enqueue(capture, capture.DueAt);
    }

    /// <summary>Its trace is not quiet. A capture that waits to be tried again keeps its later time.</summary>
    public void PutOff(Capture capture, long now) =>
        capture.DueAt = Math.Max(capture.DueAt, Math.Min(now + settle, capture.ScheduledAt + settleMax));

    public void BringForward(Capture capture, long now)
    {
        capture.DueAt = now;
        _byDue.Enqueue(capture, now);
    }

    /// <summary>False: there is no room for it.</summary>
    public bool TryAddVerdict(Capture capture, in Verdict verdict)
    {
        // The first is always taken: it names the case.
        if (capture.Verdicts.Count > 0 && (capture.Verdicts.Count >= VerdictsPerCaptureMax || _verdicts >= VerdictsMax))
        {
            return false;
        }

        capture.Verdicts.Add(verdict);
        _verdicts++;
        return true;
    }

    /// <summary>The next whose time has come; with <paramref name="early"/> the next one, due or not.</summary>
    /// <param name="dueAt">When there may be one; null where nothing is pending.</param>
    public Capture? TakeDue(long now, bool early, out long? dueAt)
    {
        while (_byDue.TryPeek(out var capture, out var queuedFor))
        {
            dueAt = capture.DueAt;
            if (capture.DueAt > queuedFor && !early)
            {
                _byDue.DequeueEnqueue(capture, capture.DueAt);
                continue;
            }

            if (capture.DueAt > now && !early)
            {
                return null;
            }

            _byDue.Dequeue();

            // Else it was brought forward, and taken then.
            if (_pending.TryGetValue(capture.TraceId, out var pending) && pending == capture)
            {
                _pending.Remove(capture.TraceId);
                _verdicts -= capture.Verdicts.Count;
                return capture;
            }
        }

        dueAt = null;
        return null;
    }
}
