namespace OtlpTap.Rules.Patterns;

/// <summary>
/// Cuts a range of code points so that in each piece every byte of the encoding runs from one value to another
/// independently of the others: <c>U+0000..U+FFFF</c> is 00-7F, C2-DF 80-BF, E0 A0-BF 80-BF, E1-EF 80-BF 80-BF.
/// </summary>
internal static class Utf8Ranges
{
    private static readonly int[] LastOfLength = [0x7F, 0x7FF, 0xFFFF, RuneSet.RuneMax];

    public static IEnumerable<(int Low, int High)> Split(int low, int high)
    {
        var open = new Stack<(int Low, int High)>();
        open.Push((low, high));
        while (open.TryPop(out var range))
        {
            if (CutOf(range.Low, range.High) is var cut and >= 0)
            {
                open.Push((cut + 1, range.High));
                open.Push((range.Low, cut));
            }
            else
            {
                yield return range;
            }
        }
    }

    public static int Encode(int rune, Span<byte> bytes)
    {
        switch (rune)
        {
            case <= 0x7F:
                bytes[0] = (byte)rune;
                return 1;
            case <= 0x7FF:
                bytes[0] = (byte)(0xC0 | (rune >> 6));
                bytes[1] = (byte)(0x80 | (rune & 0x3F));
                return 2;
            case <= 0xFFFF:
                bytes[0] = (byte)(0xE0 | (rune >> 12));
                bytes[1] = (byte)(0x80 | ((rune >> 6) & 0x3F));
                bytes[2] = (byte)(0x80 | (rune & 0x3F));
                return 3;
            default:
                bytes[0] = (byte)(0xF0 | (rune >> 18));
                bytes[1] = (byte)(0x80 | ((rune >> 12) & 0x3F));
                bytes[2] = (byte)(0x80 | ((rune >> 6) & 0x3F));
                bytes[3] = (byte)(0x80 | (rune & 0x3F));
                return 4;
        }
    }

    /// <summary>The last code point of the first piece; -1 when the range is one piece.</summary>
    private static int CutOf(int low, int high)
    {
        foreach (var last in LastOfLength)
        {
            if (low <= last && last < high)
            {
                return last;
            }
        }

        if (high <= 0x7F)
        {
            return -1;
        }

        // Where a leading byte differs, all bytes behind it must run over their whole range.
        for (var bits = 6; bits <= 18; bits += 6)
        {
            var tail = (1 << bits) - 1;
            if ((low & ~tail) == (high & ~tail))
            {
                continue;
            }

            if ((low & tail) != 0)
            {
                return low | tail;
            }

            if ((high & tail) != tail)
            {
                return (high & ~tail) - 1;
            }
        }

        return -1;
    }
}
