namespace OtlpTap.Buffers;

/// <summary>A bound in bytes shared by many threads. One interlocked operation takes, one gives back; nobody ever waits.</summary>
internal sealed class ByteBudget(long limitBytes)
{
    private long _limit = limitBytes;
    private long _taken;

    /// <summary>May change at any time; what is taken beyond a smaller one stays taken until it comes back.</summary>
    public long LimitBytes
    {
        get => Volatile.Read(ref _limit);
        set => Volatile.Write(ref _limit, value);
    }

    public long TakenBytes => Volatile.Read(ref _taken);

    /// <summary>
    /// False, and nothing taken, when <paramref name="bytes"/> would pass the limit.
    /// A single claim larger than the whole limit is let through when nothing else is taken: it could never succeed otherwise.
    /// </summary>
    public bool TryTake(long bytes) => TryGrow(0, bytes);

    /// <summary>The same for a claim that already holds <paramref name="heldBytes"/>; alone, it may grow beyond the limit.</summary>
    public bool TryGrow(long heldBytes, long bytes)
    {
        var taken = Interlocked.Add(ref _taken, bytes);
        if (taken <= LimitBytes || taken == heldBytes + bytes)
        {
            return true;
        }

        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _taken, -bytes);
}
