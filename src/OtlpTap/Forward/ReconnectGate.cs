using System.Diagnostics.CodeAnalysis;

namespace OtlpTap.Forward;

/// <summary>
/// Keeps requests from hammering an upstream that cannot be connected to.
/// <code>
///   open --connect failed--> closed --backoff passed, next request--> probing --connect failed--> closed, backoff doubled
///    ^                                                                   |
///    '------------------------ anything else ---------------------------'
/// </code>
/// While closed, and while the one probing request is out, everybody else is refused at once.
/// </summary>
internal sealed class ReconnectGate(TimeSpan backoffFirst, TimeSpan backoffMax, TimeProvider time, Random jitter)
{
    private readonly Lock _lock = new();

    // Read without the lock; written under it.
    private volatile State _state;

    // Under the lock.
    private TimeSpan _backoff;
    private long _closedAt;
    private TimeSpan _closedFor;
    private UpstreamAnswer _refusal;

    private enum State
    {
        Open,
        Closed,
        Probing,
    }

    public bool IsOpen => _state == State.Open;

    /// <summary>Whether a request that came now would be refused; takes no turn as the probe.</summary>
    public bool IsRefusing([NotNullWhen(true)] out UpstreamAnswer? refusal)
    {
        refusal = null;
        if (_state == State.Open)
        {
            return false;
        }

        lock (_lock)
        {
            refusal = MustRefuse() ? _refusal : null;
            return refusal is not null;
        }
    }

    /// <summary>True lets a call go, and its end must be told by <see cref="Connected"/> or <see cref="ConnectFailed"/>.</summary>
    public bool TryPass([NotNullWhen(false)] out UpstreamAnswer? refusal)
    {
        refusal = null;
        if (_state == State.Open)
        {
            return true;
        }

        lock (_lock)
        {
            if (MustRefuse())
            {
                refusal = _refusal;
                return false;
            }

            if (_state == State.Closed)
            {
                _state = State.Probing;
            }

            return true;
        }
    }

    /// <summary>The call reached the upstream, or at least nothing shows that it did not. True when that opened the gate.</summary>
    public bool Connected()
    {
        if (_state == State.Open)
        {
            return false;
        }

        lock (_lock)
        {
            var opened = _state != State.Open;
            _state = State.Open;
            return opened;
        }
    }

    /// <summary>True when that closed the gate; false when it was closed already, by a call that left at the same time.</summary>
    /// <param name="refusal">Makes what to answer until the next attempt, from how long that may take.</param>
    public bool ConnectFailed(Func<TimeSpan, UpstreamAnswer> refusal)
    {
        lock (_lock)
        {
            if (_state == State.Closed)
            {
                return false;
            }

            _backoff = _state == State.Open ? backoffFirst : Min(_backoff * 2, backoffMax);
            // Four fifths to six fifths, so that many taps do not come back to one upstream in step.
            _closedFor = _backoff * (0.8 + (0.4 * jitter.NextDouble()));
            _closedAt = time.GetTimestamp();
            _refusal = refusal(_closedFor);
            _state = State.Closed;
            return true;
        }
    }

    private bool MustRefuse() =>
        _state == State.Probing || (_state == State.Closed && time.GetElapsedTime(_closedAt) < _closedFor);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
