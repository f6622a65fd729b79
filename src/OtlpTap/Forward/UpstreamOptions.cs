using System.Net;

namespace OtlpTap.Forward;

/// <summary>From a name to all its addresses, of both families.</summary>
/// <exception cref="System.Net.Sockets.SocketException">The name has none, or nobody answers.</exception>
internal delegate Task<IPAddress[]> AddressResolver(string host, CancellationToken cancellation);

/// <summary>What a transport needs to know about its upstream; made from <see cref="ForwardOptions"/>.</summary>
internal sealed record UpstreamOptions
{
    public required UpstreamEndpoint Endpoint { get; init; }

    /// <summary>A PEM file with the certificates to trust in place of the system's; null trusts the system's. Only with TLS.</summary>
    public string? CaFile { get; init; }

    /// <summary>The same as text; both may be given.</summary>
    public string? CaPem { get; init; }

    /// <summary>PEM files shown to the upstream (mTLS), the certificate with what is between it and its root; null shows none. Only with TLS.</summary>
    public string? CertificateFile { get; init; }

    /// <inheritdoc cref="CertificateFile"/>
    public string? KeyFile { get; init; }

    /// <summary>The name that the server's certificate must have, in place of the endpoint's host. Only with TLS.</summary>
    public string? ServerNameOverride { get; init; }

    /// <summary>1.2 or 1.3; lower ones count as 1.2.</summary>
    public Version MinTlsVersion { get; init; } = new(1, 2);

    /// <summary>What was read from the TLS files serves new connections for so long; null reads them for every one.</summary>
    public TimeSpan? TlsReloadInterval { get; init; }

    /// <summary>Accept any server certificate. Only with TLS.</summary>
    public bool InsecureSkipVerify { get; init; }

    /// <summary>Added to every call; wins over <see cref="Headers"/> and passed-through headers of the same name.</summary>
    public ClientAuthOptions? Auth { get; init; }

    public Compression Compression { get; init; }

    /// <summary>Sent as <c>:authority</c> or <c>Host</c>; null sends the endpoint's.</summary>
    public string? Authority { get; init; }

    /// <summary>Calls take turns over all addresses of the endpoint's name; false uses the first that can be connected to.</summary>
    public bool IsRoundRobin { get; init; } = true;

    /// <summary>How often the endpoint's name is resolved anew, besides after a failed connect.</summary>
    public TimeSpan ResolveInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The system's, unless a test brings its own.</summary>
    public AddressResolver Resolve { get; init; } = static (host, cancellation) => Dns.GetHostAddressesAsync(host, cancellation);

    /// <summary>An HTTP proxy through which TLS connections are tunnelled. Default none; the environment's are not looked at.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>The one address to connect to, in place of all that the endpoint's name has.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>An address that cannot be connected to is tried again after so long, then twice as long, to <see cref="ReconnectBackoffMax"/>.</summary>
    public TimeSpan ReconnectBackoff { get; init; } = TimeSpan.FromSeconds(0.1);

    public TimeSpan ReconnectBackoffMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Sent with every call, lower-case names. They win over a passed-through header of the same name: an operator who
    /// pins a tenant or a credential does not want an agent to choose another.
    /// </summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Sent as <c>grpc-timeout</c>. The transport does not watch it: the caller's cancellation does.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a connection may take to come up, TLS included.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// An HTTP/2 ping goes out when calls are in flight and nothing was received for so long. Never on an idle
    /// connection: grpc-go servers end one with GOAWAY ("too_many_pings") on the third ping within five minutes. A peer
    /// that does so is given twice as long from then on.
    /// </summary>
    public TimeSpan KeepalivePingDelay { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long the answer to a ping may take until the connection counts as dead.</summary>
    public TimeSpan KeepalivePingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Response messages beyond this are refused with RESOURCE_EXHAUSTED (OTLP specification, "OTLP/gRPC Response": 4 MiB).</summary>
    public int ResponseBytesMax { get; init; } = 4 << 20;

    /// <summary>The <c>user-agent</c> header.</summary>
    public string UserAgent { get; init; } = $"OtlpTap/{typeof(UpstreamOptions).Assembly.GetName().Version?.ToString(3)}";

    public static UpstreamOptions From(ForwardOptions options, UpstreamEndpoint endpoint)
    {
        var upstream = new UpstreamOptions
        {
            Endpoint = endpoint,
            CaFile = options.CaFile,
            CaPem = options.CaPem,
            CertificateFile = options.CertificateFile,
            KeyFile = options.KeyFile,
            ServerNameOverride = options.ServerNameOverride,
            MinTlsVersion = options.MinTlsVersion,
            TlsReloadInterval = options.TlsReloadInterval,
            InsecureSkipVerify = options.InsecureSkipVerify,
            Auth = options.Auth,
            Compression = options.Compression,
            Authority = options.Authority,
            IsRoundRobin = options.IsRoundRobin,
            Headers = options.Headers,
            Timeout = TimeSpan.FromSeconds(options.TimeoutSeconds),
            // Less than the timeout, or a host that swallows packets would look like a slow upstream.
            ConnectTimeout = TimeSpan.FromSeconds(Math.Min(3, options.TimeoutSeconds / 2)),
            ReconnectBackoff = TimeSpan.FromSeconds(options.ReconnectBackoffSeconds),
            ReconnectBackoffMax = TimeSpan.FromSeconds(options.ReconnectBackoffMaxSeconds),
        };
        return options.UserAgent is { } agent ? upstream with { UserAgent = agent } : upstream;
    }
}
