using System.Buffers;
using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Pull;

/// <summary>
/// Tempo's JSON of a trace made into OTLP/JSON. It is protobuf's own mapping: ids in base64, enums by their names, and the
/// resources under <c>batches</c> or <c>resourceSpans</c>; older versions have <c>instrumentationLibrarySpans</c>.
/// </summary>
internal static class TempoJson
{
    // One attribute value within another, each two levels of JSON: what OTLP/JSON takes fits.
    private const int DepthMax = 512;

    /// <summary>The serialized request; null with the reason when it is none. <paramref name="trace"/> is the object with the resources.</summary>
    public static byte[]? Read(JsonElement trace, int bytesMax, out string problem)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { MaxDepth = DepthMax }))
        {
            Write(trace, writer, "");
        }

        var request = new ArrayBufferWriter<byte>();
        if (!OtlpJson.TryRead(Signal.Traces, json.WrittenSpan, request, out var error, bytesMax))
        {
            problem = error.Message;
            return null;
        }

        problem = "";
        return request.WrittenSpan.ToArray();
    }

    /// <summary>The serialized request with U+FFFD for what is no UTF-8 in its texts: by OTLP/JSON and back. Null where that is not what is wrong with it.</summary>
    public static byte[]? Mend(ReadOnlySpan<byte> spans)
    {
        var json = new ArrayBufferWriter<byte>(spans.Length);
        using (var writer = new Utf8JsonWriter(json, new JsonWriterOptions { MaxDepth = DepthMax }))
        {
            if (!OtlpJson.Write(Signal.Traces, spans, writer))
            {
                return null;
            }
        }

        var request = new ArrayBufferWriter<byte>(spans.Length);
        return OtlpJson.TryRead(Signal.Traces, json.WrittenSpan, request, out _, int.MaxValue) ? request.WrittenSpan.ToArray() : null;
    }

    public static JsonDocumentOptions Reading => new() { MaxDepth = DepthMax };

    private static void Write(JsonElement element, Utf8JsonWriter json, string name)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                json.WriteStartObject();
                foreach (var property in element.EnumerateObject())
                {
                    var renamed = Renamed(property.Name);
                    json.WritePropertyName(renamed);
                    Write(property.Value, json, renamed);
                }

                json.WriteEndObject();
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                {
                    Write(item, json, name);
                }

                json.WriteEndArray();
                break;
            case JsonValueKind.String:
                WriteText(element.GetString()!, json, name);
                break;
            default:
                element.WriteTo(json);
                break;
        }
    }

    // Names of properties are the schema's alone: attributes have theirs as values of `key`.
    private static string Renamed(string name) => name switch
    {
        "batches" => "resourceSpans",
        "instrumentationLibrarySpans" => "scopeSpans",
        "instrumentationLibrary" => "scope",
        _ => name,
    };

    private static void WriteText(string text, Utf8JsonWriter json, string name)
    {
        switch (name)
        {
            case "traceId" or "spanId" or "parentSpanId":
                json.WriteStringValue(Id(text, name == "traceId" ? 16 : 8));
                break;
            case "kind" when Kind(text) is { } kind:
                json.WriteNumberValue(kind);
                break;
            case "code" when Code(text) is { } code:
                json.WriteNumberValue(code);
                break;
            default:
                json.WriteStringValue(text);
                break;
        }
    }

    /// <summary>In hex, padded. Base64 of 16 and of 8 bytes ends with the filler, which hex has not.</summary>
    private static string Id(string text, int bytes)
    {
        var base64Length = (bytes + 2) / 3 * 4;
        if (text.Length <= base64Length && (text.EndsWith('=') || !text.All(char.IsAsciiHexDigit)))
        {
            Span<byte> id = stackalloc byte[base64Length];
            if (Convert.TryFromBase64String(text, id, out var count) && count <= bytes)
            {
                return Convert.ToHexStringLower(id[..count]).PadLeft(count == 0 ? 0 : 2 * bytes, '0');
            }
        }

        return text.Length == 0 ? text : text.PadLeft(2 * bytes, '0');
    }

    private static int? Kind(string text) => text switch
    {
        "SPAN_KIND_UNSPECIFIED" => 0,
        "SPAN_KIND_INTERNAL" => 1,
        "SPAN_KIND_SERVER" => 2,
        "SPAN_KIND_CLIENT" => 3,
        "SPAN_KIND_PRODUCER" => 4,
        "SPAN_KIND_CONSUMER" => 5,
        _ => null,
    };

    private static int? Code(string text) => text switch
    {
        "STATUS_CODE_UNSET" => 0,
        "STATUS_CODE_OK" => 1,
        "STATUS_CODE_ERROR" => 2,
        _ => null,
    };
}
