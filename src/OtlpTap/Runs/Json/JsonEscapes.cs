using System.Globalization;
using System.Text;

namespace OtlpTap.Runs.Json;

/// <summary>Escape sequences of JSON texts, both ways.</summary>
internal static class JsonEscapes
{
    /// <summary>What the characters from <paramref name="start"/> to <paramref name="end"/> say; an escape that is none stays as it stands.</summary>
    public static string Text(string json, int start, int end, bool isEscaped)
    {
        if (!isEscaped)
        {
            return json[start..end];
        }

        var text = new StringBuilder(end - start);
        var position = start;
        while (position < end)
        {
            var escape = json.IndexOf('\\', position, end - position);
            if (escape < 0 || escape + 1 >= end)
            {
                text.Append(json, position, end - position);
                break;
            }

            text.Append(json, position, escape - position);
            position = escape + 2;
            switch (json[escape + 1])
            {
                case 'n': text.Append('\n'); break;
                case 't': text.Append('\t'); break;
                case 'r': text.Append('\r'); break;
                case 'b': text.Append('\b'); break;
                case 'f': text.Append('\f'); break;
                case 'u' when escape + 6 <= end && ushort.TryParse(json.AsSpan(escape + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code):
                    text.Append((char)code);
                    position = escape + 6;
                    break;
                case '"' or '\\' or '/': text.Append(json[escape + 1]); break;
                default: text.Append(json, escape, 2); break;
            }
        }

        return text.ToString();
    }

    /// <summary>Appends <paramref name="text"/> in quotes.</summary>
    public static void Append(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (var character in text)
        {
            switch (character)
            {
                case '"': json.Append("\\\""); break;
                case '\\': json.Append("\\\\"); break;
                case '\n': json.Append("\\n"); break;
                case '\r': json.Append("\\r"); break;
                case '\t': json.Append("\\t"); break;
                case < ' ': json.Append("\\u").Append(((int)character).ToString("x4", CultureInfo.InvariantCulture)); break;
                default: json.Append(character); break;
            }
        }

        json.Append('"');
    }
}
