using OtlpTap.Otlp;

namespace OtlpTap.Corpus;

/// <summary>
/// Traces whose case was written not long ago. Each stays for the same time, so they leave in the order they came;
/// when there are too many, the oldest leave early.
/// </summary>
internal sealed class RecentTraces(int countMax)
{
    private readonly HashSet<TraceId> _traces = [];
    private readonly Queue<(TraceId Trace, long Expires)> _byAge = new();

    public int Count => _traces.Count;

    /// <summary>All of them, those that leave first before the others.</summary>
    public IEnumerable<(TraceId Trace, long Expires)> ByAge => _byAge;

    public bool Contains(in TraceId trace) => _traces.Contains(trace);

    /// <summary>A trace that is there already keeps its time: an endless one must not be completed for ever.</summary>
    public void Add(in TraceId trace, long expires)
    {
        if (_traces.Count >= countMax && !_traces.Contains(trace))
        {
            RemoveOldest();
        }

        if (_traces.Add(trace))
        {
            _byAge.Enqueue((trace, expires));
        }
    }

    public void RemoveExpired(long now)
    {
        while (_byAge.TryPeek(out var oldest) && oldest.Expires <= now)
        {
            RemoveOldest();
        }
    }

    private void RemoveOldest() => _traces.Remove(_byAge.Dequeue().Trace);
}
