using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

internal enum DeliveryState
{
    Waiting,
    InFlight,
    Ended,
}

/// <summary>A record from being read to leaving the spool. By the delivery's loop alone.</summary>
internal sealed class PendingDelivery(SpooledRecord record)
{
    public SpooledRecord Record => record;

    public DeliveryState State { get; set; }

    /// <summary>Where its bytes begin, as the cursor has it.</summary>
    public SpoolPosition Position => new(record.Segment.Marker, record.Offset);

    /// <summary>Of whoever sent it; null until it was read. A held one's stands in its <see cref="Lane"/>.</summary>
    public RequestMetadata? Metadata { get; set; }

    /// <summary>The sender and signal among whose held records it is; null while it is none.</summary>
    public SpoolLane? Lane { get; set; }

    /// <summary>The cursor has gone by it.</summary>
    public bool IsPassed { get; set; }

    /// <summary>Under way to find out whether its lane is open again.</summary>
    public bool IsProbe { get; set; }

    /// <summary>A timestamp before which it is not tried again; 0 when it may be at once. Not to be changed while it waits in its lane.</summary>
    public long NotBefore { get; set; }

    /// <summary>How often the upstream did not take it, for a reason that made it be held.</summary>
    public int Refusals { get; set; }

    /// <summary>The last answer that was no success.</summary>
    public StatusCode? LastStatus { get; set; }

    public int ReadFailures { get; set; }
}
