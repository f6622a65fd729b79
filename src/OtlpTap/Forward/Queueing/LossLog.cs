namespace OtlpTap.Forward.Queueing;

/// <summary>Says what was lost: the first loss at once, further ones summed up in a line each minute, whatever the traffic.</summary>
internal sealed class LossLog(string exporter, TimeProvider time, ILogger log)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();

    // Under the lock.
    private long? _saidAt;
    private long _requests;
    private long _items;
    private string _cause = "";

    public void Lost(long items, string cause)
    {
        lock (_lock)
        {
            _requests++;
            _items += items;
            _cause = cause;
            if (_saidAt is null || time.GetElapsedTime(_saidAt.Value) >= Interval)
            {
                Say();
            }
        }
    }

    /// <summary>Says what was not said yet.</summary>
    public void Flush()
    {
        lock (_lock)
        {
            if (_requests > 0)
            {
                Say();
            }
        }
    }

    private void Say()
    {
        log.Lost(exporter, _requests, _items, _cause);
        _saidAt = time.GetTimestamp();
        (_requests, _items) = (0, 0);
    }
}
