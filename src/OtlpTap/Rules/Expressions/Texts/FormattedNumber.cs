using System.Globalization;
using System.Text;

namespace OtlpTap.Rules.Expressions.Texts;

/// <summary>The digits of numbers under flags, not yet padded to their width.</summary>
internal static class FormattedNumber
{
    public static string Integer(long number, int numberBase, bool isUpper, string prefix, FormatFlags flags)
    {
        var isNegative = number < 0;
        var magnitude = isNegative ? unchecked((ulong)-number) : (ulong)number;
        if (flags.Precision == 0 && magnitude == 0)
        {
            return "";
        }

        var digits = new StringBuilder();
        do
        {
            var digit = (int)(magnitude % (ulong)numberBase);
            digits.Insert(0, (char)(digit < 10 ? '0' + digit : (isUpper ? 'A' : 'a') + digit - 10));
            magnitude /= (ulong)numberBase;
        }
        while (magnitude > 0);

        var sign = isNegative ? "-" : flags.Plus ? "+" : flags.Space ? " " : "";
        var count = flags.Precision ?? (flags.Zero && !flags.Minus && flags.Width is { } width ? width - sign.Length : 0);
        var text = digits.ToString().PadLeft(Math.Max(0, count), '0');

        // An octal number that starts with a zero has its prefix already.
        prefix = prefix == "0" && text[0] == '0' ? "" : prefix;
        return sign + prefix + text;
    }

    public static string CodePoint(long number, FormatFlags flags)
    {
        var digits = unchecked((ulong)number).ToString("X", CultureInfo.InvariantCulture).PadLeft(Math.Max(4, flags.Precision ?? 4), '0');
        var character = flags.Sharp && number is >= 0 and <= 0x10FFFF && Rune.TryCreate((int)number, out var rune) && QuotedText.IsPrintable(rune) ? $" '{ByteText.Of(rune)}'" : "";
        return "U+" + digits + character;
    }

    /// <summary>With # a number keeps its point and as many digits as the precision asks for, six without one.</summary>
    public static string Sharpened(string text, FormatFlags flags)
    {
        if (!flags.Sharp || !char.IsAsciiDigit(text[^1]))
        {
            return text;
        }

        var exponentAt = text.AsSpan().IndexOfAny('e', 'E');
        var mantissa = exponentAt < 0 ? text : text[..exponentAt];
        var wanted = flags.Precision is { } precision ? Math.Max(1, precision) : 6;
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal).TrimStart('-', '0').Length;
        mantissa += mantissa.Contains('.') ? "" : ".";
        return mantissa + new string('0', Math.Max(0, wanted - Math.Max(digits, mantissa.TrimStart('-') is "0." ? 1 : 0))) + (exponentAt < 0 ? "" : text[exponentAt..]);
    }

    /// <summary>With its sign; and with zeros where those stand between the sign and the digits.</summary>
    public static string Signed(string text, ref FormatFlags flags)
    {
        var isFinite = char.IsAsciiDigit(text[^1]);
        if (text[0] is not ('-' or '+'))
        {
            text = (flags.Plus ? "+" : flags.Space ? " " : "") + text;
        }
        else if (text[0] == '+' && !flags.Plus)
        {
            // Only infinity comes with a plus, and keeps it without the flag.
            text = flags.Space ? " " + text[1..] : text;
        }

        // Zeros do not pad what is no number.
        flags.Zero &= isFinite;
        if (flags.Zero && !flags.Minus && flags.Width > text.Length && text[0] is '-' or '+' or ' ')
        {
            text = text[0] + text[1..].PadLeft(flags.Width.Value - 1, '0');
            flags.Zero = false;
        }

        return text;
    }

    public static Rune RuneOf(long number) => number is >= 0 and <= int.MaxValue && Rune.TryCreate((int)number, out var rune) ? rune : Rune.ReplacementChar;
}
