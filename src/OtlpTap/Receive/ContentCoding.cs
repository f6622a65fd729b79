using System.Collections.Immutable;

namespace OtlpTap.Receive;

/// <summary>How a message may be compressed.</summary>
internal enum ContentCoding
{
    Identity,

    /// <summary>RFC 1952.</summary>
    Gzip,

    /// <summary>RFC 8878.</summary>
    Zstd,

    /// <summary>RFC 1950.</summary>
    Zlib,

    /// <summary>What HTTP calls so is zlib's format (RFC 9110, 8.4.1.2); some send the bare one of RFC 1951, which is taken too.</summary>
    Deflate,

    /// <summary>One block, or a stream of them where it begins as one (google/snappy, format_description.txt and framing_format.txt).</summary>
    Snappy,
}

/// <summary>The names of codings, as in <c>Content-Encoding</c>.</summary>
internal static class ContentCodings
{
    /// <summary>What <c>grpc-encoding</c> may name.</summary>
    public static bool TryFindGrpc(string? name, out ContentCoding coding)
    {
        coding = string.Equals(name, "gzip", StringComparison.OrdinalIgnoreCase) ? ContentCoding.Gzip
            : string.Equals(name, "zstd", StringComparison.OrdinalIgnoreCase) ? ContentCoding.Zstd
            : ContentCoding.Identity;
        return coding != ContentCoding.Identity;
    }

    /// <param name="header">The whole header; a list of several codings is not taken.</param>
    /// <param name="accepted">The configured names; an empty one stands for no coding.</param>
    public static bool TryFind(string? header, ImmutableArray<string> accepted, out ContentCoding coding)
    {
        var name = header?.Trim().ToLowerInvariant() ?? "";
        (coding, var configured) = name switch
        {
            "" or "identity" or "none" => (ContentCoding.Identity, ""),
            "gzip" or "x-gzip" => (ContentCoding.Gzip, "gzip"),
            "zstd" => (ContentCoding.Zstd, "zstd"),
            "zlib" => (ContentCoding.Zlib, "zlib"),
            "deflate" => (ContentCoding.Deflate, "deflate"),
            "snappy" => (ContentCoding.Snappy, "snappy"),
            "x-snappy-framed" => (ContentCoding.Snappy, accepted.Contains("x-snappy-framed") ? "x-snappy-framed" : "snappy"),
            _ => (ContentCoding.Identity, null),
        };
        return configured is not null && accepted.Contains(configured);
    }
}
