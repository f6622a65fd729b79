namespace OtlpTap.Forward.Http2;

/// <summary>
/// Reads the header blocks of one connection (RFC 7541). Blocks change the table that later blocks refer to, so every
/// block of the connection must be read to its end, wanted or not. Used by the read loop alone.
/// </summary>
internal sealed class HpackDecoder(int fieldBytesMax)
{
    /// <summary>SETTINGS_HEADER_TABLE_SIZE as it is by default; nothing else is announced.</summary>
    public const int TableBytesMax = 4096;

    // Integers: the prefix and up to four bytes of seven bits. No length or index here can rightly be larger.
    private const int IntegerBytesMax = 4;

    private readonly HpackDynamicTable _table = new(TableBytesMax);
    private byte[] _name = new byte[64];
    private byte[] _value = new byte[256];

    public Fields Read(ReadOnlySpan<byte> block) => new(this, block);

    /// <summary>
    /// One header block, field by field.
    /// <code>
    ///   1iiiiiii                        indexed field
    ///   01iiiiii [name] value           literal, added to the table; i = 0: the name follows
    ///   001nnnnn                        new size of the table, only in front of the first field
    ///   0000iiii [name] value           literal, not added
    ///   0001iiii [name] value           literal, never to be added by anyone on the way
    ///   string:  h nnnnnnn, n bytes     h = 1: Huffman-coded
    /// </code>
    /// </summary>
    internal ref struct Fields
    {
        private readonly HpackDecoder _decoder;
        private ReadOnlySpan<byte> _rest;
        private int _bytes;
        private bool _fieldSeen;

        public Fields(HpackDecoder decoder, ReadOnlySpan<byte> block)
        {
            _decoder = decoder;
            _rest = block;
        }

        /// <summary>Valid until the next <see cref="TryNext"/>, as is <see cref="Value"/>.</summary>
        public ReadOnlySpan<byte> Name { get; private set; }

        public ReadOnlySpan<byte> Value { get; private set; }

        /// <summary>Why <see cref="TryNext"/> gave up; null at the regular end of the block. The connection cannot go on after an error.</summary>
        public string? Error { get; private set; }

        /// <summary>The fields so far are more than the limit in bytes (name + value + 32 each). Reading goes on, for the table's sake.</summary>
        public readonly bool IsTooLarge => _bytes > _decoder.FieldBytesMax;

        public bool TryNext()
        {
            while (!_rest.IsEmpty)
            {
                var first = _rest[0];
                if ((first & 0x80) != 0)
                {
                    return TryReadIndexed();
                }

                if ((first & 0xC0) == 0x40)
                {
                    return TryReadLiteral(prefixBits: 6, isAdded: true);
                }

                if ((first & 0xE0) != 0x20)
                {
                    return TryReadLiteral(prefixBits: 4, isAdded: false);
                }

                if (!TryResizeTable())
                {
                    return false;
                }
            }

            return false;
        }

        private bool TryResizeTable()
        {
            if (_fieldSeen)
            {
                return Fail("a table size update behind a field");
            }

            if (!TryReadInteger(ref _rest, 5, out var size) || !_decoder._table.TryResize(size))
            {
                return Fail("a table size beyond the announced one");
            }

            return true;
        }

        private bool TryReadIndexed()
        {
            if (!TryReadInteger(ref _rest, 7, out var index) || !_decoder.TryGet(index, out var entry))
            {
                return Fail("an index outside the tables");
            }

            return Accept(entry.Name, entry.Value);
        }

        private bool TryReadLiteral(int prefixBits, bool isAdded)
        {
            if (!TryReadInteger(ref _rest, prefixBits, out var index))
            {
                return Fail("an index outside the tables");
            }

            byte[]? knownName = null;
            ReadOnlySpan<byte> name;
            if (index != 0)
            {
                if (!_decoder.TryGet(index, out var entry))
                {
                    return Fail("an index outside the tables");
                }

                knownName = entry.Name;
                name = knownName;
            }
            else if (!TryReadString(ref _rest, ref _decoder._name, out name))
            {
                return Fail("a broken name");
            }

            if (!TryReadString(ref _rest, ref _decoder._value, out var value))
            {
                return Fail("a broken value");
            }

            if (isAdded)
            {
                _decoder._table.Add(new HpackEntry(knownName ?? name.ToArray(), value.ToArray()));
            }

            return Accept(name, value);
        }

        private bool Accept(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
        {
            _fieldSeen = true;
            Name = name;
            Value = value;

            // Stops counting once over the limit, so that no block can make it wrap around.
            if (!IsTooLarge)
            {
                _bytes += name.Length + value.Length + HpackEntry.Overhead;
            }

            return true;
        }

        private bool Fail(string error)
        {
            Error = error;
            _rest = default;
            return false;
        }
    }

    private int FieldBytesMax => fieldBytesMax;

    private bool TryGet(int index, out HpackEntry entry)
    {
        var isKnown = index > 0 && index <= HpackStaticTable.Count + _table.Count;
        entry = !isKnown ? HpackStaticTable.Get(1)
            : index <= HpackStaticTable.Count ? HpackStaticTable.Get(index)
            : _table.Get(index - HpackStaticTable.Count - 1);
        return isKnown;
    }

    private static bool TryReadInteger(scoped ref ReadOnlySpan<byte> source, int prefixBits, out int value)
    {
        var mask = (1 << prefixBits) - 1;
        value = source[0] & mask;
        if (value < mask)
        {
            source = source[1..];
            return true;
        }

        for (var i = 1; i <= IntegerBytesMax && i < source.Length; i++)
        {
            value += (source[i] & 0x7F) << (7 * (i - 1));
            if ((source[i] & 0x80) == 0)
            {
                source = source[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    private static bool TryReadString(scoped ref ReadOnlySpan<byte> source, scoped ref byte[] scratch, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (source.IsEmpty)
        {
            return false;
        }

        var isHuffman = (source[0] & 0x80) != 0;
        if (!TryReadInteger(ref source, 7, out var length) || length > source.Length)
        {
            return false;
        }

        text = source[..length];
        source = source[length..];
        if (!isHuffman)
        {
            return true;
        }

        // Bounded by the bound on the block itself.
        var decodedMax = HuffmanCode.DecodedLengthMax(length);
        if (scratch.Length < decodedMax)
        {
            scratch = new byte[decodedMax];
        }

        var isValid = HuffmanCode.TryDecode(text, scratch, out var decoded);
        text = scratch.AsSpan(0, decoded);
        return isValid;
    }
}
