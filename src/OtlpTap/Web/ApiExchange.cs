using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Web;

/// <summary>What all endpoints below <c>/api/v1</c> do alike: who may ask, how much they may say, and how they are answered.</summary>
internal static class ApiExchange
{
    private const string JsonType = "application/json";

    // People read it behind curl: `, " and < of a sentence stay as they are. No page has it in its text.
    public static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// A page that a browser shows could ask here too, and browsers say so. What a person types into the address bar comes from no
    /// page; and where a link leads to, as from a dashboard to its cases, the page that has the link cannot read.
    /// </summary>
    public static bool IsFromPage(HttpContext http)
    {
        var headers = http.Request.Headers;
        return headers.ContainsKey("Origin")
            || (headers.TryGetValue("Sec-Fetch-Site", out var site) && !(HttpMethods.IsGet(http.Request.Method) && (site == "none" || IsLink(headers, site))));
    }

    // Of its own origin a page could read it, and so can one whose name was made to lead here.
    private static bool IsLink(IHeaderDictionary headers, string? site) =>
        site is "cross-site" or "same-site" && headers["Sec-Fetch-Mode"] == "navigate" && headers["Sec-Fetch-Dest"] == "document";

    /// <summary>The body; null when it has more than <paramref name="bytesMax"/>.</summary>
    public static async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpContext http, int bytesMax)
    {
        var body = new byte[bytesMax + 1];
        var length = await http.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, http.RequestAborted);
        if (length > bytesMax)
        {
            return null; // not in one expression: `null` would become an empty Memory
        }

        return body.AsMemory(0, length);
    }

    /// <summary>The strings of a JSON object with these keys and no others, or why it is none. An empty body has none of them.</summary>
    public static string? Problem(ReadOnlyMemory<byte> body, ReadOnlySpan<string> keys, Dictionary<string, string> values)
    {
        if (body.Span.Trim(" \t\r\n"u8).IsEmpty)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(body);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                return "the body must be a JSON object";
            }

            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.Value.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
                {
                    return $"`{property.Name}` must be a string";
                }

                if (!keys.Contains(property.Name))
                {
                    return $"`{property.Name}` is not known: there are {Listed(keys)}";
                }

                if (property.Value.GetString() is { } value)
                {
                    values[property.Name] = value;
                }
            }
        }
        catch (JsonException exception)
        {
            return $"the body is no JSON: {BrokenJson.Describe(body.Span, exception)}";
        }
        catch (InvalidOperationException)
        {
            return "the body has a string that is no text"; // half of a surrogate pair
        }

        return null;
    }

    /// <summary>True: it comes from a page, and that has been said.</summary>
    public static async Task<bool> IsRefusedAsync(HttpContext http)
    {
        var isFromPage = IsFromPage(http);
        if (isFromPage)
        {
            await ErrorAsync(http, StatusCodes.Status403Forbidden, "not from a browser");
        }

        return isFromPage;
    }

    public static Task ErrorAsync(HttpContext http, int status, string error) => WriteAsync(http, status, ("error", error));

    /// <summary>A few words. What may be large is written by <see cref="Answers"/>.</summary>
    public static async Task WriteAsync(HttpContext http, int status, params (string Key, string Value)[] members)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, Readable))
        {
            json.WriteStartObject();
            foreach (var (key, value) in members)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }

        WriteHead(http, status, body.WrittenCount);
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(body.WrittenMemory, http.RequestAborted);
        }
    }

    public static void WriteHead(HttpContext http, int status, long length)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = JsonType;
        http.Response.ContentLength = length;
        if (http.Response.Headers.CacheControl.Count == 0)
        {
            http.Response.Headers.CacheControl = "no-store";
        }
    }

    /// <summary>`a`, `b` and `c`.</summary>
    public static string Listed(ReadOnlySpan<string> keys)
    {
        var quoted = keys.ToArray().Select(static key => $"`{key}`").ToArray();
        return quoted.Length == 1 ? quoted[0] : $"{string.Join(", ", quoted[..^1])} and {quoted[^1]}";
    }
}
