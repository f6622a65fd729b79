using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OtlpTap.Configuration;

namespace OtlpTap.Hosting;

/// <summary>
/// What a server is made of, compared by value: where a reload changes any of it, the listener is replaced by a new one;
/// all else (who is let in, pipelines, limits of messages) is a new handler for the server that runs.
/// </summary>
internal sealed record ListenerSettings(ListenerName Name, ListenAddress Endpoint)
{
    /// <summary>
    /// A year. Kestrel counts time-outs in nanoseconds since boot, in which <see cref="TimeSpan.MaxValue"/> overflows: idle
    /// connections would be closed within a second.
    /// </summary>
    private static readonly TimeSpan Forever = TimeSpan.FromDays(365);

    /// <summary>Pages and scrapes: a few at a time.</summary>
    private const int OwnStreamsMax = 16;

    public ServerTlsOptions? Tls { get; init; }

    /// <summary>HTTP/1.1 and HTTP/2 on one port, told apart by ALPN or, in the clear, by what a connection says first.</summary>
    public required HttpProtocols Protocols { get; init; }

    public required int MaxConcurrentStreams { get; init; }

    public TimeSpan KeepaliveTime { get; init; } = TimeSpan.FromHours(2);

    public TimeSpan KeepaliveTimeout { get; init; } = TimeSpan.FromSeconds(20);

    public required TimeSpan IdleTimeout { get; init; }

    /// <summary>For the headers of a request, and for the first bytes of a connection.</summary>
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan? MaxConnectionAge { get; init; }

    public TimeSpan? MaxConnectionAgeGrace { get; init; }

    public static ListenerSettings Of(ListenerName name, GrpcReceiverOptions grpc) => new(name, grpc.Endpoint)
    {
        Tls = grpc.Tls,
        Protocols = HttpProtocols.Http2,
        MaxConcurrentStreams = grpc.MaxConcurrentStreams,
        KeepaliveTime = grpc.KeepaliveTime,
        KeepaliveTimeout = grpc.KeepaliveTimeout,

        // Agents keep a connection for as long as they live; the Collector closes idle ones only when told to.
        IdleTimeout = grpc.MaxConnectionIdle ?? Forever,
        MaxConnectionAge = grpc.MaxConnectionAge,
        MaxConnectionAgeGrace = grpc.MaxConnectionAgeGrace,
    };

    public static ListenerSettings Of(ListenerName name, HttpReceiverOptions http) => new(name, http.Endpoint)
    {
        Tls = http.Tls,
        Protocols = HttpProtocols.Http1AndHttp2,
        MaxConcurrentStreams = http.MaxConcurrentStreams,
        IdleTimeout = http.IdleTimeout > TimeSpan.Zero ? http.IdleTimeout : Forever,
        HeaderTimeout = http.ReadHeaderTimeout,
    };

    /// <summary>The tap's own ports: admin, health, metrics.</summary>
    public static ListenerSettings Of(ListenerName name, ListenAddress endpoint, ServerTlsOptions? tls) => new(name, endpoint)
    {
        Tls = tls,
        Protocols = HttpProtocols.Http1,
        MaxConcurrentStreams = OwnStreamsMax,
        IdleTimeout = TimeSpan.FromMinutes(2),
    };
}

/// <summary>A listener as the configuration wants it.</summary>
/// <param name="Handler">Answers its requests.</param>
/// <param name="Owned">What the handler needs for as long as it is in use; disposed of by the <see cref="ListenerSet"/>, also where the plan is refused.</param>
internal sealed record ListenerPlan(ListenerSettings Settings, RequestDelegate Handler, IDisposable? Owned = null);
