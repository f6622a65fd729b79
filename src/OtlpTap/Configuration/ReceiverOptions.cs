using System.Collections.Immutable;
using OtlpTap.Receive;

namespace OtlpTap.Configuration;

/// <summary><c>receivers.otlp</c>: at least one of its protocols is there.</summary>
/// <param name="Id">The component id: <c>otlp</c> or <c>otlp/name</c>.</param>
internal sealed record ReceiverOptions(string Id, GrpcReceiverOptions? Grpc, HttpReceiverOptions? Http);

/// <summary>What every listener has: one of a receiver's protocols, or the admin port.</summary>
internal abstract record ListenerOptions
{
    /// <summary><c>endpoint</c> with <c>transport</c>; port 0 lets the system choose.</summary>
    public abstract ListenAddress Endpoint { get; init; }

    /// <summary><c>tls</c>; null serves in the clear.</summary>
    public ServerTlsOptions? Tls { get; init; }

    /// <summary>What <c>auth.authenticator</c> names; null lets everyone in.</summary>
    public AuthenticatorOptions? Authenticator { get; init; }
}

/// <summary><c>receivers.otlp.protocols.grpc</c>.</summary>
internal sealed record GrpcReceiverOptions : ListenerOptions
{
    /// <summary>Default <c>127.0.0.1:4317</c>.</summary>
    public override ListenAddress Endpoint { get; init; } = new("127.0.0.1", 4317);

    /// <summary>
    /// <c>max_recv_msg_size_mib</c>, counted after decompression. Default 64 MiB, which the OTLP specification recommends
    /// (the Collector's is 4); 1 to 1024.
    /// </summary>
    public int MaxReceiveMessageBytes { get; init; } = 64 << 20;

    /// <summary><c>max_concurrent_streams</c> of one connection. Default 256: SDKs send one request at a time, a Collector ten; a stream takes 8 KB, used or not; 1 to 65536.</summary>
    public int MaxConcurrentStreams { get; init; } = 256;

    /// <summary><c>keepalive.server_parameters.max_connection_idle</c>: a connection without a request is closed after it. Default none.</summary>
    public TimeSpan? MaxConnectionIdle { get; init; }

    /// <summary><c>keepalive.server_parameters.max_connection_age</c>: a connection is told to go away (GOAWAY) after it, give or take a tenth. Default none.</summary>
    public TimeSpan? MaxConnectionAge { get; init; }

    /// <summary><c>keepalive.server_parameters.max_connection_age_grace</c>: how long its last requests then have. Default none: for as long as they take.</summary>
    public TimeSpan? MaxConnectionAgeGrace { get; init; }

    /// <summary><c>keepalive.server_parameters.time</c>: a ping goes out after so much silence. Default 2 h, as the Collector's.</summary>
    public TimeSpan KeepaliveTime { get; init; } = TimeSpan.FromHours(2);

    /// <summary><c>keepalive.server_parameters.timeout</c>: the connection is closed when the ping is not answered within it. Default 20 s, as the Collector's.</summary>
    public TimeSpan KeepaliveTimeout { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary><c>receivers.otlp.protocols.http</c>.</summary>
internal sealed record HttpReceiverOptions : ListenerOptions
{
    /// <summary>Default <c>127.0.0.1:4318</c>.</summary>
    public override ListenAddress Endpoint { get; init; } = new("127.0.0.1", 4318);

    /// <summary>
    /// <c>max_request_body_size</c> in bytes, counted before and after decompression. Default 64 MiB, which the OTLP
    /// specification recommends (the Collector's is 20); 1 KiB to 1 GiB.
    /// </summary>
    public int MaxRequestBodyBytes { get; init; } = 64 << 20;

    /// <summary><c>traces_url_path</c>, <c>logs_url_path</c>, <c>metrics_url_path</c>, and whether a prefix may stand before them.</summary>
    public HttpPaths Paths { get; init; } = new();

    /// <summary><c>cors</c>; null answers browsers of other origins nothing.</summary>
    public CorsOptions? Cors { get; init; }

    /// <summary><c>response_headers</c>: sent with every answer. Default none.</summary>
    public ImmutableArray<(string Name, string Value)> ResponseHeaders { get; init; } = [];

    /// <summary><c>compression_algorithms</c>: the values of Content-Encoding that are taken; the empty one is none. Default all: "", gzip, zstd, zlib, deflate, snappy.</summary>
    public ImmutableArray<string> CompressionAlgorithms { get; init; } = ["", "gzip", "zstd", "zlib", "deflate", "snappy"];

    /// <summary><c>read_header_timeout</c>. Default 1 min, the Collector's for its HTTP servers; 1 s to 1 h.</summary>
    public TimeSpan ReadHeaderTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary><c>idle_timeout</c>: a connection without a request is closed after it; 0 is never. Default 1 min; to 7 days.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary><c>keep_alives_enabled</c>: false closes each connection after its request. Default true.</summary>
    public bool KeepAlivesEnabled { get; init; } = true;

    /// <summary>Requests at a time on one HTTP/2 connection. <c>max_concurrent_streams</c>, a key of the tap's. Default 256; 1 to 65536.</summary>
    public int MaxConcurrentStreams { get; init; } = 256;
}

/// <summary><c>tls</c> of a listener.</summary>
internal sealed record ServerTlsOptions
{
    /// <summary><c>cert_file</c>: PEM, the leaf first; or null with <see cref="CertificatePem"/>.</summary>
    public string? CertificateFile { get; init; }

    /// <summary><c>cert_pem</c>.</summary>
    public string? CertificatePem { get; init; }

    /// <summary><c>key_file</c>: PEM, not encrypted; or null with <see cref="KeyPem"/>.</summary>
    public string? KeyFile { get; init; }

    /// <summary><c>key_pem</c>.</summary>
    public string? KeyPem { get; init; }

    /// <summary><c>client_ca_file</c>: PEM; senders must show a certificate that leads to one of these. Default none: they need not.</summary>
    public string? ClientCaFile { get; init; }

    /// <summary><c>client_ca_file_reload</c>: read it again when it changes. Default false; <see cref="ReloadInterval"/> reads it again too.</summary>
    public bool ClientCaFileReload { get; init; }

    /// <summary><c>min_version</c>: "1.2" or "1.3". Default 1.2.</summary>
    public Version MinVersion { get; init; } = new(1, 2);

    /// <summary><c>max_version</c>: "1.2" or "1.3". Default the newest.</summary>
    public Version? MaxVersion { get; init; }

    /// <summary><c>reload_interval</c>: certificate, key and CA are read again so often; what cannot be read leaves the old in place and is said. Default none.</summary>
    public TimeSpan? ReloadInterval { get; init; }
}
