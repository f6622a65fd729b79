namespace OtlpTap.Forward.Http2;

/// <summary>
/// Bounds what a peer may make this side do for nothing: frames that bring no answer further (PING, SETTINGS, empty
/// DATA, frames of unknown type or for streams long closed). What a peer says on an idle line is a handful of frames in a
/// second; what it says about requests is in proportion to them: grpc-go servers put a PING behind the DATA they receive,
/// one for every round trip, to learn how wide the line is. On a near network that is thousands a second. So whatever
/// this side sends gives the peer the whole allowance anew.
/// </summary>
internal sealed class FloodGuard(TimeProvider time)
{
    public const int FramesPerSecondMax = 2000;

    private long _countedFrom = time.GetTimestamp();
    private int _count;

    /// <summary>Requests, or parts of them, were sent.</summary>
    public void Excuse() => _count = 0;

    public Violation Count()
    {
        if (++_count <= FramesPerSecondMax)
        {
            return Violation.None;
        }

        // The clock is read only when the count is used up.
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
