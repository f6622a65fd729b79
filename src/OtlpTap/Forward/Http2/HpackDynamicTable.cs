namespace OtlpTap.Forward.Http2;

/// <summary>
/// The entries that the peer's encoder has added, newest first, bounded in bytes (RFC 7541 sections 2.3.2 and 4).
/// A ring: an entry costs at least 32 bytes, so the bound in bytes bounds the places too.
/// </summary>
internal sealed class HpackDynamicTable
{
    private readonly int _sizeMax;
    private readonly HpackEntry?[] _ring;
    private int _newest;
    private int _limit;

    public HpackDynamicTable(int sizeMax)
    {
        _sizeMax = sizeMax;
        _limit = sizeMax;
        _ring = new HpackEntry?[(sizeMax / HpackEntry.Overhead) + 1];
    }

    public int Count { get; private set; }

    public int Size { get; private set; }

    /// <param name="age">0 for the newest entry; less than <see cref="Count"/>.</param>
    public HpackEntry Get(int age)
    {
        var place = _newest - age;
        return _ring[place < 0 ? place + _ring.Length : place]!;
    }

    /// <summary>An entry larger than the table empties it and is not kept; that is no error (RFC 7541 section 4.4).</summary>
    public void Add(HpackEntry entry)
    {
        EvictUntil(_limit - entry.Size);
        if (entry.Size > _limit)
        {
            return;
        }

        _newest = _newest + 1 == _ring.Length ? 0 : _newest + 1;
        _ring[_newest] = entry;
        Count++;
        Size += entry.Size;
    }

    /// <summary>False when the peer asks for more than was announced.</summary>
    public bool TryResize(int limit)
    {
        if (limit > _sizeMax)
        {
            return false;
        }

        _limit = limit;
        EvictUntil(limit);
        return true;
    }

    private void EvictUntil(int size)
    {
        while (Count > 0 && Size > size)
        {
            Size -= Get(Count - 1).Size;
            Count--;
        }
    }
}
