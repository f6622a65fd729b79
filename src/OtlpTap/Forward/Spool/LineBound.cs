namespace OtlpTap.Forward.Spool;

/// <summary>One line of a kind each minute: what senders and disks can bring about at any rate must not fill the log. Safe on any thread.</summary>
internal sealed class LineBound(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long? _lastAt;
    private int _leftOut;

    /// <summary>Whether a line may be written now.</summary>
    /// <param name="leftOut">How many were not since the last one that was.</param>
    public bool TryTake(out int leftOut)
    {
        lock (_lock)
        {
            leftOut = _leftOut;
            if (_lastAt is { } last && time.GetElapsedTime(last) < Interval)
            {
                _leftOut++;
                return false;
            }

            _lastAt = time.GetTimestamp();
            _leftOut = 0;
            return true;
        }
    }
}
