using System.IO.Compression;
using Grpc.Net.Compression;

namespace OtlpTap.Receive;

/// <summary>
/// Tells gRPC what is taken, so that it says so to clients. It never gets to decompress: messages are plain when
/// <see cref="Admission"/> lets them through.
/// </summary>
internal sealed class AcceptedEncoding(string name) : ICompressionProvider
{
    /// <summary>What <c>grpc-encoding</c> may name beside <c>identity</c>.</summary>
    public static IList<ICompressionProvider> All => [new AcceptedEncoding("gzip"), new AcceptedEncoding("zstd")];

    public string EncodingName => name;

    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) =>
        throw new NotSupportedException("Replies are not compressed.");

    public Stream CreateDecompressionStream(Stream stream) =>
        throw new NotSupportedException("Compressed messages are decompressed before gRPC sees them.");
}
