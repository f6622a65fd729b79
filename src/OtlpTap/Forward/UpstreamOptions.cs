namespace OtlpTap.Forward;

/// <summary>What a transport needs to know about its upstream; made from <see cref="ForwardOptions"/>.</summary>
internal sealed record UpstreamOptions
{
    public required UpstreamEndpoint Endpoint { get; init; }

    /// <summary>A PEM file with the certificates to trust in place of the system's; null trusts the system's. Only with TLS.</summary>
    public string? CaFile { get; init; }

    /// <summary>Accept any server certificate. Only with TLS.</summary>
    public bool InsecureSkipVerify { get; init; }

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

    public static UpstreamOptions From(ForwardOptions options, UpstreamEndpoint endpoint) => new()
    {
        Endpoint = endpoint,
        CaFile = options.CaFile,
        InsecureSkipVerify = options.InsecureSkipVerify,
        Headers = options.Headers,
        Timeout = TimeSpan.FromSeconds(options.TimeoutSeconds),
        // Less than the timeout, or a host that swallows packets would look like a slow upstream.
        ConnectTimeout = TimeSpan.FromSeconds(Math.Min(3, options.TimeoutSeconds / 2)),
    };
}
