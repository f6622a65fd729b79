using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace OtlpTap.Forward;

/// <summary>A connected line, or why there is none.</summary>
internal readonly record struct ConnectResult(Stream? Channel, string Cause);

/// <summary>Name to addresses, address to socket, socket to TLS. The name is resolved for every connection, so that a moved upstream is found again.</summary>
/// <param name="rotates">Each connection begins with another of the addresses, so that several connections spread; else with the first.</param>
internal sealed class UpstreamConnector(UpstreamOptions options, ClientTls tls, TimeProvider time, bool rotates = false)
{
    // The kernel asks an idle peer after a minute and gives it up half a minute later: below the idle timeouts of
    // common firewalls and balancers (350 s for AWS NLB, 240 s for Azure).
    private const int TcpKeepAliveSeconds = 60;
    private const int TcpKeepAliveIntervalSeconds = 10;
    private const int TcpKeepAliveProbes = 3;

    // Beyond so many, the ones that failed are forgotten, and found out again.
    private const int FailedMax = 256;

    // An address that failed comes last for so long.
    private static readonly TimeSpan FailedPause = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<IPAddress, long> _failedAt = new();
    private int _turn;

    /// <param name="protocols">Offered over TLS; h2 alone is insisted on.</param>
    /// <param name="cancellation">Ends the attempt; it then counts as timed out.</param>
    public async Task<ConnectResult> ConnectAsync(UpstreamEndpoint endpoint, List<SslApplicationProtocol> protocols, CancellationToken cancellation)
    {
        Stream? channel = null;
        try
        {
            var proxy = endpoint.UseTls ? options.Proxy : null;
            var next = proxy is null ? endpoint : new UpstreamEndpoint(proxy.IdnHost, proxy.Port, UseTls: false);
            channel = new NetworkStream(await ConnectSocketAsync(next, cancellation), ownsSocket: true);
            if (proxy is not null && await ProxyTunnel.OpenAsync(channel, endpoint, proxy, cancellation) is { } refusal)
            {
                await channel.DisposeAsync();
                return Failed(refusal);
            }

            if (endpoint.UseTls)
            {
                var secured = new SslStream(channel);
                channel = secured;
                await secured.AuthenticateAsClientAsync(tls.Options(endpoint.Host, protocols), cancellation);
                if (protocols is [var only] && only == SslApplicationProtocol.Http2 && secured.NegotiatedApplicationProtocol != only)
                {
                    await secured.DisposeAsync();
                    return Failed("it does not offer HTTP/2 over TLS (ALPN h2)");
                }
            }

            return new ConnectResult(channel, "");
        }
        catch (OperationCanceledException)
        {
            channel?.Dispose();
            return Failed($"no connection within {options.ConnectTimeout.TotalSeconds} s");
        }
        catch (Exception exception) when (exception is SocketException or IOException or AuthenticationException or CryptographicException or UnauthorizedAccessException)
        {
            channel?.Dispose();
            return Failed(exception is CryptographicException ? exception.Message : exception.GetBaseException().Message);
        }
    }

    private ConnectResult Failed(string cause) => new(null, options.Address is { } address ? $"{address}: {cause}" : cause);

    /// <summary>Tries all addresses in turn; each gets an equal share of the time that is left, so that a dead one does not use it up.</summary>
    private async Task<Socket> ConnectSocketAsync(UpstreamEndpoint endpoint, CancellationToken cancellation)
    {
        var addresses = await AddressesAsync(endpoint.Host, cancellation);
        var startedAt = time.GetTimestamp();
        for (var i = 0; i < addresses.Length; i++)
        {
            var isLast = i == addresses.Length - 1;
            var share = (options.ConnectTimeout - time.GetElapsedTime(startedAt)) / (addresses.Length - i);
            using var deadline = new CancellationTokenSource(share > TimeSpan.Zero ? share : TimeSpan.Zero, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
            var socket = new Socket(addresses[i].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                SetKeepAlive(socket);
                await socket.ConnectAsync(new IPEndPoint(addresses[i], endpoint.Port), both.Token);
                _failedAt.TryRemove(addresses[i], out _);
                return socket;
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                socket.Dispose();
                NoteFailed(addresses[i]);
                if (isLast || cancellation.IsCancellationRequested)
                {
                    throw;
                }
            }
        }

        throw new SocketException((int)SocketError.HostNotFound);
    }

    private async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellation)
    {
        if (options.Address is { } fixedAddress)
        {
            return [fixedAddress];
        }

        if (IPAddress.TryParse(host, out var literal))
        {
            return [literal];
        }

        // The system's resolver may ignore the cancellation.
        var addresses = await options.Resolve(host, cancellation).WaitAsync(cancellation);
        if (rotates && SeveralHosts.AreBehind(host, addresses))
        {
            var first = (int)((uint)Interlocked.Increment(ref _turn) % (uint)addresses.Length);
            addresses = [.. addresses[first..], .. addresses[..first]];
        }

        return addresses.Length > 1 && !_failedAt.IsEmpty ? [.. addresses.OrderBy(HasJustFailed)] : addresses;
    }

    private bool HasJustFailed(IPAddress address) =>
        _failedAt.TryGetValue(address, out var at) && time.GetElapsedTime(at) < FailedPause;

    private void NoteFailed(IPAddress address)
    {
        if (_failedAt.Count >= FailedMax)
        {
            _failedAt.Clear();
        }

        _failedAt[address] = time.GetTimestamp();
    }

    private static void SetKeepAlive(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, TcpKeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, TcpKeepAliveIntervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, TcpKeepAliveProbes);
    }
}
