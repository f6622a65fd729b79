using System.Collections.Concurrent;

namespace OtlpTap.Forward;

/// <summary>Cancellation sources that fire when a call's time is over or the tap stops; used again for call after call.</summary>
internal sealed class CallTimeouts(TimeSpan timeout, TimeProvider time) : IDisposable
{
    // As many as calls are in flight at once in the steady state; beyond that they are cheap to make.
    private const int KeptMax = 256;

    private readonly ConcurrentQueue<CancellationTokenSource> _free = new();
    private readonly CancellationTokenSource _stop = new();

    public bool IsStopped => _stop.IsCancellationRequested;

    public Running Start()
    {
        if (!_free.TryDequeue(out var source))
        {
            source = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        }

        source.CancelAfter(timeout);
        var stop = _stop.Token.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), source);
        return new Running(this, source, stop);
    }

    /// <summary>Ends the time of all calls now.</summary>
    public void Stop() => _stop.Cancel();

    public void Dispose()
    {
        while (_free.TryDequeue(out var source))
        {
            source.Dispose();
        }

        _stop.Dispose();
    }

    private void Return(CancellationTokenSource source)
    {
        if (_free.Count < KeptMax && source.TryReset())
        {
            _free.Enqueue(source);
        }
        else
        {
            source.Dispose();
        }
    }

    public readonly struct Running(CallTimeouts owner, CancellationTokenSource source, CancellationTokenRegistration stop) : IDisposable
    {
        public CancellationToken Token => source.Token;

        public void Dispose()
        {
            stop.Dispose();
            owner.Return(source);
        }
    }
}
