using System.Text;

namespace OtlpTap.Runs.Content;

/// <summary>JSON without its spaces, so that two writings of one value are one.</summary>
internal static class JsonForm
{
    /// <summary>Of a text that is no JSON the text itself, without the spaces outside quotes.</summary>
    public static string? Canonical(string? json)
    {
        if (json is null || json.AsSpan().IndexOfAny(" \t\r\n") < 0)
        {
            return json;
        }

        var text = new StringBuilder(json.Length);
        var isQuoted = false;
        for (var i = 0; i < json.Length; i++)
        {
            var character = json[i];
            if (isQuoted && character == '\\' && i + 1 < json.Length)
            {
                text.Append(character).Append(json[++i]);
                continue;
            }

            isQuoted ^= character == '"';
            if (isQuoted || character is not (' ' or '\t' or '\r' or '\n'))
            {
                text.Append(character);
            }
        }

        return text.ToString();
    }
}
