using System.Net.Sockets;

namespace OtlpTap.Hosting;

/// <summary>Why a handshake failed, in words for who has to mend it.</summary>
internal static class HandshakeFailure
{
    private const string Gone = "it went away during the handshake, as clients do that do not trust the certificate of this port";

    // What OpenSSL and .NET say, and what it comes from.
    private static readonly (string Said, string Meaning)[] Known =
    [
        ("alert unknown ca", "it does not trust the certificate of this port: it needs its authority (ca_file)"),
        ("alert bad certificate", "it refuses the certificate of this port: it does not trust its authority (ca_file), or asked by a name that is not in it"),
        ("alert certificate unknown", "it refuses the certificate of this port: it does not trust its authority (ca_file), or asked by a name that is not in it"),
        ("alert certificate expired", "it refuses the certificate of this port, which has expired"),
        ("rejected by the provided RemoteCertificateValidationCallback", "it has no client certificate that tls.client_ca_file vouches for: none at all, or one of another authority, expired, or for something else"),
        ("unsupported protocol", "it speaks no version of TLS that this port takes (tls.min_version, tls.max_version)"),
        ("alert protocol version", "it speaks no version of TLS that this port takes (tls.min_version, tls.max_version)"),
        ("no shared cipher", "it has no cipher suite in common with this port"),
        ("no application protocol", "it speaks no version of HTTP that this port takes, as OTLP/HTTP does at the port of OTLP/gRPC"),
        ("unexpected EOF", Gone),
        ("corrupted frame", "it speaks no TLS"),
        ("wrong version number", "it speaks no TLS"),
    ];

    /// <param name="exception">Null where it took too long.</param>
    public static string Describe(Exception? exception)
    {
        if (exception is null)
        {
            return "it did not end the handshake in time";
        }

        var said = exception.Message;
        for (var inner = exception.InnerException; inner is not null; inner = inner.InnerException)
        {
            if (inner is SocketException)
            {
                return Gone;
            }

            said = $"{said} {inner.Message}";
        }

        foreach (var (known, meaning) in Known)
        {
            if (said.Contains(known, StringComparison.OrdinalIgnoreCase))
            {
                return meaning;
            }
        }

        return said;
    }
}
