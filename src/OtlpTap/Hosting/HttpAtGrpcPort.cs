using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OtlpTap.Receive;

namespace OtlpTap.Hosting;

/// <summary>
/// HTTP/1.1 at the port of OTLP/gRPC in the clear: an SDK that speaks OTLP/HTTP was given the wrong one of the two ports. Its
/// sender is told which is right, in the answer, and as SDKs seldom show that, the operator in the log.
/// </summary>
/// <param name="receiver">Whose port this is.</param>
/// <param name="silenceMax">How long a connection may say nothing, before Kestrel's own time-outs begin.</param>
/// <param name="counted">Told of each such connection.</param>
internal sealed class HttpAtGrpcPort(string receiver, TimeSpan silenceMax, Func<ListenerName, EndPoint?> boundTo, Action counted, ILogger log, TimeProvider time)
{
    /// <summary>A sender comes again every few seconds for as long as it is configured so.</summary>
    public static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private readonly RareLines _lines = new(log, LogInterval, time);

    public void Use(ListenOptions listen) => listen.Use(next => connection => ServeAsync(connection, next));

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        switch (await ConnectionOpening.OfAsync(connection, silenceMax, time))
        {
            case Opening.Http1 when RefusedConnection.SaysRequest(connection):
                await RefuseAsync(connection);
                break;

            // What is neither Kestrel ends.
            case Opening.Http1 or Opening.Http2:
                await next(connection);
                break;
        }
    }

    private async Task RefuseAsync(ConnectionContext connection)
    {
        counted();
        var place = RightPort.Of("OTLP/HTTP", boundTo(ListenerName.Http(receiver)));
        if (_lines.TryTake())
        {
            log.HttpAtGrpcPort(ListenerName.Grpc(receiver), connection.RemoteEndPoint, place);
        }

        await RefusedConnection.AnswerAsync(connection, $"this is the OTLP/gRPC port, which takes no HTTP/1.1: {place}");
    }
}
