using System.Globalization;

namespace OtlpTap.Detectors.Grounding;

/// <summary>The digits of a number with its points and commas, whichever of them is which.</summary>
internal static class NumberLiteral
{
    private const int LengthMax = 40;

    /// <summary>1,250.00 and 1.250,00 say which sign is which; 1.250 does not.</summary>
    public static bool TryRead(ReadOnlySpan<char> literal, ref Element element)
    {
        if (literal.Length > LengthMax)
        {
            return false;
        }

        var lastDot = literal.LastIndexOf('.');
        var lastComma = literal.LastIndexOf(',');
        var last = Math.Max(lastDot, lastComma);
        Span<char> plain = stackalloc char[literal.Length];
        var behind = last < 0 ? 0 : literal.Length - last - 1;
        var repeated = last >= 0 && literal[..last].Contains(literal[last]);
        var both = lastDot >= 0 && lastComma >= 0;
        if (last < 0 || repeated || (behind == 3 && !both && literal[0] != '0'))
        {
            element.Value = Parse(literal, -1, plain);
            element.HalfPlace = 0.5;
            element.Other = last < 0 || repeated ? element.Value : Parse(literal, last, plain);
        }
        else
        {
            element.Value = element.Other = Parse(literal, last, plain);
            element.HalfPlace = 0.5 * Math.Pow(10, -behind);
        }

        return !double.IsNaN(element.Value);
    }

    /// <summary>1 049,50</summary>
    public static bool TryReadSpaced(ReadOnlySpan<char> literal, ref Element element) =>
        literal.Length <= LengthMax && TryRead(string.Concat(literal.ToString().Where(c => !char.IsWhiteSpace(c))), ref element);

    /// <summary>Whether groups of three digits follow, and where they and their fraction end.</summary>
    public static bool IsThousands(ReadOnlySpan<char> text, int at, out int end)
    {
        end = at;
        var any = false;
        while (end + 3 <= text.Length && text.Slice(end, 3).IndexOfAnyExceptInRange('0', '9') < 0 && (end + 3 == text.Length || !char.IsLetterOrDigit(text[end + 3])))
        {
            end += 3;
            any = true;
            if (end + 1 < text.Length && text[end] is ' ' or '\u00A0' or '\u202F' && char.IsAsciiDigit(text[end + 1]))
            {
                end++;
                continue;
            }

            if (end + 1 < text.Length && text[end] is ',' or '.' && char.IsAsciiDigit(text[end + 1]))
            {
                end++;
                while (end < text.Length && char.IsAsciiDigit(text[end]))
                {
                    end++;
                }
            }

            return true;
        }

        end = any && char.IsWhiteSpace(text[end - 1]) ? end - 1 : end;
        return any;
    }

    private static double Parse(ReadOnlySpan<char> from, int point, Span<char> to)
    {
        var count = 0;
        for (var i = 0; i < from.Length; i++)
        {
            if (char.IsAsciiDigit(from[i]))
            {
                to[count++] = from[i];
            }
            else if (i == point)
            {
                to[count++] = '.';
            }
        }

        return double.TryParse(to[..count], NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN;
    }
}
