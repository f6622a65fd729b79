using OtlpTap.Buffers;

namespace OtlpTap.Receive;

/// <summary>
/// What a request holds before its payload has credit of its own: in-flight credit for what has arrived so far, and the
/// payload of a message that came compressed. A feature of the request; <see cref="ExportService"/> takes both over, and
/// what it did not take goes back with the request. One request's threads follow one another: nothing here is shared.
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

    /// <summary>Of a message that came compressed; null for any other.</summary>
    public Payload? Payload { get; private set; }

    /// <summary>Takes over a reference to <paramref name="payload"/>; what was there before is the caller's again.</summary>
    public void Inflated(Payload payload) => Payload = payload;

    /// <summary>The credit, now the caller's to give back.</summary>
    public long TakeCredit()
    {
        var credit = _credit;
        _credit = 0;
        return credit;
    }

    /// <summary>The payload of a message that came compressed, now the caller's to release; null for any other.</summary>
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
}
