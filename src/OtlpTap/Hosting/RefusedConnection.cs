using System.Text;
using Microsoft.AspNetCore.Connections;
using OtlpTap.Receive;

namespace OtlpTap.Hosting;

/// <summary>A connection that speaks another protocol than its port, before any server has it.</summary>
internal static class RefusedConnection
{
    /// <summary>A method comes first, in capital letters.</summary>
    public static bool SaysRequest(ConnectionContext connection) => ConnectionOpening.FirstByteOf(connection) is { } first && char.IsAsciiLetterUpper((char)first);

    /// <summary>
    /// In HTTP/1.1, whatever it speaks: clients that expect something else know the first bytes of that and say so. Go's, as of the
    /// Collector, says for TLS "server gave HTTP response to HTTPS client", and for HTTP/2 that the header "looked like an HTTP/1.1 header".
    /// </summary>
    /// <param name="text">ASCII.</param>
    public static async Task AnswerAsync(ConnectionContext connection, string text) =>
        await connection.Transport.Output.WriteAsync(Encoding.ASCII.GetBytes(
            $"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {text.Length + 1}\r\nConnection: close\r\n\r\n{text}\n"));
}
