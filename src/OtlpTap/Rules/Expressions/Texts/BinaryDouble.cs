using System.Globalization;

namespace OtlpTap.Rules.Expressions.Texts;

/// <summary>The forms of a double that show its bits: <c>%b</c> (4503599627370496p-52) and <c>%x</c> (0x1.8p+00).</summary>
internal static class BinaryDouble
{
    public static string Format(double value, char form, int precision)
    {
        if (!double.IsFinite(value))
        {
            return DoubleText.Format(value, 'g', -1);
        }

        var bits = BitConverter.DoubleToInt64Bits(Math.Abs(value));
        var biased = (int)(bits >> 52);
        var mantissa = biased == 0 ? bits : (bits & 0xFFFFFFFFFFFFF) | (1L << 52);
        var exponent = Math.Max(biased, 1) - 1075;
        var sign = double.IsNegative(value) ? "-" : "";
        return sign + (form == 'b' ? string.Create(CultureInfo.InvariantCulture, $"{mantissa}p{exponent:+0;-0;+0}") : Hexadecimal(mantissa, exponent, form, precision));
    }

    private static string Hexadecimal(long mantissa, int exponent, char form, int precision)
    {
        exponent = mantissa == 0 ? 0 : exponent + 52;
        var bits = (ulong)mantissa;
        while (bits != 0 && bits < 1UL << 52)
        {
            bits <<= 1;
            exponent--;
        }

        if (precision is >= 0 and < 13)
        {
            var shift = 52 - (precision * 4);
            var rest = bits & ((1UL << shift) - 1);
            bits >>= shift;
            var half = 1UL << (shift - 1);
            bits += rest > half || (rest == half && (bits & 1) == 1) ? 1UL : 0;
            bits <<= shift;
            if (bits >= 1UL << 53)
            {
                bits >>= 1;
                exponent++;
            }
        }

        var digits = (bits & 0xFFFFFFFFFFFFF).ToString("x13", CultureInfo.InvariantCulture);
        digits = precision < 0 ? digits.TrimEnd('0') : precision <= 13 ? digits[..precision] : digits.PadRight(precision, '0');
        var text = $"0x{bits >> 52}{(digits.Length > 0 ? "." + digits : "")}p{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("D2", CultureInfo.InvariantCulture)}";
        return form == 'X' ? text.ToUpperInvariant() : text;
    }
}
