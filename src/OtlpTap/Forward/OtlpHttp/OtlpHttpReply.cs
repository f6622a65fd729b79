using System.Globalization;
using System.Text;
using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.OtlpHttp;

/// <summary>
/// What an HTTP answer means (OTLP specification, "OTLP/HTTP Response"). The HTTP status decides whether to send again;
/// what the body says more exactly is taken over where it does not contradict.
/// <code>
///   2xx   Export*ServiceResponse, protobuf or JSON; any other body, or none, is full success (Loki 204, Prometheus 200)
///   else  google.rpc.Status, protobuf or JSON; any other body is text for people
///         (Loki since 3.4 sends the protobuf and leaves its type to Go, which calls it application/octet-stream)
/// </code>
/// </summary>
internal static class OtlpHttpReply
{
    public const string ProtobufType = "application/x-protobuf";
    public const string JsonType = "application/json";

    /// <summary>Of a body that is no Status, so many bytes become the message.</summary>
    public const int TextBytesMax = 1024;

    /// <summary>Says whether to read a body to its end.</summary>
    public static bool IsMessage(string? mediaType, bool isSuccess) => IsProtobuf(mediaType) || IsJson(mediaType) || (!isSuccess && IsUntyped(mediaType));

    public static UpstreamAnswer Read(UpstreamEndpoint endpoint, int status, string? mediaType, ReadOnlySpan<byte> body, TimeSpan? retryAfter) =>
        status is >= 200 and < 300 ? ReadAccepted(endpoint, mediaType, body) : ReadFailure(endpoint, status, mediaType, body, retryAfter);

    private static UpstreamAnswer ReadAccepted(UpstreamEndpoint endpoint, string? mediaType, ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty || !IsMessage(mediaType, isSuccess: true))
        {
            return UpstreamAnswer.Accepted;
        }

        if (IsJson(mediaType))
        {
            return !PartialSuccessJson.TryRead(body, out var partial) ? Malformed(endpoint, "JSON")
                : partial is { } found ? Accepted(found.ToResponse())
                : UpstreamAnswer.Accepted;
        }

        return PartialSuccess.TryRead(body, out _) ? Accepted(body.ToArray()) : Malformed(endpoint, "protobuf");
    }

    private static UpstreamAnswer Accepted(byte[] body) => new(UpstreamOutcome.Answered, new ExportReply(StatusCode.OK, "", body, []));

    private static UpstreamAnswer Malformed(UpstreamEndpoint endpoint, string form) => new(
        UpstreamOutcome.Malformed,
        new ExportReply(StatusCode.Internal, $"upstream {endpoint}: the response is no well-formed {form} message of OTLP", default, []));

    private static UpstreamAnswer ReadFailure(UpstreamEndpoint endpoint, int httpStatus, string? mediaType, ReadOnlySpan<byte> body, TimeSpan? retryAfter)
    {
        RpcStatus found = default;
        var isStatus = !body.IsEmpty && (IsProtobuf(mediaType) || IsUntyped(mediaType) ? RpcStatus.TryRead(body, out found) : IsJson(mediaType) && RpcStatus.TryReadJson(body, out found));
        var isRetryable = IsRetryable(httpStatus);
        var code = CodeOf(httpStatus, isStatus ? found.Code : 0, isRetryable);
        var message = isStatus ? found.Message : TextOf(body);
        if (message.Length == 0)
        {
            message = string.Create(CultureInfo.InvariantCulture, $"upstream {endpoint}: answered HTTP {httpStatus}");
        }

        var reply = new ExportReply(code, message, default, Details(isStatus ? found.Details : [], code, message, isRetryable, retryAfter)) { HttpStatus = httpStatus };
        return new UpstreamAnswer(isStatus || SpeaksForItself(httpStatus) ? UpstreamOutcome.Answered : UpstreamOutcome.NotGrpc, reply);
    }

    // "Retryable Response Codes": these and no others.
    private static bool IsRetryable(int httpStatus) => httpStatus is 429 or 502 or 503 or 504;

    private static StatusCode CodeOf(int httpStatus, int codeInBody, bool isRetryable)
    {
        var code = FromHttp(httpStatus);

        // What the body says is more exact, as ABORTED behind a 503, but may not turn a final answer into a retryable one or back.
        return codeInBody is > 0 and <= (int)StatusCode.Unauthenticated
            && code != StatusCode.ResourceExhausted
            && IsRetryable((StatusCode)codeInBody) == isRetryable
            ? (StatusCode)codeInBody
            : code;
    }

    private static bool IsRetryable(StatusCode code) => FailureKind.IsRetryable(new ExportReply(code, "", default, []));

    // 413 is RESOURCE_EXHAUSTED without a RetryInfo, as over gRPC: too large, and not to be sent again.
    private static StatusCode FromHttp(int status) => status switch
    {
        400 => StatusCode.InvalidArgument,
        401 => StatusCode.Unauthenticated,
        403 => StatusCode.PermissionDenied,
        404 or 405 or 415 or 501 => StatusCode.Unimplemented,
        413 or 429 => StatusCode.ResourceExhausted,
        500 => StatusCode.Internal,
        502 or 503 or 504 => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };

    // Statuses that a backend gives without a Status body (Prometheus, Loki before 3.4). 404, 405 and redirects say
    // that this is another kind of server, 5xx that something in front of it may speak.
    private static bool SpeaksForItself(int status) => status is >= 400 and < 500 and not (404 or 405 or 407);

    /// <summary>The details of the body, with a RetryInfo where HTTP asks for one; a RetryInfo against HTTP's word is taken out with all the rest.</summary>
    private static ReplyTrailer[] Details(byte[] details, StatusCode code, string message, bool isRetryable, TimeSpan? retryAfter)
    {
        var asksForRetry = StatusDetails.TryReadRetryDelay(details, out var delay);
        if (!isRetryable)
        {
            return details.Length == 0 || asksForRetry ? [] : [StatusDetails.Trailer(details)];
        }

        // What the header asks for is to be honoured, also against a shorter time in the body; less than a second is the
        // rounding of a header that has whole seconds only.
        if (asksForRetry ? retryAfter - delay >= TimeSpan.FromSeconds(1) : retryAfter is not null || code == StatusCode.ResourceExhausted)
        {
            // Serialized messages concatenate to their union: of the numbers the last counts, of the details all, and of
            // several RetryInfos the last.
            details = [.. details, .. StatusDetails.RetryInfo(code, message, retryAfter ?? Refusals.RetryDelay)];
        }

        return details.Length == 0 ? [] : [StatusDetails.Trailer(details)];
    }

    private static string TextOf(ReadOnlySpan<byte> body)
    {
        var text = new StringBuilder(Encoding.UTF8.GetString(body[..Math.Min(body.Length, TextBytesMax)]));
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = char.IsControl(text[i]) ? ' ' : text[i];
        }

        return text.ToString().Trim();
    }

    private static bool IsProtobuf(string? mediaType) =>
        Is(mediaType, ProtobufType) || Is(mediaType, "application/protobuf");

    private static bool IsUntyped(string? mediaType) => Is(mediaType, "application/octet-stream");

    private static bool IsJson(string? mediaType) => Is(mediaType, JsonType);

    private static bool Is(string? mediaType, string type) => string.Equals(mediaType, type, StringComparison.OrdinalIgnoreCase);
}
