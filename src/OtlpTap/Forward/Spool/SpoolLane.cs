using OtlpTap.Forward.Retrying;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>
/// Records of one sender (by the forwarded headers) and signal that the upstream does not take, while it may take those
/// of others.
/// <code>
///   open --refused, or several failures in a row--> closed --its wait ends--> one record is tried --taken--> open
///                                                     ^----------------not taken---------------|
/// </code>
/// By the delivery's loop alone.
/// </summary>
internal sealed class SpoolLane(Signal signal, RequestMetadata metadata, RetryOptions retry, TimeProvider time, Random jitter)
{
    // A single record may be one that the upstream stumbles over; so many in a row are not.
    private const int FailuresUntilClosed = 3;

    private readonly SortedSet<PendingDelivery> _waiting = new(ByTurn.Instance);
    private RetrySchedule _schedule = new(retry, jitter);
    private bool _isClosed;
    private bool _isProbed;
    private long _until;
    private int _failures;

    public (Signal, RequestMetadata) Key => (signal, metadata);

    public RequestMetadata Metadata => metadata;

    /// <summary>Nothing waits in it, and it keeps nothing from being tried.</summary>
    public bool IsIdle => _waiting.Count == 0 && !_isProbed && (!_isClosed || time.GetTimestamp() >= _until);

    /// <summary>Whether one of its records may be tried now.</summary>
    public bool IsOpen => !_isClosed || (!_isProbed && time.GetTimestamp() >= _until);

    /// <summary>The record whose turn it is; null when none is due.</summary>
    public PendingDelivery? Due => IsOpen && _waiting.Min is { } next && next.NotBefore <= time.GetTimestamp() ? next : null;

    public void Add(PendingDelivery delivery) => _waiting.Add(delivery);

    public void Remove(PendingDelivery delivery) => _waiting.Remove(delivery);

    public void Begin(PendingDelivery delivery)
    {
        delivery.IsProbe = _isClosed;
        _isProbed |= _isClosed;
    }

    /// <summary>An attempt has ended, however.</summary>
    /// <returns>Whether it was the one that was to find out.</returns>
    public bool End(PendingDelivery delivery)
    {
        var wasProbe = delivery.IsProbe;
        _isProbed &= !wasProbe;
        delivery.IsProbe = false;
        return wasProbe;
    }

    public void Taken(PendingDelivery delivery)
    {
        End(delivery);
        _isClosed = false;
        _failures = 0;
        _schedule = new RetrySchedule(retry, jitter);
    }

    /// <summary>The record was not taken, which says nothing certain of others.</summary>
    public void Failed(bool wasProbe)
    {
        if (++_failures >= FailuresUntilClosed || _isClosed)
        {
            Close(wasProbe, TimeSpan.Zero);
        }
    }

    /// <summary>Nothing of this sender and signal is taken, for <paramref name="told"/> at least.</summary>
    /// <param name="wasProbe">Of those that were under way together one alone makes the next wait longer.</param>
    public void Close(bool wasProbe, TimeSpan told)
    {
        var wait = _isClosed && !wasProbe ? told : Max(told, _schedule.Next());
        _until = Math.Max(_isClosed ? _until : 0, time.GetTimestamp() + (long)(wait.TotalSeconds * time.TimestampFrequency));
        _isClosed = true;
    }

    public long Until => _until;

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    // Those never tried first, oldest first; then by when they are due. So a record that is refused again and again lets
    // each of the others have its turn.
    private sealed class ByTurn : IComparer<PendingDelivery>
    {
        public static readonly ByTurn Instance = new();

        public int Compare(PendingDelivery? x, PendingDelivery? y) =>
            x!.NotBefore.CompareTo(y!.NotBefore) is not 0 and var byTime ? byTime : SpooledRecord.Compare(x.Record, y.Record);
    }
}
