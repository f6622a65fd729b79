using System.Buffers;
using System.Text;

namespace OtlpTap.Corpus.Templates;

/// <summary>Parts of a message that another failure of the same cause has otherwise: where each ends that begins at a place; 0: none does.</summary>
internal static class VariablePart
{
    private static readonly SearchValues<char> PlaceholderName = SearchValues.Create("abcdefghijklmnopqrstuvwxyz_");

    public static int PlaceholderEnd(string text, int i, out string name)
    {
        const int PlaceholderMax = 40;
        name = "";
        var end = text.AsSpan(i, Math.Min(PlaceholderMax, text.Length - i)).IndexOf(']');
        if (end < 2)
        {
            return 0;
        }

        var inside = text.AsSpan(i + 1, end - 1);
        var colon = inside.IndexOf(':');
        inside = colon < 0 ? inside : inside[..colon];
        if (inside.ContainsAnyExcept(PlaceholderName))
        {
            return 0;
        }

        name = inside.ToString();
        return Redact.Redactor.IsPlaceholder(Encoding.UTF8.GetBytes(text.Substring(i, end + 1))) ? i + end + 1 : 0;
    }

    // Where a quotation may begin and end is next to no letter: an apostrophe stands between two.
    public static int QuoteEnd(string text, int i)
    {
        var close = text[i] switch { '\u201c' => '\u201d', '\u2018' => '\u2019', var same => same };
        if (i > 0 && char.IsLetterOrDigit(text[i - 1]))
        {
            return 0;
        }

        for (var end = i + 1; end < text.Length; end++)
        {
            if (text[end] == '\\')
            {
                end++;
            }
            else if (text[end] == close && (end + 1 == text.Length || !char.IsLetterOrDigit(text[end + 1])))
            {
                return end + 1;
            }
        }

        return 0;
    }

    public static int UrlEnd(string text, int i)
    {
        const int SchemeMax = 12;
        var colon = i;
        while (colon < text.Length && colon - i <= SchemeMax && (char.IsAsciiLetterOrDigit(text[colon]) || text[colon] is '+' or '-' or '.'))
        {
            colon++;
        }

        if (!text.AsSpan(colon).StartsWith("://"))
        {
            return 0;
        }

        var end = colon + 3;
        while (end < text.Length && !char.IsWhiteSpace(text[end]) && text[end] is not ('"' or '\'' or '>' or '<' or ')' or ']' or '}' or ','))
        {
            end++;
        }

        return text[end - 1] is '.' or ':' or ';' ? end - 1 : end;
    }

    // /a/b, ./a/b, ~/a, C:\a: two segments at least, or a drive.
    public static int PathEnd(string text, int i)
    {
        if (i > 0 && (char.IsLetterOrDigit(text[i - 1]) || text[i - 1] is '/' or '>'))
        {
            return 0;
        }

        var isDrive = i + 2 < text.Length && char.IsAsciiLetter(text[i]) && text[i + 1] == ':' && text[i + 2] is '\\' or '/';
        var rooted = text[i] is '/' or '~' or '.' ? i : -1;
        if (!isDrive && rooted < 0)
        {
            return 0;
        }

        var (end, separators) = (i, 0);
        while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] is '/' or '\\' or '.' or '_' or '-' or '~' or '@' or '%' or '+' || (end == i + 1 && isDrive)))
        {
            separators += text[end] is '/' or '\\' ? 1 : 0;
            end++;
        }

        end = text[end - 1] == '.' ? end - 1 : end;
        return isDrive || (separators >= 2 && end - i > 3) || (separators == 1 && text[i] is '~' or '.' && end - i > 3) ? end : 0;
    }
}
