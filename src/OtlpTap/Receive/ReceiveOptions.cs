namespace OtlpTap.Receive;

/// <summary>The limits of the OTLP/gRPC edge.</summary>
internal sealed record ReceiveOptions
{
    /// <summary>Largest message in bytes, counted after decompression. Default 64 MiB, as the OTLP specification recommends (1 to 1,024 MiB).</summary>
    public long MessageBytesMax { get; init; } = 64L << 20;

    /// <summary>Lower-case names of request headers that travel on to the upstream. Default: authorization, x-scope-orgid.</summary>
    public IReadOnlyList<string> ForwardedHeaders { get; init; } = ["authorization", "x-scope-orgid"];
}
