namespace OtlpTap.Recorder;

/// <summary>
/// So many lines in each interval, for what senders can bring about as often as they like: the log must not be a second
/// disk to fill. Not thread-safe.
/// </summary>
internal sealed class LogAllowance(int linesMax, TimeSpan interval, TimeProvider time)
{
    private long _startedAt = time.GetTimestamp();
    private int _lines;
    private int _leftOut;

    /// <summary>Whether a line may be written now.</summary>
    /// <param name="leftOut">How many were not since the last one that was.</param>
    public bool TryTake(out int leftOut)
    {
        leftOut = 0;
        if (time.GetElapsedTime(_startedAt) >= interval)
        {
            _startedAt = time.GetTimestamp();
            _lines = 0;
        }

        if (_lines >= linesMax)
        {
            _leftOut++;
            return false;
        }

        _lines++;
        (leftOut, _leftOut) = (_leftOut, 0);
        return true;
    }
}
