namespace OtlpTap.Judges;

/// <summary>So many in any minute: of the last ones the times are kept. For any thread.</summary>
internal sealed class MinuteBudget(int perMinute, TimeProvider time)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Queue<long> _taken = new();

    /// <summary>Whether one could be taken at this moment.</summary>
    public bool HasRoom
    {
        get
        {
            lock (_lock)
            {
                Forget();
                return _taken.Count < perMinute;
            }
        }
    }

    public bool TryTake()
    {
        lock (_lock)
        {
            Forget();
            if (_taken.Count >= perMinute)
            {
                return false;
            }

            _taken.Enqueue(time.GetTimestamp());
            return true;
        }
    }

    private void Forget()
    {
        while (_taken.TryPeek(out var at) && time.GetElapsedTime(at) >= Minute)
        {
            _taken.Dequeue();
        }
    }
}
