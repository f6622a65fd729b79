using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OtlpTap.Receive;

namespace OtlpTap.Hosting;

/// <summary>
/// TLS at a port in the clear, and HTTP in the clear at a port with TLS: one of the two was configured otherwise than the other. SDKs
/// and browsers speak of a wrong version or of a reset, so the log says what it is, and the sender gets it in words if it reads them.
/// </summary>
/// <param name="silenceMax">How long a connection may say nothing, before Kestrel's own time-outs begin.</param>
/// <param name="counted">Told of each such connection.</param>
internal sealed class TlsMismatch(ListenerName listener, bool hasTls, TimeSpan silenceMax, Action counted, ILogger log, TimeProvider time)
{
    /// <summary>A sender comes again every few seconds for as long as it is configured so.</summary>
    public static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private const byte HandshakeRecord = 22; // RFC 8446, 5.1: the first byte of what a client of TLS says

    private readonly RareLines _lines = new(log, LogInterval, time);

    public void Use(ListenOptions listen) => listen.Use(next => connection => ServeAsync(connection, next));

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        switch (await ConnectionOpening.OfAsync(connection, silenceMax, time))
        {
            case Opening.Gone:
                break;

            case Opening.Http2 when hasTls:
                await RefuseClearAsync(connection, "HTTP/2");
                break;

            case Opening.Http1 when hasTls && RefusedConnection.SaysRequest(connection):
                await RefuseClearAsync(connection, "HTTP/1.1");
                break;

            case Opening.Http1 when !hasTls && ConnectionOpening.FirstByteOf(connection) == HandshakeRecord:
                await RefuseTlsAsync(connection);
                break;

            default:
                await next(connection);
                break;
        }
    }

    private Task RefuseClearAsync(ConnectionContext connection, string protocol)
    {
        counted();
        if (_lines.TryTake())
        {
            log.ClearAtTlsPort(listener, connection.RemoteEndPoint, protocol);
        }

        return RefusedConnection.AnswerAsync(connection, "this port takes TLS alone: use https://");
    }

    private Task RefuseTlsAsync(ConnectionContext connection)
    {
        counted();
        if (_lines.TryTake())
        {
            log.TlsAtClearPort(listener, connection.RemoteEndPoint, Remedy);
        }

        return RefusedConnection.AnswerAsync(connection, "this port takes no TLS: use http://");
    }

    private string Remedy => listener.Role switch
    {
        ListenerRole.Metrics => "let it be asked without, or scrape service.admin, which may have tls",
        ListenerRole.Admin => "set service.admin.tls, or let it be asked without: http://",
        ListenerRole.Health => "set tls of the health_check extension, or let it be asked without: http://",
        _ => $"set receivers.{listener.Receiver}.protocols.{listener.Role.ToString().ToLowerInvariant()}.tls, or let the sender go without: http://, or insecure: true",
    };
}
