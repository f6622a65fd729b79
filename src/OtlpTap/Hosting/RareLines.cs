using OtlpTap.Recorder;

namespace OtlpTap.Hosting;

/// <summary>One line in each interval, for what a sender brings about every few seconds for as long as it is configured so. Any thread.</summary>
internal sealed class RareLines(ILogger log, TimeSpan interval, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly LogAllowance _lines = new(1, interval, time); // under the lock

    /// <summary>Whether the line may be written now. How many were not since the last one, the log says before it.</summary>
    public bool TryTake()
    {
        bool may;
        int leftOut;
        lock (_lock)
        {
            may = _lines.TryTake(out leftOut);
        }

        if (leftOut > 0)
        {
            log.LinesLeftOut(leftOut);
        }

        return may;
    }
}
