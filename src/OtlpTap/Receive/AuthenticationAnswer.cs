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
    private const string BusyMessage = "too many passwords are being checked";

    private static readonly ExportReply Refused = new(StatusCode.Unauthenticated, "the credentials are missing or not known", default, []);

    private static readonly ExportReply Busy = new(
        StatusCode.Unavailable, BusyMessage, default, [StatusDetails.Trailer(StatusDetails.RetryInfo(StatusCode.Unavailable, BusyMessage, Refusals.RetryDelay))]);

    public static Task WriteAsync(HttpContext http, Authentication answer, string challenge)
    {
        var reply = answer == Authentication.Busy ? Busy : Refused;
        if (Admission.IsGrpc(http.Request))
        {
            GrpcReply.Write(http, reply);
            return Task.CompletedTask;
        }

        if (reply.Status == StatusCode.Unauthenticated)
        {
            http.Response.Headers.WWWAuthenticate = challenge;
        }

        var type = HttpMediaTypes.Of(http.Request.ContentType);
        return type == HttpMediaType.Unknown ? WriteTextAsync(http, reply) : HttpReply.WriteErrorAsync(http, type, reply);
    }

    private static Task WriteTextAsync(HttpContext http, ExportReply reply)
    {
        var body = Encoding.UTF8.GetBytes(reply.Message + "\n");
        http.Response.StatusCode = HttpReply.StatusOf(reply);
        http.Response.ContentType = "text/plain; charset=utf-8";
        http.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : http.Response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }
}
