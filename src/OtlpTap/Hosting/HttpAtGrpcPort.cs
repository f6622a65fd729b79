using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OtlpTap.Receive;
using OtlpTap.Recorder;

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

    // Timers know no longer times than some weeks.
    private static readonly TimeSpan SilenceMax = TimeSpan.FromDays(1);

    private readonly Lock _lock = new();
    private readonly LogAllowance _lines = new(1, LogInterval, time); // under the lock
    private readonly TimeSpan _silenceMax = silenceMax < SilenceMax ? silenceMax : SilenceMax;

    public void Use(ListenOptions listen) => listen.Use(next => connection => ServeAsync(connection, next));

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        switch (await ConnectionOpening.OfAsync(connection, _silenceMax, time))
        {
            case Opening.Http1 when IsRequest(connection):
                await RefuseAsync(connection);
                break;

            // What is neither, such as TLS, Kestrel ends.
            case Opening.Http1 or Opening.Http2:
                await next(connection);
                break;
        }
    }

    // A method comes first, in capital letters.
    private static bool IsRequest(ConnectionContext connection)
    {
        if (!connection.Transport.Input.TryRead(out var read))
        {
            return false;
        }

        var isRequest = !read.Buffer.IsEmpty && char.IsAsciiLetterUpper((char)read.Buffer.FirstSpan[0]);
        connection.Transport.Input.AdvanceTo(read.Buffer.Start);
        return isRequest;
    }

    private async Task RefuseAsync(ConnectionContext connection)
    {
        counted();
        var place = RightPort.Of("OTLP/HTTP", boundTo(ListenerName.Http(receiver)));
        Log(connection.RemoteEndPoint, place);
        var text = $"this is the OTLP/gRPC port, which takes no HTTP/1.1: {place}\n";
        await connection.Transport.Output.WriteAsync(Encoding.ASCII.GetBytes(
            $"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {text.Length}\r\nConnection: close\r\n\r\n{text}"));
    }

    private void Log(EndPoint? remote, string place)
    {
        bool may;
        int leftOut;
        lock (_lock)
        {
            may = _lines.TryTake(out leftOut);
        }

        if (leftOut > 0)
        {
            log.LinesLeftOut(leftOut);
        }

        if (may)
        {
            log.HttpAtGrpcPort(ListenerName.Grpc(receiver), remote, place);
        }
    }
}
