using System.Globalization;
using System.Text;

namespace OtlpTap.Rules.Expressions.Texts;

/// <summary>Texts and characters as Go's source has them, between quotes.</summary>
internal static class QuotedText
{
    public static string Of(string text, FormatFlags flags)
    {
        if (flags.Sharp && !text.Contains('`') && ByteText.Runes(text).All(item => item.Rune.Value is not (0x7F or 0xFEFF or 0xFFFD) && (item.Rune.Value >= ' ' || item.Rune.Value == '\t')))
        {
            return "`" + text + "`";
        }

        var quoted = new StringBuilder("\"");
        foreach (var (rune, start, length) in ByteText.Runes(text))
        {
            quoted.Append(Escaped(rune, text.AsSpan(start, length), '"', flags.Plus));
        }

        return quoted.Append('"').ToString();
    }

    public static string Escaped(Rune rune, ReadOnlySpan<char> bytes, char quote, bool isAscii)
    {
        if (rune == Rune.ReplacementChar && bytes.Length == 1)
        {
            return $"\\x{(int)bytes[0]:x2}";
        }

        if (rune.Value == quote || rune.Value == '\\')
        {
            return "\\" + (char)rune.Value;
        }

        if (rune.Value < 0x80 ? rune.Value is >= ' ' and < 0x7F : !isAscii && IsPrintable(rune))
        {
            return bytes.ToString();
        }

        return rune.Value switch
        {
            '\a' => "\\a",
            '\b' => "\\b",
            '\f' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\v' => "\\v",
            < ' ' or 0x7F => $"\\x{rune.Value:x2}",
            < 0x10000 => $"\\u{rune.Value:x4}",
            _ => $"\\U{rune.Value:x8}",
        };
    }

    public static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
