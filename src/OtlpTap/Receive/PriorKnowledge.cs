using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
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
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private ConnectionDelegate? _http2;

    private enum Opening
    {
        Unknown,
        Http1,
        Http2,
        Gone,
    }

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
        switch (await OpeningOfAsync(connection))
        {
            case Opening.Http2:
                await _http2!(connection);
                break;

            case Opening.Http1:
                await http1(connection);
                break;
        }
    }

    /// <summary>Looks at the first bytes and leaves them where they are.</summary>
    private async ValueTask<Opening> OpeningOfAsync(ConnectionContext connection)
    {
        var input = connection.Transport.Input;
        if (input.TryRead(out var first))
        {
            var opening = OpeningOf(first.Buffer);
            input.AdvanceTo(first.Buffer.Start, opening == Opening.Unknown ? first.Buffer.End : first.Buffer.Start);
            if (opening != Opening.Unknown)
            {
                return opening;
            }
        }

        // A server that stops asks its connections to close; nobody else would hear it here.
        using var silence = new CancellationTokenSource(silenceMax, time);
        var closing = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        using var given = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, closing, connection.ConnectionClosed);
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(given.Token);
                var opening = OpeningOf(read.Buffer);
                if (opening == Opening.Unknown && read.IsCompleted)
                {
                    opening = read.Buffer.IsEmpty ? Opening.Gone : Opening.Http1; // which will say what is wrong with it
                }

                input.AdvanceTo(read.Buffer.Start, opening == Opening.Unknown ? read.Buffer.End : read.Buffer.Start);
                if (opening != Opening.Unknown)
                {
                    return opening;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return Opening.Gone;
        }
        catch (IOException)
        {
            return Opening.Gone; // reset by the other side
        }
    }

    // No request of HTTP/1.1 begins like the preface: its first difference tells.
    private static Opening OpeningOf(in ReadOnlySequence<byte> input)
    {
        Span<byte> start = stackalloc byte[Preface.Length];
        var length = (int)Math.Min(input.Length, Preface.Length);
        input.Slice(0, length).CopyTo(start);
        return !Preface.AsSpan().StartsWith(start[..length]) ? Opening.Http1
            : length == Preface.Length ? Opening.Http2
            : Opening.Unknown;
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
