using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// What was said of the last traces, so that one that is judged again when late spans came repeats nothing. The oldest are
/// forgotten first. Not thread-safe but for <see cref="Contains"/>, which is asked under the schedule's lock.
/// </summary>
internal sealed class JudgedTraces(int tracesMax)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TraceId, HashSet<(SpanId, string, string)>?> _said = [];
    private readonly Queue<TraceId> _order = new();

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
                _said.Remove(_order.Dequeue());
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
            return said.Count < DetectionContext.VerdictsMax && said.Add((verdict.SpanId, verdict.Failure, verdict.Rule));
        }
    }
}
