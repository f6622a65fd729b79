using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using OtlpTap.Configuration;

namespace OtlpTap.Hosting;

/// <summary>Marks connections of the admin port, so that neither port serves what belongs to the other.</summary>
internal sealed class AdminPort
{
    public static readonly AdminPort Instance = new();
}

/// <summary>A port cannot be opened; the message names the endpoint and the reason.</summary>
internal sealed class ListenException(string message, Exception cause) : Exception(message, cause);

/// <summary>The two ports of the tap on one Kestrel, its limits set on purpose.</summary>
internal static class Listeners
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
    /// An idle connection takes 44 KB (1,000 of them, measured): 360 MB at worst, and fewer files than systems allow.
    /// A further one is closed at once, and its client tries again.
    /// </summary>
    private const int ConnectionsMax = 8192;

    /// <summary>
    /// Tokens stay well below it, and gRPC's own default is 8 KiB. Kestrel's is 32 KiB, which as text takes 64 KB for as
    /// long as the upstream stalls, and is no part of the bytes in flight unless it travels on.
    /// </summary>
    private const int HeadersBytesMax = 16 << 10;

    /// <summary>
    /// A year. Kestrel counts time-outs in nanoseconds since boot, in which <see cref="TimeSpan.MaxValue"/> overflows: idle
    /// connections would be closed within a second.
    /// </summary>
    private static readonly TimeSpan Forever = TimeSpan.FromDays(365);

    public static void Configure(KestrelServerOptions kestrel, TapOptions options)
    {
        var receiver = options.Receivers[0].Grpc!;
        kestrel.AddServerHeader = false;

        // The message limit is gRPC's, which counts what is decompressed; Kestrel's own of 30 MB would cut below it.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
        kestrel.Limits.MaxRequestHeadersTotalSize = HeadersBytesMax;
        kestrel.Limits.Http2.MaxStreamsPerConnection = receiver.MaxConcurrentStreams;
        kestrel.Limits.Http2.InitialStreamWindowSize = StreamWindowBytes;
        kestrel.Limits.Http2.InitialConnectionWindowSize = ConnectionWindowBytes;
        kestrel.Limits.Http2.KeepAlivePingDelay = receiver.KeepaliveTime;
        kestrel.Limits.Http2.KeepAlivePingTimeout = receiver.KeepaliveTimeout;

        // Agents keep a connection for as long as they live; the Collector closes idle ones only when told to.
        kestrel.Limits.KeepAliveTimeout = receiver.MaxConnectionIdle ?? Forever;

        Listen(kestrel, receiver.Endpoint.Tcp, listen => listen.Protocols = HttpProtocols.Http2);
        Listen(kestrel, options.Service.Admin.Endpoint.Tcp, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection =>
            {
                connection.Features.Set(AdminPort.Instance);
                return next(connection);
            });
        });
    }

    /// <summary>Opens a port; names the endpoint where the system's own message ("Cannot assign requested address") does not.</summary>
    /// <exception cref="ListenException">The port cannot be opened.</exception>
    public static Socket Open(EndPoint endpoint)
    {
        try
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        }
        catch (SocketException refused) when (!IsWithoutIPv6(endpoint, refused))
        {
            throw new ListenException($"cannot listen on {endpoint}: {refused.Message}", refused);
        }
    }

    /// <summary>The addresses that Kestrel bound, in the order in which <see cref="Configure"/> opens them: first OTLP/gRPC, last admin.</summary>
    public static (IPEndPoint Grpc, IPEndPoint Admin) Bound(WebApplication server)
    {
        var addresses = server.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses
            .Select(address => new Uri(address))
            .Select(uri => new IPEndPoint(IPAddress.TryParse(uri.Host.Trim('[', ']'), out var ip) ? ip : IPAddress.Loopback, uri.Port))
            .ToList();
        return (addresses[0], addresses[^1]);
    }

    private static void Listen(KestrelServerOptions kestrel, HostPort endpoint, Action<ListenOptions> configure)
    {
        if (endpoint.IsEveryAddress)
        {
            kestrel.ListenAnyIP(endpoint.Port, configure);
        }
        else if (IPAddress.TryParse(endpoint.Host, out var address))
        {
            kestrel.Listen(address, endpoint.Port, configure);
        }
        else
        {
            foreach (var resolved in Resolve(endpoint))
            {
                kestrel.Listen(resolved, endpoint.Port, configure);
            }
        }
    }

    private static IPAddress[] Resolve(HostPort endpoint)
    {
        try
        {
            return Dns.GetHostAddresses(endpoint.Host);
        }
        catch (SocketException unknown)
        {
            throw new ListenException($"cannot listen on {endpoint}: {unknown.Message}", unknown);
        }
    }

    /// <summary>A system without IPv6: Kestrel, asked for every address, then listens on those of IPv4.</summary>
    private static bool IsWithoutIPv6(EndPoint endpoint, SocketException refused) =>
        endpoint is IPEndPoint { Address: var address } && address.Equals(IPAddress.IPv6Any)
        && refused.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable;
}
