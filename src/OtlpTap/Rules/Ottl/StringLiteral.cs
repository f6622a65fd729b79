using System.Globalization;
using System.Text;

namespace OtlpTap.Rules.Ottl;

/// <summary>
/// The value of a quoted string. The escapes are Go's and strict: <c>\a \b \f \n \r \t \v \\ \" \x41 \101 \u0041 \U00000041</c>,
/// where <c>\xff</c> and <c>\377</c> are the code point, not the byte.
/// </summary>
internal static class StringLiteral
{
    /// <summary>Null when an escape is wrong; <paramref name="wrongAt"/> is then its index in <paramref name="quoted"/>.</summary>
    public static string? Unquote(ReadOnlySpan<char> quoted, out int wrongAt)
    {
        wrongAt = 0;
        var content = quoted[1..^1];
        if (!content.Contains('\\'))
        {
            return content.ToString();
        }

        var value = new StringBuilder(content.Length);
        for (var i = 0; i < content.Length; i++)
        {
            if (content[i] != '\\')
            {
                value.Append(content[i]);
                continue;
            }

            var (rune, length) = Escape(content[i..]);
            if (length == 0)
            {
                wrongAt = i + 1;
                return null;
            }

            value.Append(rune.ToString());
            i += length - 1;
        }

        return value.ToString();
    }

    private static (Rune Rune, int Length) Escape(ReadOnlySpan<char> text) => text[1] switch
    {
        'a' => (new Rune('\a'), 2),
        'b' => (new Rune('\b'), 2),
        'f' => (new Rune('\f'), 2),
        'n' => (new Rune('\n'), 2),
        'r' => (new Rune('\r'), 2),
        't' => (new Rune('\t'), 2),
        'v' => (new Rune('\v'), 2),
        '\\' => (new Rune('\\'), 2),
        '"' => (new Rune('"'), 2),
        'x' => Hex(text, 2),
        'u' => Hex(text, 4),
        'U' => Hex(text, 8),
        _ => Octal(text),
    };

    private static (Rune Rune, int Length) Hex(ReadOnlySpan<char> text, int digits) =>
        text.Length >= 2 + digits
            && uint.TryParse(text.Slice(2, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            && Rune.TryCreate(value, out var rune)
            ? (rune, 2 + digits)
            : default;

    private static (Rune Rune, int Length) Octal(ReadOnlySpan<char> text)
    {
        if (text.Length < 4)
        {
            return default;
        }

        var value = 0;
        foreach (var digit in text.Slice(1, 3))
        {
            if (digit is < '0' or > '7')
            {
                return default;
            }

            value = (value * 8) + (digit - '0');
        }

        return value <= 255 ? (new Rune(value), 4) : default;
    }
}
