using System.Text.Json;

namespace OtlpTap.Corpus.Templates;

/// <summary>What a message says went wrong: its first line, or of JSON what stands under the keys for it.</summary>
internal static class ErrorText
{
    /// <summary>Of the message; what follows is a stack trace or a page.</summary>
    private const int LengthMax = 2048;

    // Where tools and providers put what went wrong, in the order in which it is looked for.
    private static readonly string[] ErrorKeys = ["error", "message", "detail", "details", "error_message", "errorMessage", "reason", "title", "code", "type", "content", "text", "errors"];

    public static string Of(string message) => FirstLine(FromJson(message, depth: 0) ?? message);

    private static string FirstLine(string text)
    {
        var start = 0;
        while (start < text.Length && char.IsWhiteSpace(text[start]))
        {
            start++;
        }

        var end = text.AsSpan(start).IndexOfAny('\r', '\n');
        end = end < 0 ? text.Length : start + end;
        return text[start..Math.Min(end, start + LengthMax)];
    }

    /// <summary>The error in a result that is JSON: its words are under a key, and not the quoted strings that they look like.</summary>
    private static string? FromJson(string message, int depth)
    {
        const int DepthMax = 5;
        const int JsonMax = 1 << 20;
        var start = message.AsSpan().TrimStart();
        if (depth > DepthMax || start.IsEmpty || start[0] is not ('{' or '[' or '"') || message.Length > JsonMax)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(message);
            var parts = new List<string>();
            Collect(json.RootElement, parts, depth);
            return parts.Count > 0 ? string.Join(" | ", parts) : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null; // no JSON: it is read as it stands
        }
    }

    private static void Collect(JsonElement element, List<string> parts, int depth)
    {
        const int DepthMax = 5;
        const int PartsMax = 4;
        if (depth > DepthMax || parts.Count >= PartsMax)
        {
            return;
        }

        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var key in ErrorKeys)
                {
                    if (element.TryGetProperty(key, out var value))
                    {
                        Collect(value, parts, depth + 1);
                    }
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray().Take(PartsMax))
                {
                    Collect(item, parts, depth + 1);
                }

                break;
            case JsonValueKind.String when element.GetString() is { Length: > 0 } text:
                parts.Add(FirstLine(FromJson(text, depth + 1) ?? text));
                break;
            case JsonValueKind.Number:
                parts.Add("status " + element.GetRawText());
                break;
        }
    }
}
