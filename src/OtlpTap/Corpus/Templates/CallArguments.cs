using System.Text;
using System.Text.Json;

namespace OtlpTap.Corpus.Templates;

/// <summary>The values that a step was called with, as far as messages repeat them.</summary>
internal static class CallArguments
{
    private const int ArgumentsMax = 64;

    /// <summary>The text with <c>&lt;arg&gt;</c> in the place of each.</summary>
    /// <param name="arguments">JSON, or null.</param>
    public static string TakenOutOf(string text, string? arguments)
    {
        foreach (var value in arguments is null ? [] : ValuesIn(arguments))
        {
            text = ReplaceWhole(text, value);
        }

        return text;
    }

    /// <summary>The texts among the arguments, the longest first.</summary>
    private static List<string> ValuesIn(string arguments)
    {
        const int ValueMin = 3;
        const int ValueMax = 200;
        var values = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        try
        {
            using var json = JsonDocument.Parse(arguments);
            Add(json.RootElement, 0);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return []; // no JSON: nothing says where its values begin
        }

        return [.. values.OrderByDescending(value => value.Length).ThenBy(value => value, StringComparer.Ordinal)];

        void Add(JsonElement element, int depth)
        {
            if (depth > 16 || values.Count >= ArgumentsMax)
            {
                return;
            }

            switch (element.ValueKind)
            {
                case JsonValueKind.Object:
                    foreach (var property in element.EnumerateObject())
                    {
                        Add(property.Value, depth + 1);
                    }

                    break;
                case JsonValueKind.Array:
                    foreach (var item in element.EnumerateArray())
                    {
                        Add(item, depth + 1);
                    }

                    break;
                case JsonValueKind.String when element.GetString() is { Length: <= ValueMax } text && text.Trim().Length >= (Ascii.IsValid(text) ? ValueMin : 2):
                    values.Add(text.Trim());
                    break;
            }
        }
    }

    private static string ReplaceWhole(string text, string value)
    {
        var from = 0;
        while (from < text.Length && text.IndexOf(value, from, StringComparison.OrdinalIgnoreCase) is >= 0 and var at)
        {
            var end = at + value.Length;
            var isWhole = (at == 0 || !char.IsLetterOrDigit(text[at - 1])) && (end == text.Length || !char.IsLetterOrDigit(text[end]));
            if (isWhole)
            {
                text = string.Concat(text.AsSpan(0, at), "<arg>", text.AsSpan(end));
                from = at + 5;
            }
            else
            {
                from = end;
            }
        }

        return text;
    }
}
