using System.Text;

namespace OtlpTap.Rules.Expressions;

/// <summary>
/// Camel and snake case as the reference makes them: a byte at a time, only of ASCII letters, with its own idea of where
/// words end (<c>HTTP_STATUS</c> becomes <c>HttpStatus</c>). Source: github.com/iancoleman/strcase, README.
/// </summary>
internal static class CaseConversion
{
    public static string ToCamel(string text)
    {
        text = TrimSpace(text);
        var camel = new StringBuilder(text.Length);
        var capitalizeNext = true;
        var afterCapital = false;
        foreach (var c in text)
        {
            var isCapital = char.IsAsciiLetterUpper(c);
            if (char.IsAsciiLetter(c))
            {
                camel.Append(capitalizeNext ? char.ToUpperInvariant(c) : afterCapital && isCapital ? char.ToLowerInvariant(c) : c);
                capitalizeNext = false;
            }
            else if (char.IsAsciiDigit(c))
            {
                camel.Append(c);
                capitalizeNext = true;
            }
            else
            {
                capitalizeNext = c is '_' or ' ' or '-' or '.';
            }

            afterCapital = isCapital;
        }

        return camel.ToString();
    }

    public static string ToSnake(string text)
    {
        text = TrimSpace(text);
        var snake = new StringBuilder(text.Length + 4);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var written = char.IsAsciiLetterUpper(c) ? char.ToLowerInvariant(c) : c;
            if (i + 1 < text.Length && IsBorder(c, text[i + 1]))
            {
                // The last capital of an abbreviation belongs to the word that follows.
                if (char.IsAsciiLetterUpper(c) && char.IsAsciiLetterLower(text[i + 1]) && i > 0 && char.IsAsciiLetterUpper(text[i - 1]))
                {
                    snake.Append('_');
                }

                snake.Append(written);
                if (char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || char.IsAsciiDigit(text[i + 1]))
                {
                    snake.Append('_');
                }

                continue;
            }

            snake.Append(c is ' ' or '_' or '-' or '.' ? '_' : written);
        }

        return snake.ToString();
    }

    /// <summary>Without what Unicode calls white space at both ends.</summary>
    public static string TrimSpace(string text)
    {
        var start = 0;
        var end = text.Length;
        foreach (var (rune, at, length) in ByteText.Runes(text))
        {
            if (!IsSpace(rune, length))
            {
                start = at;
                break;
            }

            start = at + length;
        }

        var lastInk = start;
        foreach (var (rune, at, length) in ByteText.Runes(text[start..]))
        {
            lastInk = IsSpace(rune, length) ? lastInk : start + at + length;
        }

        end = Math.Max(start, lastInk);
        return text[start..end];
    }

    private static bool IsSpace(Rune rune, int length) => rune.Value switch
    {
        '\t' or '\n' or '\v' or '\f' or '\r' or ' ' or 0x85 or 0xA0 or 0x1680 or 0x2028 or 0x2029 or 0x202F or 0x205F or 0x3000 => length > 0,
        >= 0x2000 and <= 0x200A => true,
        _ => false,
    };

    private static bool IsBorder(char c, char next) =>
        (char.IsAsciiLetterUpper(c) && (char.IsAsciiLetterLower(next) || char.IsAsciiDigit(next)))
        || (char.IsAsciiLetterLower(c) && (char.IsAsciiLetterUpper(next) || char.IsAsciiDigit(next)))
        || (char.IsAsciiDigit(c) && char.IsAsciiLetter(next));
}
