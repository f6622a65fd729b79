using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>
/// Decides from how calls ended whether fresh requests try the upstream or go to the spool directly, and when the spool's
/// next delivery may be tried.
/// <code>
///   up --unreachable, stalled, or so many failures in a row--> down --a call is answered--> up
/// </code>
/// Refusals are answers, and so is being throttled (RESOURCE_EXHAUSTED): that is between the upstream and one sender, and
/// takes nothing down.
/// </summary>
internal sealed class UpstreamHealth(RetryOptions retry, TimeProvider time, Random jitter)
{
    /// <summary>
    /// A failure, or a sender's leaving, after so long is a stall: each further request would cost its sender as much, of
    /// the ten seconds that the SDKs wait by default.
    /// </summary>
    public static readonly TimeSpan StalledAfter = TimeSpan.FromSeconds(2);

    /// <summary>An upstream that names a longer delay is asked again after this one.</summary>
    public static readonly TimeSpan RetryDelayMax = TimeSpan.FromHours(1);

    // One connection that breaks under several requests should not send all others through the disk.
    private const int FailuresUntilDown = 3;

    private readonly Lock _lock = new();

    // Read without the lock; written under it.
    private volatile bool _isDown;
    private volatile int _failures;

    // Under the lock.
    private TimeSpan _interval = retry.InitialInterval;
    private long _waitStarted = time.GetTimestamp();
    private TimeSpan _wait;
    private bool _isToldToWait;
    private bool _isUnreachable;

    public bool IsDown => _isDown;

    /// <summary>How long until a delivery may be tried; zero when it may now.</summary>
    public TimeSpan UntilNextAttempt
    {
        get
        {
            lock (_lock)
            {
                return Left();
            }
        }
    }

    /// <summary>Down for want of a connection, and not told to wait: a probe that finds one is worth trying at once.</summary>
    public bool IsWorthProbing
    {
        get
        {
            lock (_lock)
            {
                return _isDown && _isUnreachable && !_isToldToWait;
            }
        }
    }

    /// <summary>A call brought an answer that is no failure of the upstream itself. True when that took the upstream up.</summary>
    public bool Answered(bool isDelivery)
    {
        if (!isDelivery && !_isDown && _failures == 0)
        {
            return false;
        }

        lock (_lock)
        {
            var wasDown = _isDown;
            _isDown = false;
            _failures = 0;
            if (wasDown || isDelivery)
            {
                _interval = retry.InitialInterval;
                _wait = TimeSpan.Zero;
                _isToldToWait = false;
            }

            return wasDown;
        }
    }

    /// <summary>A call failed for want of the upstream. True when that took the upstream down.</summary>
    /// <param name="isReachable">What the exporter says of its place after the failure.</param>
    public bool Failed(ExportReply reply, TimeSpan took, bool isReachable, bool isDelivery)
    {
        var isTold = FailureKind.TryGetRetryDelay(reply, out var delay);
        delay = Min(delay, RetryDelayMax);
        lock (_lock)
        {
            var goesDown = GoesDown(took, isReachable);
            if (goesDown || isDelivery)
            {
                delay = Max(delay, NextInterval());
            }

            // Where nothing was reached it is the exporter's own estimate.
            _isToldToWait = isTold && isReachable;
            if (delay > Left())
            {
                _waitStarted = time.GetTimestamp();
                _wait = delay;
            }

            return goesDown;
        }
    }

    /// <summary>A sender left after it had waited so long in vain. True when that took the upstream down.</summary>
    public bool SenderLeft(TimeSpan waited)
    {
        if (waited < StalledAfter)
        {
            return false;
        }

        lock (_lock)
        {
            if (!GoesDown(waited, isReachable: true))
            {
                return false;
            }

            _waitStarted = time.GetTimestamp();
            _wait = NextInterval();
            return true;
        }
    }

    /// <summary>A probe found the upstream: the next delivery may be tried now.</summary>
    public void FoundReachable()
    {
        lock (_lock)
        {
            _wait = TimeSpan.Zero;
        }
    }

    private bool GoesDown(TimeSpan took, bool isReachable)
    {
        _failures++;
        _isUnreachable = !isReachable;
        if (_isDown || (isReachable && took < StalledAfter && _failures < FailuresUntilDown))
        {
            return false;
        }

        _isDown = true;
        return true;
    }

    private TimeSpan NextInterval()
    {
        var interval = _interval;
        _interval = Min(_interval * retry.Multiplier, retry.IntervalMax);
        return interval * (1 + (retry.RandomizationFactor * ((2 * jitter.NextDouble()) - 1)));
    }

    private TimeSpan Left() => Max(_wait - time.GetElapsedTime(_waitStarted), TimeSpan.Zero);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
