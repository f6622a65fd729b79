using System.Globalization;
using Microsoft.AspNetCore.Http;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>"Trailers-Only" of gRPC over HTTP/2: the status stands in the headers, and nothing follows.</summary>
internal static class GrpcReply
{
    public static void Write(HttpContext http, ExportReply reply)
    {
        var headers = http.Response.Headers;
        headers.ContentType = "application/grpc";
        headers["grpc-status"] = ((int)reply.Status).ToString(CultureInfo.InvariantCulture);
        headers["grpc-message"] = Uri.EscapeDataString(reply.Message);
        foreach (var trailer in reply.Trailers)
        {
            headers[trailer.Name] = trailer.Value;
        }
    }
}
