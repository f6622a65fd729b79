namespace OtlpTap.Receive;

/// <summary>What is received at one edge, and the limits of it.</summary>
internal sealed record ReceiveOptions
{
    /// <summary>Largest message in bytes, counted after decompression. Default 64 MiB, as the OTLP specification recommends (1 to 1,024 MiB).</summary>
    public long MessageBytesMax { get; init; } = 64L << 20;

    /// <summary>What sets <see cref="MessageBytesMax"/>, for the sender who is refused.</summary>
    public string MessageBytesMaxKey { get; init; } = "receivers.otlp.protocols.grpc.max_recv_msg_size_mib";

    /// <summary>Whether what came as gzip is kept beside what came out of it: where an upstream gets it as it came. Default false.</summary>
    public bool KeepGzip { get; init; }

    /// <summary>Lower-case names of request headers that travel on to the upstream. Default: authorization, x-scope-orgid.</summary>
    public IReadOnlyList<string> ForwardedHeaders { get; init; } = ["authorization", "x-scope-orgid"];

    /// <summary>
    /// What a request takes beside its message, counted as in flight with it: 11 KB for stream, call and state when it
    /// waits for a stalled upstream (50,000 requests of 80 bytes, measured), and some headers. Without it tiny requests would not be bounded.
    /// </summary>
    public const int RequestOverheadBytes = 16 << 10;

    /// <summary>How long a message may take to arrive, beside what its length explains.</summary>
    public TimeSpan ArrivalGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The slowest line that is waited for: 64 MiB then take four minutes, which is longer than any exporter's timeout.</summary>
    public int ArrivalBytesPerSecondMin { get; init; } = 256 << 10;
}
