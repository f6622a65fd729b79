using System.Globalization;
using System.Text;
using Grpc.Core;

namespace OtlpTap.Forward;

/// <summary>The status part of a gRPC answer as it stands in HTTP/2 headers (grpc/grpc doc/PROTOCOL-HTTP2.md, "Responses").</summary>
internal static class GrpcStatus
{
    /// <summary>For an answer without <c>grpc-status</c> (grpc/grpc doc/http-grpc-status-mapping.md; 404 is UNIMPLEMENTED, 400 is INTERNAL there).</summary>
    public static StatusCode FromHttp(int status) => status switch
    {
        400 => StatusCode.Internal,
        401 => StatusCode.Unauthenticated,
        403 => StatusCode.PermissionDenied,
        404 => StatusCode.Unimplemented,
        429 or 502 or 503 or 504 => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };

    /// <summary>Reads a <c>grpc-status</c> value; a code that gRPC does not define is UNKNOWN, as in every gRPC client. False when it is no number.</summary>
    public static bool TryParse(ReadOnlySpan<char> value, out StatusCode status)
    {
        if (!uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var code))
        {
            status = StatusCode.Unknown;
            return false;
        }

        status = code <= (uint)StatusCode.Unauthenticated ? (StatusCode)code : StatusCode.Unknown;
        return true;
    }

    /// <summary>
    /// Decodes <c>grpc-message</c>: percent-encoded UTF-8, read from the wire as Latin-1. What is no valid escape stays
    /// as it is ("decoders must not fail on invalid values"); UTF-8 sent without escapes is understood, broken UTF-8
    /// becomes replacement characters.
    /// </summary>
    public static string DecodeMessage(string latin1)
    {
        if (!latin1.Contains('%') && Ascii.IsValid(latin1))
        {
            return latin1;
        }

        var bytes = new byte[latin1.Length];
        var length = 0;
        for (var i = 0; i < latin1.Length; i++)
        {
            if (latin1[i] == '%' && i + 2 < latin1.Length
                && byte.TryParse(latin1.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var escaped))
            {
                bytes[length++] = escaped;
                i += 2;
            }
            else
            {
                bytes[length++] = (byte)latin1[i];
            }
        }

        return Encoding.UTF8.GetString(bytes, 0, length);
    }
}
