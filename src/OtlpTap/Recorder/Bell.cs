namespace OtlpTap.Recorder;

/// <summary>
/// Wakes one thread that waits for something to do: however often it rings meanwhile, the thread looks once. Nothing of it runs on the
/// thread pool, so that the thread wakes also when the pool has none to spare.
/// </summary>
internal sealed class Bell
{
    private readonly object _gate = new();
    private bool _rings;

    /// <summary>From any thread; never waits for long.</summary>
    public void Ring()
    {
        lock (_gate)
        {
            _rings = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Until it rings, or at once when it has since the last time.</summary>
    public void Wait()
    {
        lock (_gate)
        {
            while (!_rings)
            {
                Monitor.Wait(_gate);
            }

            _rings = false;
        }
    }
}
