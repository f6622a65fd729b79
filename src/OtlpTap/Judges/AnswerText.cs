using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Judges;

/// <summary>Reads what evaluators write: bounded, and with nothing taken on trust.</summary>
internal static class AnswerText
{
    public const int EvidenceMax = 32;
    public const int TextCharactersMax = 1024;
    private const int WordCharactersMax = 64;

    /// <summary>Kinds become attribute values and labels: as for rules.</summary>
    public static bool IsKind(string text) =>
        text.Length is > 0 and <= WordCharactersMax && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '.');

    public static string? Text(JsonElement item, string name) =>
        item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && TryText(value) is { Length: > 0 } text ? Cut(text) : null;

    /// <summary>False for what is there and no number from 0 to 1; models write numbers as texts, too.</summary>
    public static bool TryScore(JsonElement item, out double? score)
    {
        score = null;
        if (!item.TryGetProperty("score", out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        double number;
        var isNumber = value.ValueKind == JsonValueKind.Number
            ? value.TryGetDouble(out number)
            : double.TryParse(value.ValueKind == JsonValueKind.String ? TryText(value) : null, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out number);
        if (!isNumber || !(number >= 0 && number <= 1))
        {
            return false;
        }

        score = number;
        return true;
    }

    public static IReadOnlyList<string> Evidence(JsonElement item) =>
        item.TryGetProperty("evidence", out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Where(text => text.ValueKind == JsonValueKind.String).Select(TryText).OfType<string>().Where(text => text.Length > 0).Take(EvidenceMax).Select(Cut)]
            : [];

    // Half a surrogate pair, escaped, is JSON and no text.
    private static string? TryText(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static string Cut(string text) => text.Cut(TextCharactersMax);
}
