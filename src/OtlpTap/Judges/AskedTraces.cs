using OtlpTap.Otlp;

namespace OtlpTap.Judges;

/// <summary>Traces that were asked about: a run that is examined again, because late spans came, is not paid for again. The oldest are forgotten. For any thread.</summary>
internal sealed class AskedTraces(int countMax)
{
    private readonly Lock _lock = new();
    private readonly HashSet<TraceId> _asked = [];
    private readonly Queue<TraceId> _order = new();

    /// <summary>False where it was added before.</summary>
    public bool TryAdd(in TraceId traceId)
    {
        lock (_lock)
        {
            if (!_asked.Add(traceId))
            {
                return false;
            }

            _order.Enqueue(traceId);
            if (_order.Count > countMax)
            {
                _asked.Remove(_order.Dequeue());
            }

            return true;
        }
    }

    public bool Contains(in TraceId traceId)
    {
        lock (_lock)
        {
            return _asked.Contains(traceId);
        }
    }
}
