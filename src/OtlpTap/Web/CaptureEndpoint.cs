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
    private const int BodyBytesMax = 16 << 10;
    private const int FailureLengthMax = 64;
    private const int CommentLengthMax = 4096;

    public static void MapCapture(this IEndpointRouteBuilder endpoints, CaptureTrace capture) =>
        endpoints.MapMethods("/api/v1/traces/{id}/capture", [HttpMethods.Post], http => CaptureAsync(http, capture));

    private static async Task CaptureAsync(HttpContext http, CaptureTrace capture)
    {
        if (await ApiExchange.IsRefusedAsync(http))
        {
            return;
        }

        if (await ApiExchange.ReadAsync(http, BodyBytesMax) is not { } body)
        {
            await ApiExchange.ErrorAsync(http, StatusCodes.Status413PayloadTooLarge, $"the body has more than {BodyBytesMax} bytes");
            return;
        }

        if (Problem(body, out var failure, out var comment) is { } problem)
        {
            await ApiExchange.ErrorAsync(http, StatusCodes.Status400BadRequest, problem);
            return;
        }

        var id = (string)http.Request.RouteValues["id"]!;
        switch (capture(id, failure, comment))
        {
            case CaptureAnswer.Scheduled:
                await ApiExchange.WriteAsync(http, StatusCodes.Status202Accepted, ("trace_id", id.ToLowerInvariant()), ("status", "scheduled"));
                break;

            case CaptureAnswer.InvalidId:
                await ApiExchange.ErrorAsync(http, StatusCodes.Status400BadRequest, "a trace id is 32 hexadecimal digits, not all of them 0");
                break;

            case CaptureAnswer.NotRecorded:
                await ApiExchange.ErrorAsync(http, StatusCodes.Status404NotFound, "nothing of this trace is in the recorder");
                break;

            default:
                http.Response.Headers.RetryAfter = "60";
                await ApiExchange.ErrorAsync(http, StatusCodes.Status503ServiceUnavailable, "as many cases as may wait are waiting, or corpus.cases_per_hour is used up");
                break;
        }
    }

    /// <summary>Nothing, or <c>{ "failure": "...", "comment": "..." }</c>. Null when it is that.</summary>
    private static string? Problem(ReadOnlyMemory<byte> body, out string? failure, out string? comment)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var problem = ApiExchange.Problem(body, ["failure", "comment"], values);
        (failure, comment) = (values.GetValueOrDefault("failure"), values.GetValueOrDefault("comment"));
        if (problem is not null)
        {
            return problem;
        }

        if (failure is not null && (failure.Length is 0 or > FailureLengthMax || failure.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.'))))
        {
            return $"`failure` must be up to {FailureLengthMax} letters, digits, `_`, `-` and `.`";
        }

        return comment?.Length > CommentLengthMax ? $"`comment` must be no longer than {CommentLengthMax} characters" : null;
    }
}
