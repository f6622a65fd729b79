using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// What was said of the last traces, so that one that is judged again when late spans came repeats nothing. The oldest are
/// forgotten first. Not thread-safe but for <see cref="Contains"/>, which is asked under the schedule's lock.
/// </summary>
internal sealed class JudgedTraces(int tracesMax)
{
    // 60 bytes each, some 16 MB: ordinary traces have a handful, hostile ones as many as may be found in one.
    internal const int SaidMax = 262_144;

    private readonly Lock _gate = new();
    private readonly Dictionary<TraceId, HashSet<(SpanId, string, string)>?> _said = [];
    private readonly Queue<TraceId> _order = new();
    private int _saidCount;

    public bool Contains(in TraceId traceId)
    {
        lock (_gate)
        {
            return _said.ContainsKey(traceId);
        }
    }

    /// <summary>The trace was examined, whether or not anything was found.</summary>
    public void Add(in TraceId traceId)
    {
        lock (_gate)
        {
            if (tracesMax == 0 || !_said.TryAdd(traceId, null))
            {
                return;
            }

            _order.Enqueue(traceId);
            if (_order.Count > tracesMax)
            {
                ForgetOldest();
            }
        }
    }

    /// <summary>Whether the verdict is new for the trace, which was added before; it is remembered.</summary>
    public bool IsNew(in TraceId traceId, in Verdict verdict)
    {
        lock (_gate)
        {
            if (!_said.TryGetValue(traceId, out var said))
            {
                return true;
            }

            _said[traceId] = said ??= [];
            if (said.Count >= DetectionContext.VerdictsMax || !said.Add((verdict.SpanId, verdict.Failure, verdict.Rule)))
            {
                return false;
            }

            // Never the trace itself, which is the newest or one that is looked at again: one of 256 is far below the bound.
            for (_saidCount++; _saidCount > SaidMax && _order.Peek() != traceId;)
            {
                ForgetOldest();
            }

            return true;
        }
    }

    /// <summary>For tests: verdicts that are remembered, of all traces.</summary>
    internal int SaidCount
    {
        get
        {
            lock (_gate)
            {
                return _saidCount;
            }
        }
    }

    private void ForgetOldest()
    {
        if (_said.Remove(_order.Dequeue(), out var said))
        {
            _saidCount -= said?.Count ?? 0;
        }
    }
}
