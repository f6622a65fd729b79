using System.Collections.Immutable;

namespace OtlpTap.Forward;

/// <summary>One of <c>exporters</c>.</summary>
/// <param name="Id">The component id as it was typed: <c>otlp_grpc</c>, <c>otlp_grpc/name</c>, or with the older <c>otlp</c>.</param>
internal abstract record ExporterOptions(string Id)
{
    /// <summary>
    /// <c>retry_on_failure</c>; null where it is not written or switched off. An exporter whose answer is the sender's then
    /// passes failures on for the sender to retry; one behind a queue or a spool retries with the defaults where it is not written.
    /// </summary>
    public RetryOptions? Retry { get; init; }

    /// <summary><c>retry_on_failure.enabled: false</c> was written: nothing is sent twice, whatever stands before the exporter.</summary>
    public bool IsRetryRefused { get; init; }

    /// <summary><c>sending_queue</c>: used where the exporter's answer is not the sender's.</summary>
    public QueueOptions Queue { get; init; } = new();

    /// <summary><c>spool</c> where <c>on_upstream_failure</c> is <c>spool</c>; null for <c>reject</c>, the default.</summary>
    public SpoolOptions? Spool { get; init; }
}

/// <summary><c>exporters.otlp_grpc</c>, formerly <c>otlp</c>.</summary>
internal sealed record OtlpGrpcExporterOptions(string Id, ForwardOptions Forward) : ExporterOptions(Id);

/// <summary><c>exporters.otlp_http</c>, formerly <c>otlphttp</c>.</summary>
/// <param name="Forward"><see cref="ForwardOptions.Endpoint"/> is the base URL, to which <c>/v1/traces</c> and so on are added; empty where each signal has its own.</param>
internal sealed record OtlpHttpExporterOptions(string Id, ForwardOptions Forward) : ExporterOptions(Id)
{
    /// <summary><c>traces_endpoint</c>: the whole URL. Default the base URL with <c>/v1/traces</c>.</summary>
    public string? TracesEndpoint { get; init; }

    /// <summary><c>logs_endpoint</c>.</summary>
    public string? LogsEndpoint { get; init; }

    /// <summary><c>metrics_endpoint</c>.</summary>
    public string? MetricsEndpoint { get; init; }

    /// <summary><c>encoding</c>: <c>proto</c> or <c>json</c>. Default proto.</summary>
    public bool IsJson { get; init; }

    /// <summary><c>max_conns_per_host</c>. Default none.</summary>
    public int? ConnectionsMax { get; init; }

    /// <summary><c>idle_conn_timeout</c>. Default 90 s.</summary>
    public TimeSpan IdleConnectionTimeout { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary><c>proxy_url</c>. Default none.</summary>
    public string? ProxyUrl { get; init; }
}

/// <summary><c>exporters.file</c>, as the Collector's: one OTLP/JSON request on each line.</summary>
internal sealed record FileExporterOptions(string Id) : ExporterOptions(Id)
{
    /// <summary><c>path</c>. Required.</summary>
    public required string Path { get; init; }

    /// <summary><c>append</c>: go on behind what is there; not together with rotation. Default false: the file is emptied at start.</summary>
    public bool Append { get; init; }

    /// <summary><c>create_directory</c>. Default false.</summary>
    public bool CreateDirectory { get; init; }

    /// <summary><c>format</c>: <c>json</c> or <c>proto</c> (each message behind its length, 4 bytes big-endian). Default json.</summary>
    public bool IsProto { get; init; }

    /// <summary><c>compression: zstd</c>: each message compressed behind its length, 4 bytes big-endian. Default false.</summary>
    public bool IsZstd { get; init; }

    /// <summary><c>rotation</c>; null where it is not written.</summary>
    public FileRotationOptions? Rotation { get; init; }
}

/// <summary><c>exporters.file.rotation</c>.</summary>
internal sealed record FileRotationOptions
{
    /// <summary><c>max_megabytes</c>. Default 100.</summary>
    public int MegabytesMax { get; init; } = 100;

    /// <summary><c>max_days</c>: older files are deleted; 0 keeps them. Default 0.</summary>
    public int DaysMax { get; init; }

    /// <summary><c>max_backups</c>: beyond so many the oldest is deleted; 0 keeps them. Default 100.</summary>
    public int BackupsMax { get; init; } = 100;

    /// <summary><c>localtime</c>: the time in a backup's name is local, not UTC. Default false.</summary>
    public bool IsLocalTime { get; init; }
}

/// <summary><c>debug.verbosity</c>.</summary>
internal enum DebugVerbosity
{
    Basic,
    Normal,
    Detailed,
}

/// <summary><c>exporters.debug</c>: what passes, on standard output, for people.</summary>
internal sealed record DebugExporterOptions(string Id) : ExporterOptions(Id)
{
    /// <summary><c>verbosity</c>: <c>basic</c> says how many, <c>normal</c> a line for each item, <c>detailed</c> everything. Default basic.</summary>
    public DebugVerbosity Verbosity { get; init; }

    /// <summary><c>sampling_initial</c>: messages of each second that are shown before sampling. Default 2.</summary>
    public int SamplingInitial { get; init; } = 2;

    /// <summary><c>sampling_thereafter</c>: of the further ones, one in so many is shown. Default 1: all.</summary>
    public int SamplingThereafter { get; init; } = 1;
}

/// <summary><c>retry_on_failure</c>, with the Collector's defaults.</summary>
internal sealed record RetryOptions
{
    /// <summary><c>initial_interval</c>. Default 5 s.</summary>
    public TimeSpan InitialInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary><c>max_interval</c>. Default 30 s.</summary>
    public TimeSpan IntervalMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary><c>max_elapsed_time</c>: after it the last failure stands; zero for never. Default 300 s.</summary>
    public TimeSpan ElapsedMax { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary><c>multiplier</c>. Default 1.5; at least 1.</summary>
    public double Multiplier { get; init; } = 1.5;

    /// <summary><c>randomization_factor</c>: an interval is as long, give or take this part of it. Default 0.5; 0 to 1.</summary>
    public double RandomizationFactor { get; init; } = 0.5;
}

/// <summary>What <c>sending_queue.queue_size</c> counts.</summary>
internal enum QueueSizer
{
    Requests,
    Items,
    Bytes,
}

/// <summary><c>sending_queue</c>, with the Collector's defaults.</summary>
internal sealed record QueueOptions
{
    /// <summary><c>num_consumers</c>: requests that are sent at a time. Default 10; 1 to 1024.</summary>
    public int Consumers { get; init; } = 10;

    /// <summary><c>queue_size</c>: what is beyond it is dropped and counted. Default 1000.</summary>
    public long Size { get; init; } = 1000;

    /// <summary><c>sizer</c>. Default requests.</summary>
    public QueueSizer Sizer { get; init; }

    /// <summary><c>max_size_mib</c>, a key of the tap's: whatever <see cref="Sizer"/> counts, no more bytes wait. Default 64 MiB; 1 to 65536.</summary>
    public long BytesMax { get; init; } = 64L << 20;
}

/// <summary><c>spool</c>: a key of the tap's.</summary>
internal sealed record SpoolOptions
{
    /// <summary><c>directory</c>. Default <c>./otlptap-data/spool/&lt;exporter id, slashes as _&gt;</c>.</summary>
    public required string Directory { get; init; }

    /// <summary><c>max_size_mib</c>: at it, requests are refused as without a spool. Default 1 GiB; 16 to 1048576.</summary>
    public long BytesMax { get; init; } = 1L << 30;

    /// <summary><c>max_age</c>: what waited longer is discarded, and counted. Default 24 h; 1 min to 30 days.</summary>
    public TimeSpan AgeMax { get; init; } = TimeSpan.FromHours(24);

    /// <summary><c>segment_size_mib</c>. Default 16 MiB; 1 to 1024.</summary>
    public int SegmentBytes { get; init; } = 16 << 20;
}

/// <summary><c>compression</c> of what is sent.</summary>
internal enum Compression
{
    None,
    Gzip,
    Zstd,
}

/// <summary>Shown to an upstream: what <c>auth.authenticator</c> of an exporter names.</summary>
internal abstract record ClientAuthOptions(string Id);

/// <summary><c>extensions.bearertokenauth</c>: the first of the tokens is sent.</summary>
internal sealed record ClientBearerTokenOptions(string Id) : ClientAuthOptions(Id)
{
    /// <summary><c>header</c>, in lower case. Default <c>authorization</c>.</summary>
    public string Header { get; init; } = "authorization";

    /// <summary><c>scheme</c>. Default <c>Bearer</c>.</summary>
    public string Scheme { get; init; } = "Bearer";

    /// <summary><c>token</c>; null with <see cref="TokenFile"/>.</summary>
    public string? Token { get; init; }

    /// <summary><c>filename</c>: read again when it changes.</summary>
    public string? TokenFile { get; init; }
}

/// <summary><c>extensions.basicauth</c> with <c>client_auth</c>.</summary>
internal sealed record ClientBasicAuthOptions(string Id, string User, string Password) : ClientAuthOptions(Id);
