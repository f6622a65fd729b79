namespace OtlpTap.Forward.Printing;

/// <summary><c>sampling_initial</c> and <c>sampling_thereafter</c>: the first ones of each second, then one in so many (0: none).</summary>
internal sealed class Sampling(int initial, int thereafter, TimeProvider time)
{
    private readonly Lock _lock = new();

    // Under the lock.
    private long _secondStartedAt = time.GetTimestamp();
    private int _seen;

    public bool TryTake()
    {
        lock (_lock)
        {
            if (time.GetElapsedTime(_secondStartedAt) >= TimeSpan.FromSeconds(1))
            {
                _secondStartedAt = time.GetTimestamp();
                _seen = 0;
            }

            _seen++;
            return _seen <= initial || (thereafter > 0 && (_seen - initial) % thereafter == 0);
        }
    }
}
