using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>
/// Records that others go past: the upstream does not take them, for a reason that is not its own state. In lanes, one for
/// each sender and signal, each with waits of its own. By the delivery's loop alone.
/// </summary>
internal sealed class HeldRecords(RetryOptions retry, TimeProvider time, Random jitter)
{
    /// <summary>How many there may be, at some 200 bytes of memory each. Beyond them what comes next waits, as it would for any failure.</summary>
    public const int Max = 16_384;

    // Lanes without a record, which a sender that was throttled a moment ago opens.
    private const int LanesMax = 4096;

    private readonly SortedSet<PendingDelivery> _all = new(ByPlace.Instance);
    private readonly Dictionary<(Signal, RequestMetadata), SpoolLane> _lanes = [];

    /// <summary>Under way or waiting.</summary>
    public int Count => _all.Count;

    /// <summary>Without lanes nobody needs to know whose a record is.</summary>
    public bool HasLanes => _lanes.Count > 0;

    public PendingDelivery? Oldest => _all.Min;

    /// <summary>The lane of a sender and signal; null where there is none, and records of it may be tried.</summary>
    public SpoolLane? Find(Signal signal, RequestMetadata metadata) => _lanes.GetValueOrDefault((signal, metadata));

    /// <summary>The next record to try, if one is due: the oldest of those whose turn it is in their lanes.</summary>
    public PendingDelivery? Due()
    {
        PendingDelivery? oldest = null;
        foreach (var lane in _lanes.Values)
        {
            if (lane.Due is { } due && (oldest is null || SpooledRecord.Compare(due.Record, oldest.Record) < 0))
            {
                oldest = due;
            }
        }

        return oldest;
    }

    /// <summary>Puts a record into its lane, to wait there; one that was held already goes back. False when there is no room.</summary>
    public bool TryHold(PendingDelivery delivery, SpoolLane lane)
    {
        if (delivery.Lane is null && _all.Count >= Max)
        {
            return false;
        }

        delivery.Lane = lane;
        delivery.Metadata = null; // equal to the lane's, which is there once
        delivery.State = DeliveryState.Waiting;
        _all.Add(delivery);
        lane.Add(delivery);
        return true;
    }

    /// <summary>A record is being tried.</summary>
    public void Begin(PendingDelivery delivery, RequestMetadata metadata)
    {
        delivery.Lane?.Remove(delivery);
        Find(delivery.Record.Header.Signal, metadata)?.Begin(delivery);
    }

    /// <summary>What a record that was tried, held or not, says of its lane.</summary>
    /// <returns>Its lane, which is made where there is none.</returns>
    public SpoolLane NotTaken(PendingDelivery delivery, RequestMetadata metadata, SpoolVerdict verdict, TimeSpan told)
    {
        var lane = Open(delivery.Record.Header.Signal, metadata);
        var wasProbe = lane.End(delivery);
        switch (verdict)
        {
            case SpoolVerdict.Throttled:
                lane.Close(wasProbe, told);
                delivery.NotBefore = 0; // its turn stays, for it is not the reason
                break;

            case SpoolVerdict.SenderRefused:
                lane.Close(wasProbe, told);
                delivery.NotBefore = lane.Until;
                break;

            default:
                lane.Failed(wasProbe);
                delivery.NotBefore = time.GetTimestamp() + (long)(IntervalAfter(delivery.Refusals).TotalSeconds * time.TimestampFrequency);
                break;
        }

        delivery.Refusals++;
        return lane;
    }

    /// <summary>A held record was tried, which the upstream's own state brought to nothing: it goes back as it was.</summary>
    public void PutBack(PendingDelivery delivery) => TryHold(delivery, Open(delivery.Record.Header.Signal, delivery.Lane!.Metadata));

    /// <summary>A request that came fresh was throttled: those of its sender wait.</summary>
    public void Throttled(Signal signal, RequestMetadata metadata, TimeSpan told)
    {
        if (_lanes.Count < LanesMax || _lanes.ContainsKey((signal, metadata)))
        {
            Open(signal, metadata).Close(wasProbe: false, told);
        }
    }

    /// <summary>It left the spool.</summary>
    public void Remove(PendingDelivery delivery)
    {
        delivery.Lane?.Remove(delivery);
        _all.Remove(delivery);
    }

    /// <summary>Forgets lanes that nobody is in any more.</summary>
    public void Tidy()
    {
        foreach (var (key, lane) in _lanes)
        {
            if (lane.IsIdle)
            {
                _lanes.Remove(key);
            }
        }
    }

    private SpoolLane Open(Signal signal, RequestMetadata metadata)
    {
        if (!_lanes.TryGetValue((signal, metadata), out var lane))
        {
            _lanes[(signal, metadata)] = lane = new SpoolLane(signal, metadata, retry, time, jitter);
        }

        return lane;
    }

    private TimeSpan IntervalAfter(int refusals)
    {
        var (seconds, most) = (retry.InitialInterval.TotalSeconds, retry.IntervalMax.TotalSeconds);
        for (var i = 0; i < Math.Min(refusals, 64) && seconds < most; i++)
        {
            seconds *= retry.Multiplier;
        }

        return TimeSpan.FromSeconds(Math.Min(seconds, most));
    }

    private sealed class ByPlace : IComparer<PendingDelivery>
    {
        public static readonly ByPlace Instance = new();

        public int Compare(PendingDelivery? x, PendingDelivery? y) => SpooledRecord.Compare(x!.Record, y!.Record);
    }
}
