using System.Buffers;
using System.Text;
using System.Text.Json;

namespace OtlpTap.Detectors;

/// <summary>JSON that stands in texts of strangers: bounded in length and depth, never thrown at anybody.</summary>
internal static class JsonText
{
    /// <summary>A megabyte of arguments or result is not looked into: it takes longer than what is learned from it.</summary>
    public const int CharsMax = 1 << 20;

    private const int DepthMax = 64;

    private static readonly JsonDocumentOptions Bounded = new() { MaxDepth = DepthMax };

    /// <summary>Whether it may be JSON and is short enough to be asked.</summary>
    public static bool IsReadable(string text) => text.Length is > 0 and <= CharsMax;

    /// <summary>Null for what is no JSON, too long or too deep; <paramref name="isBroken"/> where it is certain that it is no JSON.</summary>
    public static JsonDocument? Parse(string text, out bool isBroken)
    {
        isBroken = false;
        if (!IsReadable(text))
        {
            return null;
        }

        try
        {
            return JsonDocument.Parse(text, Bounded);
        }
        catch (JsonException)
        {
            isBroken = !IsTooDeep(text);
            return null;
        }
    }

    /// <summary>
    /// The same text for the same value: members by name, no white space, numbers as they are. Of what is no JSON the text
    /// without white space around it.
    /// </summary>
    public static string Canonical(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return "";
        }

        using var document = Parse(text, out _);
        if (document is null)
        {
            return text.Trim();
        }

        // Arguments are also written as a JSON string that holds the JSON.
        if (document.RootElement.ValueKind == JsonValueKind.String)
        {
            var inner = document.RootElement.GetString()!.Trim();
            return inner.StartsWith('{') ? Canonical(inner) : inner;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { MaxDepth = DepthMax, SkipValidation = true }))
        {
            Write(document.RootElement, json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(JsonElement element, Utf8JsonWriter json)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var member in element.EnumerateObject().OrderBy(static member => member.Name, StringComparer.Ordinal))
                {
                    json.WritePropertyName(member.Name);
                    Write(member.Value, json);
                }

                json.WriteEndObject();
                break;

            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                {
                    Write(item, json);
                }

                json.WriteEndArray();
                break;

            default:
                element.WriteTo(json);
                break;
        }
    }

    private static bool IsTooDeep(string text)
    {
        var depth = 0;
        foreach (var character in text)
        {
            depth += character is '{' or '[' ? 1 : character is '}' or ']' ? -1 : 0;
            if (depth > DepthMax)
            {
                return true;
            }
        }

        return false;
    }
}
