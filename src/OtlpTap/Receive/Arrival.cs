using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>
/// What a request holds before its payload has credit of its own: in-flight credit for what has arrived so far, and the
/// payload of a message that came compressed or over HTTP. A feature of a gRPC request; <see cref="ExportService"/> takes
/// both over, and what it did not take goes back with the request. One request's threads follow one another: nothing here is shared.
/// </summary>
internal sealed class Arrival(ByteBudget budget) : IDisposable
{
    private long _credit;

    /// <summary>False, and nothing more is held, when holding <paramref name="bytes"/> in all would pass the bound.</summary>
    public bool TryHold(long bytes)
    {
        var missing = bytes - _credit;
        if (missing > 0)
        {
            if (!budget.TryGrow(_credit, missing))
            {
                return false;
            }

            _credit = bytes;
        }

        return true;
    }

    /// <summary>Gives back what is held beyond <paramref name="bytes"/>.</summary>
    public void Shrink(long bytes)
    {
        if (_credit > bytes)
        {
            budget.Return(_credit - bytes);
            _credit = bytes;
        }
    }

    /// <summary>Gives back what was held beside the payload that the message has become, and what it takes with it.</summary>
    public void Settle() => Shrink(ReceiveOptions.RequestOverheadBytes + Payload!.Length + (Payload.Gzip?.Length ?? 0));

    /// <summary>Of a message that came compressed, or over HTTP; null for any other.</summary>
    public Payload? Payload { get; private set; }

    /// <summary>Takes over a reference to <paramref name="payload"/>; what was there before is the caller's again.</summary>
    public void Inflated(Payload payload) => Payload = payload;

    /// <summary>
    /// The request counts as in flight from here until the upstream call that carries its bytes ends. What it held while
    /// it was arriving is taken over. False, and nothing held, when there is no room for it.
    /// </summary>
    public static bool TryAdmit(ByteBudget inFlight, Arrival? arrival, Payload payload, RequestMetadata metadata)
    {
        var held = arrival?.TakeCredit() ?? 0;
        var credit = payload.Length + (payload.Gzip?.Length ?? 0) + ReceiveOptions.RequestOverheadBytes + metadata.MemoryBytes;
        if (credit > held && !inFlight.TryGrow(held, credit - held))
        {
            inFlight.Return(held);
            return false;
        }

        if (held > credit)
        {
            inFlight.Return(held - credit);
        }

        payload.AttachCredit(inFlight, credit);
        return true;
    }

    /// <summary>The payload, now the caller's to release; null of a message that came plain over gRPC.</summary>
    public Payload? TakeInflated()
    {
        var payload = Payload;
        Payload = null;
        return payload;
    }

    public void Dispose()
    {
        TakeInflated()?.Release();
        Shrink(0);
    }

    private long TakeCredit()
    {
        var credit = _credit;
        _credit = 0;
        return credit;
    }
}
