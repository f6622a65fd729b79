using System.Buffers;
using System.Text.Json;

namespace OtlpTap.Web;

/// <summary>What became of the wish that a trace be kept.</summary>
internal enum CaptureAnswer
{
    /// <summary>Its case is written once the trace has been quiet for the settle time.</summary>
    Scheduled,

    /// <summary>The id is none.</summary>
    InvalidId,

    /// <summary>Nothing of the trace is in the recorder.</summary>
    NotRecorded,

    /// <summary>As many cases as may wait are waiting, or an hour has had its number.</summary>
    Full,
}

/// <summary>Keeps a trace. Answers at once.</summary>
/// <param name="failure">What kind of failure it is; null where nobody said.</param>
/// <param name="comment">Why, for people.</param>
internal delegate CaptureAnswer CaptureTrace(string traceId, string? failure, string? comment);

/// <summary><c>POST /api/v1/traces/{id}/capture</c> of the admin port: somebody wants a trace to be kept as a case.</summary>
internal static class CaptureEndpoint
{
    private const string JsonType = "application/json";
    private const int BodyBytesMax = 16 << 10;
    private const int FailureLengthMax = 64;
    private const int CommentLengthMax = 4096;

    public static void MapCapture(this IEndpointRouteBuilder endpoints, CaptureTrace capture) =>
        endpoints.MapMethods("/api/v1/traces/{id}/capture", [HttpMethods.Post], http => CaptureAsync(http, capture));

    private static async Task CaptureAsync(HttpContext http, CaptureTrace capture)
    {
        // A page that a browser shows could post here too, and browsers say so.
        if (http.Request.Headers.ContainsKey("Origin") || http.Request.Headers.ContainsKey("Sec-Fetch-Site"))
        {
            await ErrorAsync(http, StatusCodes.Status403Forbidden, "not from a browser");
            return;
        }

        if (await ReadAsync(http) is not { } body)
        {
            await ErrorAsync(http, StatusCodes.Status413PayloadTooLarge, $"the body has more than {BodyBytesMax} bytes");
            return;
        }

        if (Problem(body, out var failure, out var comment) is { } problem)
        {
            await ErrorAsync(http, StatusCodes.Status400BadRequest, problem);
            return;
        }

        var id = (string)http.Request.RouteValues["id"]!;
        switch (capture(id, failure, comment))
        {
            case CaptureAnswer.Scheduled:
                await WriteAsync(http, StatusCodes.Status202Accepted, ("trace_id", id.ToLowerInvariant()), ("status", "scheduled"));
                break;

            case CaptureAnswer.InvalidId:
                await ErrorAsync(http, StatusCodes.Status400BadRequest, "a trace id is 32 hexadecimal digits, not all of them 0");
                break;

            case CaptureAnswer.NotRecorded:
                await ErrorAsync(http, StatusCodes.Status404NotFound, "nothing of this trace is in the recorder");
                break;

            default:
                http.Response.Headers.RetryAfter = "60";
                await ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, "as many cases as may wait are waiting, or corpus.cases_per_hour is used up");
                break;
        }
    }

    // Null when it is too long.
    private static async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpContext http)
    {
        var body = new byte[BodyBytesMax + 1];
        var length = await http.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, http.RequestAborted);
        if (length > BodyBytesMax)
        {
            return null; // not in one expression: `null` would become an empty Memory
        }

        return body.AsMemory(0, length);
    }

    /// <summary>Nothing, or <c>{ "failure": "...", "comment": "..." }</c>. Null when it is that.</summary>
    private static string? Problem(ReadOnlyMemory<byte> body, out string? failure, out string? comment)
    {
        (failure, comment) = (null, null);
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

                switch (property.Name)
                {
                    case "failure":
                        failure = property.Value.GetString();
                        break;
                    case "comment":
                        comment = property.Value.GetString();
                        break;
                    default:
                        return $"`{property.Name}` is not known: there are `failure` and `comment`";
                }
            }
        }
        catch (JsonException exception)
        {
            return $"the body is no JSON: {exception.Message}";
        }
        catch (InvalidOperationException)
        {
            return "the body has a string that is no text"; // half of a surrogate pair
        }

        if (failure is not null && (failure.Length is 0 or > FailureLengthMax || failure.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.'))))
        {
            return $"`failure` must be up to {FailureLengthMax} letters, digits, `_`, `-` and `.`";
        }

        return comment?.Length > CommentLengthMax ? $"`comment` must be no longer than {CommentLengthMax} characters" : null;
    }

    private static Task ErrorAsync(HttpContext http, int status, string error) => WriteAsync(http, status, ("error", error));

    private static async Task WriteAsync(HttpContext http, int status, params (string Key, string Value)[] members)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            foreach (var (key, value) in members)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }

        http.Response.StatusCode = status;
        http.Response.ContentType = JsonType;
        http.Response.ContentLength = body.WrittenCount;
        await http.Response.Body.WriteAsync(body.WrittenMemory, http.RequestAborted);
    }
}
