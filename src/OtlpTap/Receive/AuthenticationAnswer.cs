using System.Globalization;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>
/// Tells a sender that it is not let in, in the form in which it asked: a gRPC status as trailers alone, 401 with a
/// <c>google.rpc.Status</c> in the request's content type ("OTLP/HTTP Response", Failures), or plain text.
/// </summary>
internal static class AuthenticationAnswer
{
    private const string Grpc = "application/grpc";
    private const string Protobuf = "application/x-protobuf";
    private const string Json = "application/json";

    private const string Refused = "the credentials are missing or not known";
    private const string Busy = "too many passwords are being checked";

    public static Task WriteAsync(HttpContext http, Authentication answer, string challenge)
    {
        var type = http.Request.ContentType;
        var (status, code, message) = answer == Authentication.Busy
            ? (StatusCode.Unavailable, StatusCodes.Status503ServiceUnavailable, Busy)
            : (StatusCode.Unauthenticated, StatusCodes.Status401Unauthorized, Refused);
        if (Admission.IsGrpc(http.Request))
        {
            WriteTrailers(http, status, message);
            return Task.CompletedTask;
        }

        http.Response.StatusCode = code;
        if (code == StatusCodes.Status401Unauthorized)
        {
            http.Response.Headers.WWWAuthenticate = challenge;
        }
        else
        {
            http.Response.Headers.RetryAfter = Math.Ceiling(Refusals.RetryDelay.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }

        var (body, bodyType) = Is(type, Protobuf) ? (StatusDetails.Plain(status, message), Protobuf)
            : Is(type, Json) ? (Encoding.UTF8.GetBytes($$"""{"code":{{(int)status}},"message":"{{message}}"}"""), Json)
            : (Encoding.UTF8.GetBytes(message + "\n"), "text/plain; charset=utf-8");
        http.Response.ContentType = bodyType;
        http.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }

    // "Trailers-Only" of gRPC over HTTP/2: the status stands in the headers, and nothing follows.
    private static void WriteTrailers(HttpContext http, StatusCode status, string message)
    {
        var headers = http.Response.Headers;
        headers.ContentType = Grpc;
        headers["grpc-status"] = ((int)status).ToString(CultureInfo.InvariantCulture);
        headers["grpc-message"] = Uri.EscapeDataString(message);
        if (status == StatusCode.Unavailable)
        {
            var retry = StatusDetails.Trailer(StatusDetails.RetryInfo(status, message, Refusals.RetryDelay));
            headers[retry.Name] = retry.Value;
        }
    }

    private static bool Is(string? type, string wanted) => type?.StartsWith(wanted, StringComparison.OrdinalIgnoreCase) == true;
}
