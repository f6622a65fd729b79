namespace OtlpTap.Corpus;

/// <summary>At most so many in an hour: a bucket that starts full and refills evenly. Zero is no limit. Not thread-safe.</summary>
internal sealed class HourlyLimit(int countMax, TimeProvider time)
{
    private double _left = countMax;
    private long _refilledAt = time.GetTimestamp();

    public bool TryTake()
    {
        if (countMax == 0)
        {
            return true;
        }

        var now = time.GetTimestamp();
        _left = Math.Min(countMax, _left + (time.GetElapsedTime(_refilledAt, now).TotalHours * countMax));
        _refilledAt = now;
        if (_left < 1)
        {
            return false;
        }

        _left--;
        return true;
    }
}
