using OtlpTap.Buffers;

namespace OtlpTap.Receive;

/// <summary>In-flight credit for a message that is still arriving, held by the request until its payload takes it over.</summary>
internal sealed class Reservation(ByteBudget budget, long bytes) : IDisposable
{
    private long _bytes = bytes;

    /// <summary>The bytes reserved, now the caller's to give back; 0 the second time.</summary>
    public long TakeOver() => Interlocked.Exchange(ref _bytes, 0);

    public void Dispose()
    {
        var left = TakeOver();
        if (left != 0)
        {
            budget.Return(left);
        }
    }
}
