using System.Globalization;
using System.Numerics;

namespace OtlpTap.Rules.Expressions.Texts;

/// <summary>
/// Numbers read and written as the reference does it.
/// Source: https://pkg.go.dev/strconv.
/// </summary>
internal static class NumberText
{
    /// <summary>An exponent that no digits can make up for: what is beyond is zero or too large.</summary>
    private const int ExponentMax = 100_000;

    /// <summary>In a base from 2 to 36, or 0 for the one that a prefix tells (0x, 0o, 0b, 0), where <c>_</c> may part digits.</summary>
    public static bool TryParseInt(ReadOnlySpan<char> text, long numberBase, out long value)
    {
        value = 0;
        var digits = text;
        var isNegative = digits.StartsWith("-");
        if (isNegative || digits.StartsWith("+"))
        {
            digits = digits[1..];
        }

        var radix = numberBase;
        if (numberBase == 0)
        {
            if (digits.Contains('_') && !UnderscoresAreRight(digits))
            {
                return false;
            }

            (radix, var prefix) = digits switch
            {
                ['0', 'x' or 'X', _, ..] => (16, 2),
                ['0', 'o' or 'O', _, ..] => (8, 2),
                ['0', 'b' or 'B', _, ..] => (2, 2),
                ['0', _, ..] => (8, 1),
                _ => (10, 0),
            };
            digits = digits[prefix..];
        }

        if (radix is < 2 or > 36 || digits.IsEmpty)
        {
            return false;
        }

        var magnitude = UInt128.Zero;
        foreach (var c in digits)
        {
            if (c == '_' && numberBase == 0)
            {
                continue;
            }

            var digit = DigitOf(c);
            if (digit < 0 || digit >= radix)
            {
                return false;
            }

            magnitude = (magnitude * (UInt128)radix) + (UInt128)digit;
            if (magnitude > (UInt128)long.MaxValue + 1)
            {
                return false;
            }
        }

        if (magnitude > (UInt128)long.MaxValue + (isNegative ? 1u : 0u))
        {
            return false;
        }

        value = isNegative ? (long)-(Int128)magnitude : (long)magnitude;
        return true;
    }

    public static bool TryParseDouble(ReadOnlySpan<char> text, out double value)
    {
        var rest = text;
        var isNegative = rest.StartsWith("-");
        if (isNegative || rest.StartsWith("+"))
        {
            rest = rest[1..];
        }

        if (rest.Equals("inf", StringComparison.OrdinalIgnoreCase) || rest.Equals("infinity", StringComparison.OrdinalIgnoreCase))
        {
            value = isNegative ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }

        if (text.Equals("nan", StringComparison.OrdinalIgnoreCase))
        {
            value = double.NaN;
            return true;
        }

        if (rest.Contains('_') && !UnderscoresAreRight(rest))
        {
            value = 0;
            return false;
        }

        var plain = rest.Contains('_') ? rest.ToString().Replace("_", "", StringComparison.Ordinal) : rest;
        var isNumber = plain is ['0', 'x' or 'X', ..] ? TryParseHexadecimal(plain[2..], out value) : TryParseDecimal(plain, out value);
        value = isNegative ? -value : value;
        return isNumber && double.IsFinite(value);
    }

    public static bool TryParseBool(string text, out bool value)
    {
        value = text is "1" or "t" or "T" or "true" or "TRUE" or "True";
        return value || text is "0" or "f" or "F" or "false" or "FALSE" or "False";
    }

    /// <summary>What x64 makes of a double that fits no integer; so did the reference where its outcomes come from.</summary>
    public static long Truncated(double value) => value is >= -9223372036854775808.0 and < 9223372036854775808.0 ? (long)value : long.MinValue;

    /// <summary>The fewest digits that read back as the same number, and the place of the point: 0.digits times ten to the exponent.</summary>
    public static (string Digits, int Exponent) Shortest(double magnitude)
    {
        if (magnitude == 0)
        {
            return ("0", 1);
        }

        var text = magnitude.ToString("R", CultureInfo.InvariantCulture);
        var exponentAt = text.IndexOf('E');
        var exponent = exponentAt < 0 ? 0 : int.Parse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = exponentAt < 0 ? text : text[..exponentAt];
        var point = mantissa.IndexOf('.');
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        var significant = digits.TrimStart('0');
        return (significant.TrimEnd('0'), (point < 0 ? digits.Length : point) - (digits.Length - significant.Length) + exponent);
    }

    /// <summary>Digits up to a place behind the point (or, with <paramref name="fromFirst"/>, that many at all), rounded half to even.</summary>
    public static (string Digits, int Exponent) Rounded(double magnitude, int count, bool fromFirst)
    {
        if (magnitude == 0)
        {
            return (new string('0', Math.Max(1, fromFirst ? count : count + 1)), 1);
        }

        var bits = BitConverter.DoubleToInt64Bits(magnitude);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var mantissa = bits & 0xFFFFFFFFFFFFF;
        var (significand, power) = exponent == 0 ? (mantissa, -1074) : (mantissa | (1L << 52), exponent - 1075);

        // The exact value in decimal: every power of two from -1074 on has an end.
        var numerator = power >= 0 ? new BigInteger(significand) << power : significand * BigInteger.Pow(5, -power);
        var exact = numerator.ToString(CultureInfo.InvariantCulture);
        var point = power >= 0 ? exact.Length : exact.Length + power;
        var keep = fromFirst ? count : point + count;
        if (keep < 0)
        {
            return (new string('0', Math.Max(1, count)), 0);
        }

        if (keep >= exact.Length)
        {
            return (exact.PadRight(keep, '0'), point);
        }

        var kept = keep == 0 ? BigInteger.Zero : BigInteger.Parse(exact.AsSpan(0, keep), NumberStyles.None, CultureInfo.InvariantCulture);
        var rest = exact.AsSpan(keep);
        var isHalf = rest[0] == '5' && !rest[1..].ContainsAnyExcept('0');
        if (isHalf ? !kept.IsEven : rest[0] >= '5')
        {
            kept += 1;
        }

        var rounded = kept.ToString(CultureInfo.InvariantCulture).PadLeft(Math.Max(1, keep), '0');
        var grown = keep == 0 ? (kept.IsZero ? 0 : 1) : rounded.Length - keep;
        return (fromFirst && rounded.Length > count ? rounded[..count] : rounded, point + grown);
    }

    private static bool TryParseDecimal(ReadOnlySpan<char> text, out double value)
    {
        value = 0;
        var at = 0;
        var hasDigits = false;
        var hasPoint = false;
        for (; at < text.Length; at++)
        {
            if (char.IsAsciiDigit(text[at]))
            {
                hasDigits = true;
            }
            else if (text[at] == '.' && !hasPoint)
            {
                hasPoint = true;
            }
            else
            {
                break;
            }
        }

        if (!hasDigits)
        {
            return false;
        }

        if (at < text.Length)
        {
            if (text[at] is not ('e' or 'E') || !TryExponent(text[(at + 1)..], out _))
            {
                return false;
            }
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }

    private static bool TryExponent(ReadOnlySpan<char> text, out int exponent)
    {
        exponent = 0;
        var isNegative = text.StartsWith("-");
        if (isNegative || text.StartsWith("+"))
        {
            text = text[1..];
        }

        if (text.IsEmpty || text.ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        foreach (var digit in text)
        {
            exponent = Math.Min((exponent * 10) + (digit - '0'), ExponentMax);
        }

        exponent = isNegative ? -exponent : exponent;
        return true;
    }

    /// <summary><c>0x1.8p3</c>: the exponent is a power of two and must be there.</summary>
    private static bool TryParseHexadecimal(ReadOnlySpan<char> text, out double value)
    {
        value = 0;
        var power = text.IndexOfAny('p', 'P');
        if (power < 0 || !TryExponent(text[(power + 1)..], out var exponent))
        {
            return false;
        }

        var mantissa = BigInteger.Zero;
        var hasDigits = false;
        var hasPoint = false;
        foreach (var c in text[..power])
        {
            if (c == '.' && !hasPoint)
            {
                hasPoint = true;
                continue;
            }

            if (!char.IsAsciiHexDigit(c))
            {
                return false;
            }

            hasDigits = true;
            mantissa = (mantissa * 16) + Convert.ToInt32(c.ToString(), 16);
            exponent -= hasPoint ? 4 : 0;
        }

        if (!hasDigits)
        {
            return false;
        }

        // 60 bits and one that says whether more follow: enough to round once and rightly.
        var excess = (int)Math.Max(0, mantissa.GetBitLength() - 60);
        var isInexact = excess > 0 && !(mantissa & ((BigInteger.One << excess) - 1)).IsZero;
        value = Math.ScaleB((double)(((ulong)(mantissa >> excess) << 1) | (isInexact ? 1UL : 0)), exponent + excess - 1);
        return true;
    }

    /// <summary>Between two digits, or between a prefix and a digit.</summary>
    private static bool UnderscoresAreRight(ReadOnlySpan<char> text)
    {
        var before = '^';
        var at = 0;
        var isHexadecimal = false;
        if (text is ['0', 'x' or 'X' or 'o' or 'O' or 'b' or 'B', ..])
        {
            at = 2;
            before = '0';
            isHexadecimal = text[1] is 'x' or 'X';
        }

        for (; at < text.Length; at++)
        {
            if (char.IsAsciiDigit(text[at]) || (isHexadecimal && char.IsAsciiHexDigit(text[at])))
            {
                before = '0';
            }
            else if (text[at] == '_')
            {
                if (before != '0')
                {
                    return false;
                }

                before = '_';
            }
            else if (before == '_')
            {
                return false;
            }
            else
            {
                before = '!';
            }
        }

        return before != '_';
    }

    private static int DigitOf(char c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'a' and <= 'z' => c - 'a' + 10,
        >= 'A' and <= 'Z' => c - 'A' + 10,
        _ => -1,
    };
}
