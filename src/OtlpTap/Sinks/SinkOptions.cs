using OtlpTap.Forward;

namespace OtlpTap.Sinks;

internal enum SinkKind
{
    /// <summary>The whole trace by OTLP/HTTP.</summary>
    OtlpHttp,

    /// <summary>The whole trace by OTLP/gRPC.</summary>
    OtlpGrpc,

    /// <summary>The whole trace as lines of OTLP/JSON.</summary>
    File,

    /// <summary>A summary of the case as signed JSON.</summary>
    Webhook,
}

/// <summary>One of <c>processors.tap.corpus.sinks</c>: where cases go besides their folder.</summary>
internal sealed record SinkOptions
{
    /// <summary><c>name</c>: the label of its metrics.</summary>
    public required string Name { get; init; }

    /// <summary><c>type</c>.</summary>
    public required SinkKind Kind { get; init; }

    /// <summary><c>endpoint</c>; of <c>otlp_http</c> the base, to which <c>/v1/traces</c> is added. Null: a file, or gRPC.</summary>
    public Uri? Url { get; init; }

    /// <summary><c>endpoint</c> of <c>otlp_grpc</c>.</summary>
    public UpstreamEndpoint? Upstream { get; init; }

    /// <summary><c>headers</c> and <c>tls</c>, as an exporter's.</summary>
    public ForwardOptions Connection { get; init; } = new() { Endpoint = "" };

    /// <summary><c>path</c> of the file, appended to. Default none.</summary>
    public string Path { get; init; } = "";

    /// <summary><c>max_size_mib</c>: a file that would become larger is set aside under a name with the time, and a new one begun. Default 100 MiB; 0: never; to 1,048,576.</summary>
    public long FileBytesMax { get; init; } = 100L << 20;

    /// <summary><c>max_files</c>: so many files that were set aside are kept, then the oldest goes. Default 10; 1 to 10,000.</summary>
    public int FilesMax { get; init; } = 10;

    /// <summary><c>secret_file</c>: the key that a webhook's body is signed with; read for each delivery. Default none: not signed.</summary>
    public string? SecretFile { get; init; }

    /// <summary><c>timeout</c> of one attempt. Default 10 s; 100 ms to 10 min.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary><c>max_queue_mib</c>: what cases that wait may come to. Default 64 MiB; 1 to 4096.</summary>
    public long QueueBytesMax { get; init; } = 64L << 20;

    /// <summary><c>redact</c>: the trace as the case has it. False: as it came, while the recorder holds it. Default true.</summary>
    public bool Redact { get; init; } = true;
}
