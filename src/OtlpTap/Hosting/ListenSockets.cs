using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using OtlpTap.Configuration;

namespace OtlpTap.Hosting;

/// <summary>Opens what an address means: one socket, one for each address of a host name, every address of the machine, or a Unix socket.</summary>
internal static class ListenSockets
{
    /// <summary>Owner and group: who may send is who may open the file.</summary>
    private const UnixFileMode UnixSocketMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <exception cref="ListenException">Names the address where the system's own message ("Cannot assign requested address") does not.</exception>
    public static async Task<IReadOnlyList<IConnectionListener>> OpenAsync(IConnectionListenerFactory transport, ListenAddress address, CancellationToken cancellation)
    {
        var opened = new List<IConnectionListener>();
        try
        {
            foreach (var endpoint in await EndPointsAsync(address, cancellation))
            {
                // The further addresses of a host name get the port that the system chose for the first.
                var port = opened is [{ EndPoint: IPEndPoint first }, ..] ? first.Port : (endpoint as IPEndPoint)?.Port ?? 0;
                opened.Add(await BindAsync(transport, endpoint is IPEndPoint ip ? new IPEndPoint(ip.Address, port) : endpoint, cancellation));
            }

            return opened;
        }
        catch (Exception refused) when (refused is SocketException or AddressInUseException or IOException or UnauthorizedAccessException or ListenException)
        {
            foreach (var listener in opened)
            {
                await listener.DisposeAsync();
            }

            // Kestrel wraps "in use" in an exception of its own, whose message is the same.
            throw new ListenException($"cannot listen on {address}: {refused.Message}", refused);
        }
    }

    /// <summary>For the transport: a Unix socket has its permissions before the first client can connect.</summary>
    public static Socket CreateBound(EndPoint endpoint)
    {
        if (endpoint is not UnixDomainSocketEndPoint unix || OperatingSystem.IsWindows())
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixListenAddress(unix));
            File.SetUnixFileMode(unix.ToString(), UnixSocketMode);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<IReadOnlyList<EndPoint>> EndPointsAsync(ListenAddress address, CancellationToken cancellation)
    {
        if (address.UnixPath is { } path)
        {
            UnixSocketFile.RemoveStale(path);
            return [new UnixDomainSocketEndPoint(path)];
        }

        var (host, port) = address.Tcp;
        return address.Tcp.IsEveryAddress ? [new IPEndPoint(IPAddress.IPv6Any, port)]
            : IPAddress.TryParse(host, out var ip) ? [new IPEndPoint(ip, port)]
            : [.. (await Dns.GetHostAddressesAsync(host, cancellation)).Select(resolved => new IPEndPoint(resolved, port))];
    }

    private static async Task<IConnectionListener> BindAsync(IConnectionListenerFactory transport, EndPoint endpoint, CancellationToken cancellation)
    {
        try
        {
            return await transport.BindAsync(endpoint, cancellation);
        }
        catch (SocketException refused) when (IsWithoutIPv6(endpoint, refused))
        {
            return await transport.BindAsync(new IPEndPoint(IPAddress.Any, ((IPEndPoint)endpoint).Port), cancellation);
        }
    }

    /// <summary>A system without IPv6: every address are then those of IPv4.</summary>
    private static bool IsWithoutIPv6(EndPoint endpoint, SocketException refused) =>
        endpoint is IPEndPoint { Address: var address } && address.Equals(IPAddress.IPv6Any)
        && refused.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable;
}
