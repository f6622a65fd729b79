using System.Buffers.Text;

namespace OtlpTap.Otlp;

/// <summary>What came of reading a number.</summary>
internal enum OtlpJsonNumberResult : byte
{
    Read,

    /// <summary>The text is not a number as JSON's grammar has it.</summary>
    NotANumber,

    /// <summary>It is a number, and not a whole one.</summary>
    NotWhole,

    /// <summary>It does not fit into its type.</summary>
    OutOfRange,
}

/// <summary>
/// Numbers by JSON's grammar, exactly: 64-bit integers do not go through a double, whole numbers may be written with a
/// fraction or an exponent (<c>1.0</c>, <c>1e3</c>), as JSON makes no difference between them.
/// </summary>
internal static class OtlpJsonNumber
{
    // More digits of an exponent than that say nothing more: no significand in memory is long enough to make up for it.
    private const long ExponentMax = 1_000_000_000_000;

    public static OtlpJsonNumberResult ReadSigned(ReadOnlySpan<byte> text, long min, long max, out long value)
    {
        var result = ReadMagnitude(text, out var isNegative, out var magnitude);
        value = isNegative ? unchecked(-(long)magnitude) : (long)magnitude;
        if (result != OtlpJsonNumberResult.Read)
        {
            return result;
        }

        var fits = isNegative ? magnitude <= 1UL << 63 && value >= min : magnitude <= long.MaxValue && value <= max;
        return fits ? OtlpJsonNumberResult.Read : OtlpJsonNumberResult.OutOfRange;
    }

    public static OtlpJsonNumberResult ReadUnsigned(ReadOnlySpan<byte> text, ulong max, out ulong value)
    {
        var result = ReadMagnitude(text, out var isNegative, out value);
        if (result != OtlpJsonNumberResult.Read)
        {
            return result;
        }

        return value <= max && !(isNegative && value != 0) ? OtlpJsonNumberResult.Read : OtlpJsonNumberResult.OutOfRange;
    }

    /// <summary>Reads a finite double; what would round to infinity is out of range.</summary>
    public static OtlpJsonNumberResult ReadDouble(ReadOnlySpan<byte> text, out double value)
    {
        value = 0;
        if (!TrySplit(text, out _) || !Utf8Parser.TryParse(text, out value, out var consumed) || consumed != text.Length)
        {
            return OtlpJsonNumberResult.NotANumber;
        }

        return double.IsFinite(value) ? OtlpJsonNumberResult.Read : OtlpJsonNumberResult.OutOfRange;
    }

    private static OtlpJsonNumberResult ReadMagnitude(ReadOnlySpan<byte> text, out bool isNegative, out ulong magnitude)
    {
        magnitude = 0;
        isNegative = false;
        if (!TrySplit(text, out var parts))
        {
            return OtlpJsonNumberResult.NotANumber;
        }

        isNegative = parts.IsNegative;

        // Zeros are held back until a digit follows them: those at the end belong to the power of ten.
        long zeros = 0;
        foreach (var digit in text[parts.DigitsStart..parts.DigitsEnd])
        {
            if (digit == '.')
            {
                continue;
            }

            if (digit == '0')
            {
                zeros++;
                continue;
            }

            if (!TryScale(ref magnitude, zeros + 1) || ulong.MaxValue - magnitude < (ulong)(digit - '0'))
            {
                return OtlpJsonNumberResult.OutOfRange;
            }

            magnitude += (ulong)(digit - '0');
            zeros = 0;
        }

        var power = zeros + parts.Exponent - parts.FractionLength;
        if (magnitude != 0 && power < 0)
        {
            return OtlpJsonNumberResult.NotWhole;
        }

        return TryScale(ref magnitude, power) ? OtlpJsonNumberResult.Read : OtlpJsonNumberResult.OutOfRange;
    }

    /// <summary>Multiplies by a power of ten. Ends after twenty steps: more would not fit.</summary>
    private static bool TryScale(ref ulong magnitude, long power)
    {
        for (; power > 0 && magnitude != 0; power--)
        {
            if (magnitude > ulong.MaxValue / 10)
            {
                return false;
            }

            magnitude *= 10;
        }

        return true;
    }

    /// <summary><c>-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?</c> (RFC 8259, section 6).</summary>
    private static bool TrySplit(ReadOnlySpan<byte> text, out Parts parts)
    {
        parts = default;
        var position = 0;
        if (position < text.Length && text[position] == '-')
        {
            parts.IsNegative = true;
            position++;
        }

        parts.DigitsStart = position;
        var whole = CountDigits(text[position..]);
        if (whole == 0 || (whole > 1 && text[position] == '0'))
        {
            return false;
        }

        position += whole;
        if (position < text.Length && text[position] == '.')
        {
            position++;
            parts.FractionLength = CountDigits(text[position..]);
            position += parts.FractionLength;
            if (parts.FractionLength == 0)
            {
                return false;
            }
        }

        parts.DigitsEnd = position;
        return position == text.Length || TryReadExponent(text[position..], out parts.Exponent);
    }

    private static bool TryReadExponent(ReadOnlySpan<byte> text, out long exponent)
    {
        exponent = 0;
        if (text[0] is not ((byte)'e' or (byte)'E'))
        {
            return false;
        }

        var sign = text.Length > 1 && text[1] is (byte)'+' or (byte)'-' ? 1 : 0;
        var digits = text[(1 + sign)..];
        if (digits.IsEmpty || CountDigits(digits) != digits.Length)
        {
            return false;
        }

        foreach (var digit in digits)
        {
            exponent = Math.Min((exponent * 10) + (digit - '0'), ExponentMax);
        }

        exponent = sign == 1 && text[1] == '-' ? -exponent : exponent;
        return true;
    }

    private static int CountDigits(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return end < 0 ? text.Length : end;
    }

    private struct Parts
    {
        public bool IsNegative;

        // Whole part and fraction, with the point between them.
        public int DigitsStart;
        public int DigitsEnd;
        public int FractionLength;
        public long Exponent;
    }
}
