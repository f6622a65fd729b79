namespace OtlpTap.Tests.EndToEnd;

/// <summary>
/// The real clock, ahead by what a test has moved it: hours pass between two lines. Timers run in real time, so that whatever
/// looks every so often sees the new time soon and by itself, and nothing that waits for a socket is timed out by a move.
/// </summary>
internal sealed class MovedClock : TimeProvider
{
    private long _ahead;

    public override long TimestampFrequency => System.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Ahead;

    public override long GetTimestamp() => System.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);

    public void Move(TimeSpan time) => Interlocked.Add(ref _ahead, time.Ticks);

    private TimeSpan Ahead => TimeSpan.FromTicks(Interlocked.Read(ref _ahead));
}
