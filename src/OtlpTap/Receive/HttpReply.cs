using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>
/// The one table from an answer to what goes over OTLP/HTTP: 200 with the response message, or an error status with a
/// <c>google.rpc.Status</c>, in the form in which the request came (https://opentelemetry.io/docs/specs/otlp/,
/// "OTLP/HTTP Response"). Senders retry 429, 502, 503 and 504, and nothing else; so a status that is retryable on gRPC must
/// become one of these, and any other must not.
/// </summary>
internal static class HttpReply
{
    // The longest that a byte of a message becomes in JSON: \u00XX.
    private const int JsonExpansionMax = 6;

    public static int StatusOf(ExportReply reply) => reply.Status switch
    {
        StatusCode.OK => StatusCodes.Status200OK,

        // An answer that came over HTTP goes back as it was.
        _ when reply.HttpStatus is >= 400 and < 600 => reply.HttpStatus,
        StatusCode.InvalidArgument or StatusCode.FailedPrecondition => StatusCodes.Status400BadRequest,
        StatusCode.Unauthenticated => StatusCodes.Status401Unauthorized,
        StatusCode.PermissionDenied => StatusCodes.Status403Forbidden,
        StatusCode.Unimplemented or StatusCode.NotFound => StatusCodes.Status404NotFound,
        StatusCode.AlreadyExists => StatusCodes.Status409Conflict,
        StatusCode.Cancelled
            or StatusCode.DeadlineExceeded
            or StatusCode.Aborted
            or StatusCode.OutOfRange
            or StatusCode.Unavailable
            or StatusCode.DataLoss => StatusCodes.Status503ServiceUnavailable,
        StatusCode.ResourceExhausted when TryReadRetryDelay(reply, out _) => StatusCodes.Status429TooManyRequests,

        // RESOURCE_EXHAUSTED without RetryInfo is permanent, but of what upstreams exhaust is not said: the size of a
        // message, that of the response, a quota. 413 would claim the first of them; 500 claims nothing and is what the
        // specification has for a response that is too large. The code and the upstream's message stand in the Status.
        _ => StatusCodes.Status500InternalServerError,
    };

    public static Task WriteAsync(HttpContext http, Signal signal, HttpMediaType type, ExportReply reply) =>
        reply.Status == StatusCode.OK
            ? WriteAsync(http, StatusCodes.Status200OK, type, HttpMediaTypes.IsProtobuf(type) ? ReplyLimit.Fit(reply.Body) : JsonResponse(signal, reply.Body.Span))
            : WriteErrorAsync(http, type, reply);

    /// <summary>Answers with an error.</summary>
    public static Task WriteErrorAsync(HttpContext http, HttpMediaType type, ExportReply reply)
    {
        var httpStatus = StatusOf(reply);
        if (IsRetryable(httpStatus) && TryReadRetryDelay(reply, out var delay))
        {
            // Whole seconds: not before the time, and never none at all, which is no delay for many senders.
            var seconds = Math.Max(1, (long)Math.Ceiling(delay.TotalSeconds));
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        var status = StatusMessageOf(reply);
        return WriteAsync(http, httpStatus, type, HttpMediaTypes.IsProtobuf(type) ? status : Json(status, static (status, json) => StatusJson.Write(status, json)));
    }

    private static Task WriteAsync(HttpContext http, int status, HttpMediaType type, ReadOnlyMemory<byte> body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = HttpMediaTypes.NameOf(type);
        http.Response.ContentLength = body.Length;
        return body.IsEmpty ? Task.CompletedTask : http.Response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }

    private static bool IsRetryable(int httpStatus) => httpStatus is 429 or 502 or 503 or 504;

    private static ReadOnlyMemory<byte> JsonResponse(Signal signal, ReadOnlySpan<byte> response)
    {
        // What of an upstream's answer cannot be read was a success all the same.
        if (response.IsEmpty || !PartialSuccess.TryRead(response, out var partial))
        {
            return "{}"u8.ToArray();
        }

        var written = JsonResponse(signal, partial);
        if (written.Length > ReplyLimit.BytesMax)
        {
            PartialSuccess.TryRead(partial.ToResponse(ReplyLimit.BytesMax / JsonExpansionMax), out partial);
            written = JsonResponse(signal, partial);
        }

        return written;
    }

    private static ReadOnlyMemory<byte> JsonResponse(Signal signal, PartialSuccess partial) =>
        Json((signal, partial), static (response, json) => response.partial.WriteResponse(response.signal, json));

    private static ReadOnlyMemory<byte> Json<TMessage>(TMessage message, Action<TMessage, Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            write(message, json);
        }

        return buffer.WrittenMemory;
    }

    /// <summary>The upstream's own <c>google.rpc.Status</c> where it sent one that can be read, with its details as they came.</summary>
    private static byte[] StatusMessageOf(ExportReply reply)
    {
        foreach (var trailer in reply.Trailers)
        {
            if (trailer.Name == StatusDetails.TrailerName && StatusDetails.TryReadTrailer(trailer.Value, out var status) && status.Length > 0)
            {
                return status;
            }
        }

        return StatusDetails.Plain(reply.Status, reply.Message);
    }

    private static bool TryReadRetryDelay(ExportReply reply, out TimeSpan delay)
    {
        foreach (var trailer in reply.Trailers)
        {
            if (trailer.Name == StatusDetails.TrailerName
                && StatusDetails.TryReadTrailer(trailer.Value, out var status)
                && StatusDetails.TryReadRetryDelay(status, out delay))
            {
                return true;
            }
        }

        delay = default;
        return false;
    }
}
