namespace OtlpTap.Forward.Http2;

/// <summary>
/// Bounds what a peer may make this side do for nothing: frames that bring no answer further (PING, SETTINGS, empty
/// DATA, frames of unknown type or for streams long closed). An honest peer sends a handful in a second.
/// </summary>
internal sealed class FloodGuard(TimeProvider time)
{
    public const int FramesPerSecondMax = 2000;

    private long _countedFrom = time.GetTimestamp();
    private int _count;

    public Violation Count()
    {
        if (++_count <= FramesPerSecondMax)
        {
            return Violation.None;
        }

        // The clock is read only when the count is used up: an honest second of it takes hours.
        var now = time.GetTimestamp();
        if (time.GetElapsedTime(_countedFrom, now) < TimeSpan.FromSeconds(1))
        {
            return Violation.Flood("a flood of frames without content");
        }

        _countedFrom = now;
        _count = 0;
        return Violation.None;
    }
}
