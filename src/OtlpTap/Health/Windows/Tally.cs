namespace OtlpTap.Health.Windows;

/// <summary>How often each of a few small numbers came: kinds of failure, places on the scale of latencies. Sorted, and as large as what came.</summary>
internal sealed class Tally
{
    /// <summary>Of one number: its own two bytes and the count's four.</summary>
    private const int EntryBytes = 6;

    private const int ObjectBytes = 80;

    private ushort[] _numbers = new ushort[4];
    private uint[] _counts = new uint[4];
    private int _length;

    public int Bytes => ObjectBytes + (_numbers.Length * EntryBytes);

    public void Add(ushort number, uint count = 1)
    {
        var at = _numbers.AsSpan(0, _length).BinarySearch(number);
        if (at < 0)
        {
            at = ~at;
            Insert(at, number);
        }

        _counts[at] += count;
    }

    public long Of(int number)
    {
        var at = number < 0 ? -1 : _numbers.AsSpan(0, _length).BinarySearch((ushort)number);
        return at < 0 ? 0 : _counts[at];
    }

    public void AddTo(Tally other)
    {
        for (var i = 0; i < _length; i++)
        {
            other.Add(_numbers[i], _counts[i]);
        }
    }

    /// <param name="counts">By number.</param>
    public void AddTo(Span<long> counts)
    {
        for (var i = 0; i < _length; i++)
        {
            counts[_numbers[i]] += _counts[i];
        }
    }

    private void Insert(int at, ushort number)
    {
        if (_length == _numbers.Length)
        {
            Array.Resize(ref _numbers, _length * 2);
            Array.Resize(ref _counts, _length * 2);
        }

        Array.Copy(_numbers, at, _numbers, at + 1, _length - at);
        Array.Copy(_counts, at, _counts, at + 1, _length - at);
        _numbers[at] = number;
        _counts[at] = 0;
        _length++;
    }
}
