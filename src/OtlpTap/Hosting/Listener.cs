using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using OtlpTap.Metrics;
using OtlpTap.Receive;

namespace OtlpTap.Hosting;

/// <summary>One server on one port, with limits of its own, which starts and stops alone.</summary>
internal sealed class Listener : IDisposable
{
    /// <summary>
    /// What one stream may send before the tap has looked at it: an ordinary request of 50 to 500 spans arrives without
    /// a pause for a window update. Kestrel's default is 768 KiB.
    /// </summary>
    private const int StreamWindowBytes = 1 << 20;

    /// <summary>
    /// The same for a whole connection, and the bound of what a sender that never finishes its messages can make the
    /// tap hold for each connection. Kestrel's default is 1 MiB, which one large request of a busy connection takes up alone.
    /// </summary>
    private const int ConnectionWindowBytes = 4 << 20;

    /// <summary>
    /// Tokens stay well below it, and gRPC's own default is 8 KiB. Kestrel's is 32 KiB, which as text takes 64 KB for as
    /// long as the upstream stalls, and is no part of the bytes in flight unless it travels on.
    /// </summary>
    private const int HeadersBytesMax = 16 << 10;

    private readonly ListenerTls? _tls;
    private readonly ListenerMetrics.Of _metrics;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly TlsMismatch _mismatch;
    private readonly RareLines _failedHandshakes;
    private readonly PriorKnowledge? _http2;
    private readonly HttpAtGrpcPort? _grpcOnly;
    private readonly Intake _intake;
    private readonly RequestApplication _application;
    private readonly KestrelServer _server;
    private IDisposable? _owned;

    private Listener(ListenerPlan plan, Port port, ListenerTls? tls, Server server, Func<ListenerName, EndPoint?> boundTo, ListenerMetrics.Of metrics, ILogger log, TimeProvider time)
    {
        _tls = tls;
        _metrics = metrics;
        _log = log;
        _time = time;
        _owned = plan.Owned;
        Settings = plan.Settings;
        Port = port;
        _application = new RequestApplication(HandlerOf(plan));
        _mismatch = new TlsMismatch(Settings.Name, tls is not null, SilenceMax, metrics.ConnectionOfWrongProtocol, log, time);
        _failedHandshakes = new RareLines(log, TlsMismatch.LogInterval, time);
        _http2 = tls is null && Settings.Protocols == HttpProtocols.Http1AndHttp2 ? new PriorKnowledge(Settings.HeaderTimeout, time) : null;
        _grpcOnly = tls is null && Settings.Protocols == HttpProtocols.Http2 ? new HttpAtGrpcPort(Settings.Name.Receiver, Settings.IdleTimeout, boundTo, metrics.ConnectionOfWrongProtocol, log, time) : null;
        _intake = new Intake(port, _http2);
        _server = new KestrelServer(Options.Create(KestrelOptions(server)), _intake, server.Logs);
    }

    public ListenerSettings Settings { get; }

    public Port Port { get; }

    public EndPoint Bound => Port.Bound;

    /// <summary>Why its certificates are older than their files; null where they are not.</summary>
    public string? TlsProblem => _tls?.Problem;

    /// <summary>Takes over <paramref name="tls"/> and what the plan owns. From here on it takes connections from the port.</summary>
    /// <param name="boundTo">Where the other listeners are bound.</param>
    public static async Task<Listener> StartAsync(
        ListenerPlan plan, Port port, ListenerTls? tls, Server server, Func<ListenerName, EndPoint?> boundTo, ListenerMetrics.Of metrics, ILogger log, TimeProvider time, CancellationToken cancellation)
    {
        var listener = new Listener(plan, port, tls, server, boundTo, metrics, log, time);
        try
        {
            await listener._server.StartAsync(listener._application, cancellation);
        }
        catch
        {
            listener.Dispose();
            throw;
        }

        listener._intake.Start();
        return listener;
    }

    /// <summary>Requests from now on go to the plan's handler; takes over what it owns. Certificates are read again, whenever that was due.</summary>
    public void Use(ListenerPlan plan)
    {
        _tls?.Reload();
        _application.Use(HandlerOf(plan));
        var before = _owned;
        _owned = plan.Owned;
        before?.Dispose();
    }

    /// <summary>Of a listener that is replaced: what still comes by its connections is for its successor's handler, which the successor owns.</summary>
    public void GiveOverTo(ListenerPlan successor) => _application.Use(successor.Handler);

    /// <summary>Takes no further connections: they wait at the port.</summary>
    public Task StopAcceptingAsync() => _intake.StopAsync();

    /// <summary>
    /// Takes no further connections, tells those that are open to go away, answers their requests, and ends. The port is
    /// left open.
    /// </summary>
    /// <param name="deadline">Connections that are still there are then cut off.</param>
    public async Task StopAsync(CancellationToken deadline)
    {
        await _intake.StopAsync();
        await _server.StopAsync(deadline);
        Dispose();
    }

    public void Dispose()
    {
        _server.Dispose();
        _tls?.Dispose();
        _owned?.Dispose();
        _owned = null;
    }

    private KestrelServerOptions KestrelOptions(Server server)
    {
        var kestrel = new KestrelServerOptions { ApplicationServices = server.Services, AddServerHeader = false };

        // The message limit is the edge's, which counts what is decompressed; Kestrel's own of 30 MB would cut below it.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MaxRequestHeadersTotalSize = HeadersBytesMax;
        kestrel.Limits.KeepAliveTimeout = Settings.IdleTimeout;
        kestrel.Limits.RequestHeadersTimeout = Settings.HeaderTimeout;
        kestrel.Limits.Http2.MaxStreamsPerConnection = Settings.MaxConcurrentStreams;
        kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindowBytes;
        kestrel.Limits.Http2.InitialConnectionWindowSize = ConnectionWindowBytes;
        kestrel.Limits.Http2.KeepAlivePingDelay = Settings.KeepaliveTime;
        kestrel.Limits.Http2.KeepAlivePingTimeout = Settings.KeepaliveTimeout;
        _http2?.Open(kestrel);
        kestrel.Listen(_intake, listen =>
        {
            listen.Protocols = Settings.Protocols;
            listen.Use(next => connection => ServeAsync(connection, next));
            _mismatch.Use(listen);
            if (_tls is not null)
            {
                server.Handshakes.Use(listen, _tls.Handshake, OnHandshakeFailed);
            }

            _http2?.Use(listen);
            _grpcOnly?.Use(listen);
        });
        return kestrel;
    }

    // Where HTTP's versions are told apart, a connection has as long for its first bytes as for a request's headers.
    private TimeSpan SilenceMax => _tls is not null ? ListenerTls.HandshakeTimeout
        : Settings.Protocols == HttpProtocols.Http1AndHttp2 ? Settings.HeaderTimeout
        : Settings.IdleTimeout;

    private void OnHandshakeFailed(ConnectionContext connection, string reason)
    {
        _metrics.HandshakeFailed();
        if (_failedHandshakes.TryTake())
        {
            _log.HandshakeFailed(Settings.Name, connection.RemoteEndPoint, reason);
        }
    }

    private static RequestDelegate HandlerOf(ListenerPlan plan) => plan.Settings.MaxConnectionAge is null ? plan.Handler : ConnectionAge.Watched(plan.Handler);

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        _metrics.ConnectionOpened();
        using var age = Settings.MaxConnectionAge is { } max ? new ConnectionAge(connection, max, Settings.MaxConnectionAgeGrace, _time) : null;
        try
        {
            await next(connection);
        }
        finally
        {
            Port.Slots.Return(connection.RemoteEndPoint);
            _metrics.ConnectionClosed();
        }
    }
}
