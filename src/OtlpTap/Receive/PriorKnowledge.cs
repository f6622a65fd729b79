using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace OtlpTap.Receive;

/// <summary>
/// HTTP/1.1 and HTTP/2 on one port in the clear. Without TLS nothing is negotiated, and Kestrel then serves HTTP/1.1
/// alone wherever both are allowed. But a client that knows beforehand that it speaks HTTP/2 says so first:
/// <code>
///   "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"     (RFC 9113, 3.4 "HTTP/2 Connection Preface")
/// </code>
/// Which protocol serves a connection is a property of the endpoint that it came in by. So there is a second endpoint
/// for HTTP/2, which listens nowhere: of it there is only the way that its connections go, and those that begin with the
/// preface are sent that way. A part of each server that has such ports, as its <see cref="IConnectionListenerFactory"/>.
/// </summary>
/// <param name="silenceMax">How long a connection may say nothing, before Kestrel's own time-outs begin.</param>
internal sealed class PriorKnowledge(TimeSpan silenceMax, TimeProvider time) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private ConnectionDelegate? _http2;

    /// <summary>Opens the endpoint that listens nowhere. Once for each server, before its ports, as those need what it brings.</summary>
    public void Open(KestrelServerOptions kestrel) => kestrel.Listen(NowhereEndPoint.Instance, listen =>
    {
        listen.Protocols = HttpProtocols.Http2;
        listen.Use(next => _http2 = next);
    });

    /// <summary>Both protocols on this port. What is added to the port behind this sees connections of HTTP/1.1 alone.</summary>
    public void Use(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => connection => ServeAsync(connection, next));
    }

    public bool CanBind(EndPoint endpoint) => endpoint is NowhereEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(new Nowhere(endpoint));

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate http1)
    {
        switch (await ConnectionOpening.OfAsync(connection, silenceMax, time))
        {
            case Opening.Http2:
                await _http2!(connection);
                break;

            case Opening.Http1:
                await http1(connection);
                break;
        }
    }

    private sealed class NowhereEndPoint : EndPoint
    {
        public static readonly NowhereEndPoint Instance = new();

        // Kestrel shows it as an address, and others read that as a URI.
        public override string ToString() => "nowhere.invalid:0";
    }

    /// <summary>Accepts no connection until it is closed.</summary>
    private sealed class Nowhere(EndPoint endpoint) : IConnectionListener
    {
        private readonly TaskCompletionSource<ConnectionContext?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndPoint EndPoint => endpoint;

        public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) => new(_closed.Task.WaitAsync(cancellationToken));

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _closed.TrySetResult(null);
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
