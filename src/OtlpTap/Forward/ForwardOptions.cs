namespace OtlpTap.Forward;

/// <summary>One OTLP/gRPC exporter: where it sends to and how. Names and defaults follow the Collector's <c>otlp_grpc</c> where it has the key.</summary>
internal sealed record ForwardOptions
{
    /// <summary><c>endpoint</c>: host:port, also http://, https:// or dns:/// in front; see <see cref="UpstreamEndpoint.TryParse"/>. Required.</summary>
    public required string Endpoint { get; init; }

    /// <summary><c>tls.insecure</c>: cleartext where the endpoint names no scheme. Default false.</summary>
    public bool Insecure { get; init; }

    /// <summary><c>tls.ca_file</c>: PEM certificates to trust in place of the system's. Default none.</summary>
    public string? CaFile { get; init; }

    /// <summary><c>tls.insecure_skip_verify</c>: accept any server certificate. Default false.</summary>
    public bool InsecureSkipVerify { get; init; }

    /// <summary><c>tls.ca_pem</c>: the same as text. Default none.</summary>
    public string? CaPem { get; init; }

    /// <summary><c>tls.cert_file</c> and <c>tls.key_file</c>: PEM, shown to the upstream (mTLS). Default none.</summary>
    public string? CertificateFile { get; init; }

    /// <inheritdoc cref="CertificateFile"/>
    public string? KeyFile { get; init; }

    /// <summary><c>tls.server_name_override</c>: the name that the server's certificate must have. Default the endpoint's host.</summary>
    public string? ServerNameOverride { get; init; }

    /// <summary><c>tls.min_version</c>. Default 1.2.</summary>
    public Version MinTlsVersion { get; init; } = new(1, 2);

    /// <summary><c>tls.reload_interval</c>: the files are read again so often, for new connections. Default none.</summary>
    public TimeSpan? TlsReloadInterval { get; init; }

    /// <summary><c>compression</c>. Default none: the Collector's is gzip, which costs fifty times what the tap does, on lines that are mostly short.</summary>
    public Compression Compression { get; init; }

    /// <summary>What <c>auth.authenticator</c> names. Default none.</summary>
    public ClientAuthOptions? Auth { get; init; }

    /// <summary><c>balancer_name</c>: <c>round_robin</c> over all addresses of the endpoint's name (the default, as the Collector's), or false for <c>pick_first</c>.</summary>
    public bool IsRoundRobin { get; init; } = true;

    /// <summary><c>authority</c>: sent in place of the endpoint's. Default none.</summary>
    public string? Authority { get; init; }

    /// <summary><c>user_agent</c>. Default <c>OtlpTap/</c> and the version.</summary>
    public string? UserAgent { get; init; }

    /// <summary><c>headers</c>: sent with every call, lower-case names. Default none.</summary>
    public HeaderList Headers { get; init; } = [];

    /// <summary><c>timeout</c>: for one upstream call. Default 5; more than 0.</summary>
    public double TimeoutSeconds { get; init; } = 5;

    /// <summary>
    /// Calls with small requests at the same time, for each signal; what arrives while all are busy is joined into the
    /// next. Default 4, measured best for an upstream that takes milliseconds (1.25 times the throughput of no joining;
    /// 1 gives 1.13, 8 gives 1.15). 1 to 1024.
    /// </summary>
    public int CallsInFlightMax { get; init; } = 4;

    /// <summary>Requests up to this size are joined; larger ones gain nothing from it and go straight through. Default 16 KiB; 0 turns joining off.</summary>
    public int JoinBytesMax { get; init; } = 16 << 10;

    /// <summary>
    /// A joined call ends before it would pass this. Default 1 MiB: at 16 KiB and less each it holds enough requests to
    /// make the cost of a call vanish, and stays well under the 4 MiB that gRPC servers accept by default. At least <see cref="JoinBytesMax"/>.
    /// </summary>
    public int CallBytesMax { get; init; } = 1 << 20;

    /// <summary>After a failed connect, calls are refused for so long before the next attempt; doubles up to <see cref="ReconnectBackoffMaxSeconds"/>. Default 0.1.</summary>
    public double ReconnectBackoffSeconds { get; init; } = 0.1;

    /// <summary>Default 5; at least <see cref="ReconnectBackoffSeconds"/>.</summary>
    public double ReconnectBackoffMaxSeconds { get; init; } = 5;
}
