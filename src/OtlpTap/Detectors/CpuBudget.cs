namespace OtlpTap.Detectors;

/// <summary>
/// A share of one core: time that is spent is owed, and comes back with time that passes. What is spent on one thread is taken by
/// the clock, which is never less than the processor's time. Not thread-safe.
/// </summary>
internal sealed class CpuBudget
{
    // So much may be spent at once after a pause: a burst of some hundred traces.
    private static readonly TimeSpan Saved = TimeSpan.FromSeconds(1);

    // Longer than this nobody pays for one trace: the clock also runs while the whole process stands still.
    private static readonly TimeSpan WaitMax = TimeSpan.FromMinutes(2);

    private readonly double _share;
    private readonly TimeProvider _time;
    private double _seconds = Saved.TotalSeconds;
    private long _at;

    public CpuBudget(double share, TimeProvider time)
    {
        _share = share;
        _time = time;
        _at = time.GetTimestamp();
    }

    /// <summary>How long until there is something to spend; zero when there is.</summary>
    public TimeSpan Wait()
    {
        var now = _time.GetTimestamp();
        _seconds = Math.Min(Saved.TotalSeconds, _seconds + (_time.GetElapsedTime(_at, now).TotalSeconds * _share));
        _at = now;
        return _seconds > 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((-_seconds / _share) + 0.001);
    }

    public void Spend(TimeSpan time) => _seconds = Math.Max(_seconds - time.TotalSeconds, -WaitMax.TotalSeconds * _share);
}
