namespace OtlpTap.Forward.Http2;

/// <summary>
/// The fixed Huffman code of HPACK (RFC 7541 appendix B). The code is canonical: codes of one length are consecutive in
/// the order of their symbols, and follow those of the next shorter length. So the lengths are the whole table.
/// <code>
///   text:  | code | code | ... | code | padding: fewer than 8 bits, all ones |
/// </code>
/// </summary>
internal static class HuffmanCode
{
    private const int LongestBits = 30;
    private const int EndOfString = 256;

    // Bits of the code of each symbol 0..256, 16 in a row. The last is end-of-string, which no text may contain.
    private static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
        28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
        6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
        21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
        19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    private static readonly Table Decoding = new();

    /// <summary>The most bytes that <paramref name="encodedLength"/> bytes can stand for: the shortest code has 5 bits.</summary>
    public static int DecodedLengthMax(int encodedLength) => (int)((long)encodedLength * 8 / 5);

    /// <summary>False for a text that holds end-of-string, or whose padding is 8 bits or longer or not all ones (RFC 7541 section 5.2).</summary>
    /// <param name="destination">At least <see cref="DecodedLengthMax"/> bytes.</param>
    public static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> destination, out int written)
    {
        var table = Decoding;
        ulong bits = 0;
        var count = 0;
        var next = 0;
        written = 0;
        while (true)
        {
            while (count <= 56 && next < source.Length)
            {
                bits = (bits << 8) | source[next++];
                count += 8;
            }

            if (count == 0)
            {
                return true;
            }

            // The next 32 bits, filled up with ones behind the end: what is padding then reads as end-of-string.
            var window = (uint)((bits << (64 - count)) >> 32);
            if (count < 32)
            {
                window |= uint.MaxValue >> count;
            }

            var symbol = table.Find(window, out var length);
            if (length > count)
            {
                return symbol == EndOfString && count < 8;
            }

            if (symbol == EndOfString)
            {
                return false;
            }

            destination[written++] = (byte)symbol;
            count -= length;
        }
    }

    private sealed class Table
    {
        // Codes of up to 8 bits (all of the common characters) are found by the first byte: symbol and length, length 0 for longer codes.
        private readonly (byte Symbol, byte Length)[] _short = new (byte, byte)[256];

        // For each length: the first code and the first code behind the last, both left-aligned to 32 bits, and where its symbols begin.
        private readonly ulong[] _first = new ulong[LongestBits + 1];
        private readonly ulong[] _end = new ulong[LongestBits + 1];
        private readonly int[] _start = new int[LongestBits + 1];
        private readonly short[] _symbols = new short[EndOfString + 1];

        public Table()
        {
            ulong code = 0;
            var symbols = 0;
            for (var length = 1; length <= LongestBits; length++)
            {
                _first[length] = code;
                _start[length] = symbols;
                for (var symbol = 0; symbol <= EndOfString; symbol++)
                {
                    if (Lengths[symbol] != length)
                    {
                        continue;
                    }

                    _symbols[symbols++] = (short)symbol;
                    if (length <= 8)
                    {
                        var firstByte = (int)(code >> 24);
                        Array.Fill(_short, ((byte)symbol, (byte)length), firstByte, 1 << (8 - length));
                    }

                    code += 1UL << (32 - length);
                }

                _end[length] = code;
            }
        }

        public int Find(uint window, out int length)
        {
            var entry = _short[window >> 24];
            if (entry.Length != 0)
            {
                length = entry.Length;
                return entry.Symbol;
            }

            length = 9;
            while (window >= _end[length])
            {
                length++;
            }

            return _symbols[_start[length] + (int)((window - _first[length]) >> (32 - length))];
        }
    }
}
