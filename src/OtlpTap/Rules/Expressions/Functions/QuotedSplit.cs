using System.Text;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>Cuts a text at a delimiter, but not within single or double quotes, which go; a backslash keeps the quote behind it.</summary>
internal static class QuotedSplit
{
    /// <summary>Without empty parts. Null when a quote is not closed.</summary>
    public static List<string>? Split(string text, string delimiter)
    {
        var parts = new List<string>();
        var part = new StringBuilder();
        var quote = '\0';
        var isEscaped = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (quote == '\0' && string.CompareOrdinal(text, i, delimiter, 0, delimiter.Length) == 0)
            {
                if (part.Length > 0)
                {
                    parts.Add(part.ToString());
                    part.Clear();
                }

                i += delimiter.Length - 1;
                continue;
            }

            if (isEscaped)
            {
                isEscaped = false;
            }
            else if (quote == '\0' && (text[i] == '"' || text[i] == '\''))
            {
                quote = text[i];
                continue;
            }
            else if (quote != '\0' && text[i] == quote)
            {
                quote = '\0';
                continue;
            }
            else
            {
                isEscaped = text[i] == '\\';
            }

            part.Append(text[i]);
        }

        if (quote != '\0')
        {
            return null;
        }

        if (part.Length > 0)
        {
            parts.Add(part.ToString());
        }

        return parts;
    }
}
