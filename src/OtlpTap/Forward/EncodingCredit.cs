using OtlpTap.Buffers;

namespace OtlpTap.Forward;

/// <summary>
/// In-flight credit for what is made of one call's message on the way: each payload has its own, and gives it back with
/// its last reference. What the requests of the call hold themselves is known too, because a request that is alone may
/// pass the bound, and what is made of it as well: it could never be sent otherwise.
/// </summary>
internal sealed class EncodingCredit(ByteBudget inFlight, PayloadPool pool, UpstreamBody body)
{
    private long _held = CreditOf(body);

    /// <summary>Null when there is no room.</summary>
    public Payload? TryRent(int length)
    {
        if (!inFlight.TryGrow(_held, length))
        {
            return null;
        }

        _held += length;
        var payload = pool.Rent(length);
        payload.AttachCredit(inFlight, length);
        return payload;
    }

    /// <summary>Of one that the call does not need any more.</summary>
    public void Release(Payload payload)
    {
        _held -= payload.Credit;
        payload.Release();
    }

    private static long CreditOf(UpstreamBody body)
    {
        long credit = 0;
        for (var i = 0; i < body.Count; i++)
        {
            credit += body[i].Credit;
        }

        return credit;
    }
}
