using OtlpTap.Buffers;

namespace OtlpTap.Tests.Forward;

/// <summary>Lends payloads as the receiver does, with credit, and knows what has not come back.</summary>
internal sealed class PayloadBooks
{
    private readonly PayloadPool _pool = new();
    private readonly ByteBudget _budget = new(1 << 30);
    private readonly HashSet<Payload> _lent = new(ReferenceEqualityComparer.Instance);

    /// <summary>Bytes in flight, as the admission sees them.</summary>
    public long CreditOut => _budget.TakenBytes;

    public PayloadPool Pool => _pool;

    public Payload Lend(ReadOnlySpan<byte> message, int items = 1, ReadOnlySpan<byte> gzip = default)
    {
        var payload = Rent(message);
        payload.ItemCount = items;
        Assert.True(_budget.TryTake(message.Length));
        payload.AttachCredit(_budget, message.Length);
        if (!gzip.IsEmpty)
        {
            payload.AttachGzip(Rent(gzip));
        }

        return payload;
    }

    /// <summary>All that was lent is back: the credit in the budget, the arrays in the pool.</summary>
    public Task AllCameBackAsync() => Deadline.UntilAsync(
        () =>
        {
            lock (_lent)
            {
                return _budget.TakenBytes == 0 && _pool.RetainedBytes == _lent.Sum(payload => (long)payload.Capacity);
            }
        },
        "all payloads and their credit are back");

    private Payload Rent(ReadOnlySpan<byte> bytes)
    {
        var payload = _pool.Rent(bytes.Length);
        bytes.CopyTo(payload.Writable);
        lock (_lent)
        {
            _lent.Add(payload);
        }

        return payload;
    }
}
