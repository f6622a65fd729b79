using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OtlpTap.Forward.Http2;

/// <summary>A connected line, or why there is none.</summary>
internal readonly record struct ConnectResult(Stream? Channel, string Cause);

/// <summary>Name to addresses, address to socket, socket to TLS. The name is resolved for every connection, so that a moved upstream is found again.</summary>
internal sealed class Http2Connector(UpstreamOptions options, TimeProvider time)
{
    // The kernel asks an idle peer after a minute and gives it up half a minute later: below the idle timeouts of
    // common firewalls and balancers (350 s for AWS NLB, 240 s for Azure).
    private const int TcpKeepAliveSeconds = 60;
    private const int TcpKeepAliveIntervalSeconds = 10;
    private const int TcpKeepAliveProbes = 3;

    /// <param name="cancellation">Ends the attempt; it then counts as timed out.</param>
    public async Task<ConnectResult> ConnectAsync(CancellationToken cancellation)
    {
        Stream? channel = null;
        try
        {
            channel = new NetworkStream(await ConnectSocketAsync(cancellation), ownsSocket: true);
            if (options.Endpoint.UseTls)
            {
                var tls = new SslStream(channel);
                channel = tls;
                await tls.AuthenticateAsClientAsync(TlsOptions(), cancellation);
                if (tls.NegotiatedApplicationProtocol != SslApplicationProtocol.Http2)
                {
                    await tls.DisposeAsync();
                    return new ConnectResult(null, "it does not offer HTTP/2 over TLS (ALPN h2)");
                }
            }

            return new ConnectResult(channel, "");
        }
        catch (OperationCanceledException)
        {
            channel?.Dispose();
            return new ConnectResult(null, $"no connection within {options.ConnectTimeout.TotalSeconds} s");
        }
        catch (Exception exception) when (exception is SocketException or IOException or AuthenticationException or CryptographicException)
        {
            channel?.Dispose();
            return new ConnectResult(null, exception.GetBaseException().Message);
        }
    }

    /// <summary>Tries all addresses in turn; each gets an equal share of the time that is left, so that a dead one does not use it up.</summary>
    private async Task<Socket> ConnectSocketAsync(CancellationToken cancellation)
    {
        var addresses = IPAddress.TryParse(options.Endpoint.Host, out var address)
            ? [address]
            : await Dns.GetHostAddressesAsync(options.Endpoint.Host, cancellation);
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
                await socket.ConnectAsync(new IPEndPoint(addresses[i], options.Endpoint.Port), both.Token);
                return socket;
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                socket.Dispose();
                if (isLast || cancellation.IsCancellationRequested)
                {
                    throw;
                }
            }
        }

        throw new SocketException((int)SocketError.HostNotFound);
    }

    private static void SetKeepAlive(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, TcpKeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, TcpKeepAliveIntervalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, TcpKeepAliveProbes);
    }

    // Read anew for every connection: a certificate file that was replaced counts from then on.
    private SslClientAuthenticationOptions TlsOptions()
    {
        var tls = new SslClientAuthenticationOptions
        {
            TargetHost = options.Endpoint.Host,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        };
        if (options.InsecureSkipVerify)
        {
#pragma warning disable CA5359 // What tls.insecure_skip_verify says; off by default.
            tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (options.CaFile is { } file)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(file);
            tls.CertificateChainPolicy = policy;
        }

        return tls;
    }
}
