using System.Collections.Concurrent;

namespace OtlpTap.Forward;

/// <summary>Cancellation sources that fire when a call's time is over or the tap stops; used again for call after call.</summary>
internal sealed class CallTimeouts : IDisposable
{
    // As many as calls are in flight at once in the steady state; beyond that they are cheap to make.
    private const int KeptMax = 256;

    private readonly ConcurrentQueue<CancellationTokenSource> _free = new();
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();

    // Kept, because a source that is disposed gives no token: a call that starts at the very end finds it cancelled.
    private readonly CancellationToken _stopped;

    public CallTimeouts(TimeSpan timeout, TimeProvider time)
    {
        _timeout = timeout;
        _time = time;
        _stopped = _stop.Token;
    }

    public bool IsStopped => _stopped.IsCancellationRequested;

    public Running Start()
    {
        if (!_free.TryDequeue(out var source))
        {
            source = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time);
        }

        source.CancelAfter(_timeout);
        var stop = _stopped.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), source);
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
