using System.Globalization;
using System.Text.Json;

namespace OtlpTap.Corpus;

/// <summary>How the files of a corpus write and read single values.</summary>
internal static class JsonText
{
    public static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    public static void WriteStringOrNull(Utf8JsonWriter json, string name, string? value)
    {
        if (value is null)
        {
            json.WriteNull(name);
        }
        else
        {
            json.WriteString(name, value);
        }
    }

    public static void WriteIfAny(Utf8JsonWriter json, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteString(name, value);
        }
    }

    public static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static long? Number(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;

    public static IEnumerable<string> Texts(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var array) && array.ValueKind == JsonValueKind.Array
            ? array.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)
            : [];

    public static DateTimeOffset? Time(JsonElement parent, string name) =>
        DateTimeOffset.TryParse(Text(parent, name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    public static string Of(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    // All nine digits: two spans often differ in the last ones. The largest value OTLP can carry is the year 2554.
    public static string? OfUnixNano(ulong unixNano)
    {
        if (unixNano == 0)
        {
            return null;
        }

        var second = DateTime.UnixEpoch.AddSeconds(unixNano / 1_000_000_000);
        return string.Create(CultureInfo.InvariantCulture, $"{second:yyyy-MM-dd'T'HH:mm:ss}.{unixNano % 1_000_000_000:d9}Z");
    }

    /// <summary>The line on which a key of the document itself stands, as editors count; null where it has none.</summary>
    public static int? LineOf(ReadOnlySpan<byte> utf8Json, string key)
    {
        var reader = new Utf8JsonReader(utf8Json);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals(key))
            {
                return 1 + utf8Json[..(int)reader.TokenStartIndex].Count((byte)'\n');
            }
        }

        return null;
    }

    /// <summary>Where a document is broken, as editors count.</summary>
    public static string Problem(Exception exception)
    {
        if (exception is not JsonException { LineNumber: { } line } json)
        {
            return exception.Message;
        }

        var message = json.Message;
        var place = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var path = message.IndexOf(" Path:", StringComparison.Ordinal);
        var end = place < 0 ? path : path < 0 ? place : Math.Min(place, path);
        return string.Create(CultureInfo.InvariantCulture, $"line {line + 1}, byte {(json.BytePositionInLine ?? 0) + 1}: {(end < 0 ? message : message[..end])}");
    }
}
