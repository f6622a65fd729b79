namespace OtlpTap.Recorder;

/// <summary>A piece of a <see cref="ByteArena"/>.</summary>
internal readonly record struct ArenaRange(int Offset, int Length)
{
    public int End => Offset + Length;
}

/// <summary>
/// Pieces of bytes in one growing array, each kept once: a hundred thousand spans cost one object, not as many.
/// A piece is appended first and then looked up, so that looking up needs no second copy.
/// </summary>
internal sealed class ByteArena : IEqualityComparer<ArenaRange>
{
    private const int FirstBytes = 4096;

    /// <summary>Beyond it memory is not kept for the next use.</summary>
    private const int KeptBytesMax = 1 << 20;

    private readonly Dictionary<ArenaRange, int> _numbers;
    private byte[] _bytes = new byte[FirstBytes];
    private int _length;
    private int _start;

    public ByteArena() => _numbers = new Dictionary<ArenaRange, int>(this);

    public int Length => _length;

    public ReadOnlySpan<byte> this[ArenaRange range] => _bytes.AsSpan(range.Offset, range.Length);

    /// <summary>Empties it for another use.</summary>
    public void Clear()
    {
        _length = 0;
        _numbers.Clear();
        if (_bytes.Length > KeptBytesMax)
        {
            _bytes = new byte[FirstBytes];
            _numbers.TrimExcess();
        }
    }

    /// <summary>Begins a piece.</summary>
    public void Begin() => _start = _length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _bytes.Length - _length)
        {
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max(_bytes.Length * 2L, (long)_length + bytes.Length)));
        }

        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    /// <summary>
    /// Ends the piece begun last. True when it is new: then it got <paramref name="newNumber"/>. False when an equal one is
    /// there: then <paramref name="number"/> is that one's, and the bytes are taken back.
    /// </summary>
    public bool TryEnd(int newNumber, out ArenaRange piece, out int number)
    {
        piece = new ArenaRange(_start, _length - _start);
        if (_numbers.TryGetValue(piece, out number))
        {
            _length = _start;
            return false;
        }

        _numbers.Add(piece, newNumber);
        number = newNumber;
        return true;
    }

    /// <summary>Takes back the piece begun last.</summary>
    public void Abandon() => _length = _start;

    bool IEqualityComparer<ArenaRange>.Equals(ArenaRange one, ArenaRange other) => this[one].SequenceEqual(this[other]);

    int IEqualityComparer<ArenaRange>.GetHashCode(ArenaRange range)
    {
        var hash = new HashCode(); // keyed at random: the bytes are a sender's
        hash.AddBytes(this[range]);
        return hash.ToHashCode();
    }
}
