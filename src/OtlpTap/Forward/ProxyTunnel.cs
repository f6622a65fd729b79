using System.Text;

namespace OtlpTap.Forward;

/// <summary>Asks an HTTP proxy for a line to an upstream (RFC 9110 section 9.3.6, CONNECT); what follows on it is the upstream's TLS.</summary>
internal static class ProxyTunnel
{
    // An answer to CONNECT is some lines; what is longer is something else.
    private const int AnswerBytesMax = 8 << 10;

    /// <summary>Null when the line is open; else what the proxy said.</summary>
    /// <exception cref="IOException">The proxy closed the connection, or it broke.</exception>
    public static async Task<string?> OpenAsync(Stream line, UpstreamEndpoint upstream, Uri proxy, CancellationToken cancellation)
    {
        var request = new StringBuilder($"CONNECT {upstream.Authority} HTTP/1.1\r\nHost: {upstream.Authority}\r\n");
        if (proxy.UserInfo.Length > 0)
        {
            request.Append("Proxy-Authorization: Basic ").Append(Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(proxy.UserInfo)))).Append("\r\n");
        }

        await line.WriteAsync(Encoding.ASCII.GetBytes(request.Append("\r\n").ToString()), cancellation);

        // Byte by byte: what stands behind the empty line is not the proxy's any more.
        var answer = new byte[AnswerBytesMax];
        var length = 0;
        while (!answer.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
        {
            if (length == answer.Length)
            {
                return "the proxy's answer to CONNECT does not end";
            }

            await line.ReadExactlyAsync(answer.AsMemory(length, 1), cancellation);
            length++;
        }

        var first = Encoding.Latin1.GetString(answer, 0, answer.AsSpan().IndexOf((byte)'\r'));
        return first.Split(' ') is [var version, ['2', _, _], ..] && version.StartsWith("HTTP/1.", StringComparison.Ordinal) ? null : $"the proxy answered CONNECT with '{first}'";
    }
}
