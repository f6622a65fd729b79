namespace OtlpTap.Hosting;

/// <summary>How many connections may be open at the same time, over all listeners that share it.</summary>
internal sealed class ConnectionSlots(int max)
{
    private int _taken;

    public int Taken => Volatile.Read(ref _taken);

    public bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= max)
        {
            return true;
        }

        Interlocked.Decrement(ref _taken);
        return false;
    }

    public void Return() => Interlocked.Decrement(ref _taken);
}
