namespace OtlpTap.Health.Windows;

/// <summary>Scores of a few evaluators in one bucket.</summary>
internal sealed class Scores
{
    private const int ObjectBytes = 48;
    private const int EntryBytes = 16;

    private (int Metric, uint Count, double Sum)[] _entries = [];

    public int Bytes => ObjectBytes + (_entries.Length * EntryBytes);

    public void Add(int metric, double sum, uint count = 1)
    {
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry.Metric == metric)
            {
                entry = (metric, entry.Count + count, entry.Sum + sum);
                return;
            }
        }

        Array.Resize(ref _entries, _entries.Length + 1);
        _entries[^1] = (metric, count, sum);
    }

    public (long Count, double Sum) Of(int metric)
    {
        foreach (var entry in _entries)
        {
            if (entry.Metric == metric)
            {
                return (entry.Count, entry.Sum);
            }
        }

        return (0, 0);
    }

    public void AddTo(Scores other)
    {
        foreach (var (metric, count, sum) in _entries)
        {
            other.Add(metric, sum, count);
        }
    }
}
