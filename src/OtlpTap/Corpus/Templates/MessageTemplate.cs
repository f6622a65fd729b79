using System.Text;

namespace OtlpTap.Corpus.Templates;

/// <summary>
/// A message without its variable parts: what is left is what two failures of one cause have in common. Addresses, ids,
/// times, numbers, paths and what is quoted become words in angle brackets, as do the values that the failing step was
/// called with: "no weather for Atlantis" and "no weather for Paris" are one failure when the argument said so.
/// Depends on the message and those values alone, so that it is the same on every machine and in any order.
/// </summary>
internal static class MessageTemplate
{
    /// <summary>Of the template.</summary>
    private const int TemplateMax = 300;

    /// <param name="arguments">What the failing step was called with: JSON, or null.</param>
    public static string Of(string message, string? arguments = null)
    {
        var text = CallArguments.TakenOutOf(ErrorText.Of(message), arguments);
        var template = new StringBuilder();
        var i = 0;
        while (i < text.Length && template.Length < TemplateMax)
        {
            i = Next(text, i, template);
        }

        return Collapse(template.ToString());
    }

    private static int Next(string text, int i, StringBuilder template)
    {
        var c = text[i];
        if (c == '<' && text.AsSpan(i).StartsWith("<arg>"))
        {
            template.Append("<arg>");
            return i + 5;
        }

        // What redaction put there: [email], [email:5f2a90c1d3e4].
        if (c == '[' && VariablePart.PlaceholderEnd(text, i, out var name) is > 0 and var placeholder)
        {
            template.Append('<').Append(name).Append('>');
            return placeholder;
        }

        if (c is '"' or '\'' or '`' or '\u201c' or '\u2018' && VariablePart.QuoteEnd(text, i) is > 0 and var quote)
        {
            template.Append("<str>");
            return quote;
        }

        if (IdShape.IsUuid(text, i))
        {
            template.Append("<id>");
            return i + 36;
        }

        if (char.IsAsciiLetter(c) && VariablePart.UrlEnd(text, i) is > 0 and var url)
        {
            template.Append("<url>");
            return url;
        }

        if (VariablePart.PathEnd(text, i) is > 0 and var path)
        {
            template.Append("<path>");
            return path;
        }

        if (char.IsDigit(c) || (c is '-' or '+' && i + 1 < text.Length && char.IsAsciiDigit(text[i + 1]) && (i == 0 || !char.IsLetterOrDigit(text[i - 1]))))
        {
            return Number(text, i, template);
        }

        if (char.IsLetterOrDigit(c) || c == '_')
        {
            return Word(text, i, template);
        }

        template.Append(char.IsWhiteSpace(c) || char.IsControl(c) ? ' ' : c);
        return i + 1;
    }

    private static int Number(string text, int i, StringBuilder template)
    {
        // A word that begins with a digit is a word: 3f9a1c0b.
        var end = i + (char.IsDigit(text[i]) ? 0 : 1);
        while (end < text.Length && char.IsLetterOrDigit(text[end]))
        {
            end++;
        }

        var word = text.AsSpan(i, end - i).TrimStart("+-");
        if (IdShape.IsId(word))
        {
            template.Append("<id>");
            return end;
        }

        // 400, 429, 503: which answer a server gave is what failed, no accident.
        if (word.Length == 3 && word[0] is '4' or '5' && IdShape.CountDigits(word) == 3 && SaysStatus(text, i))
        {
            template.Append(word);
            return end;
        }

        // Numbers, dates, times, versions, addresses: digits and what joins them.
        end = i + (char.IsDigit(text[i]) ? 0 : 1);
        while (end < text.Length && (char.IsDigit(text[end]) || (text[end] is '.' or ',' or ':' or '-' or '/' or 'T' or 'x' && end + 1 < text.Length && char.IsDigit(text[end + 1]))))
        {
            end++;
        }

        template.Append("<n>");
        return end;
    }

    private static bool SaysStatus(string text, int i)
    {
        const int Back = 24;
        var before = text.AsSpan(Math.Max(0, i - Back), Math.Min(i, Back));
        return i == 0
            || before.Contains("status", StringComparison.OrdinalIgnoreCase)
            || before.Contains("code", StringComparison.OrdinalIgnoreCase)
            || before.Contains("http", StringComparison.OrdinalIgnoreCase)
            || before.Contains("error", StringComparison.OrdinalIgnoreCase)
            || before.Contains("response", StringComparison.OrdinalIgnoreCase);
    }

    private static int Word(string text, int i, StringBuilder template)
    {
        var end = i;
        while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] == '_'))
        {
            end++;
        }

        var word = text.AsSpan(i, end - i);
        var underscore = word.LastIndexOf('_');

        // org_9f2kx…, chatcmpl-…: what the id is of stays.
        if (underscore > 0 && IdShape.IsId(word[(underscore + 1)..]))
        {
            AppendWord(word[..(underscore + 1)], template);
            template.Append("<id>");
        }
        else if (IdShape.IsId(word))
        {
            template.Append("<id>");
        }
        else
        {
            AppendWord(word, template);
        }

        return end;
    }

    private static void AppendWord(ReadOnlySpan<char> word, StringBuilder template)
    {
        var isDigit = false;
        foreach (var c in word)
        {
            if (char.IsDigit(c))
            {
                template.Append(isDigit ? "" : "<n>");
                isDigit = true;
            }
            else
            {
                template.Append(char.ToLowerInvariant(c));
                isDigit = false;
            }
        }
    }

    /// <summary>One space for many, and one of a row of equal words: a list of three ids is a list of two.</summary>
    private static string Collapse(string template)
    {
        var words = template.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var kept = new List<string>();
        foreach (var word in words)
        {
            var isRepeated = kept.Count > 0 && word.Contains('<', StringComparison.Ordinal) && word.TrimEnd(',', ';') == kept[^1].TrimEnd(',', ';');
            if (!isRepeated)
            {
                kept.Add(word);
            }
            else
            {
                kept[^1] = word;
            }
        }

        return string.Join(' ', kept);
    }
}
