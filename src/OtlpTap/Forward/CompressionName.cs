namespace OtlpTap.Forward;

/// <summary>The names of <see cref="Compression"/> in <c>grpc-encoding</c> and <c>Content-Encoding</c>.</summary>
internal static class CompressionName
{
    /// <summary>Null for none.</summary>
    public static string? Name(this Compression compression) => compression switch
    {
        Compression.Gzip => "gzip",
        Compression.Zstd => "zstd",
        _ => null,
    };
}
