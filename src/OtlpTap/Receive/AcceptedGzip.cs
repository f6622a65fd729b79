using System.IO.Compression;
using Grpc.Net.Compression;

namespace OtlpTap.Receive;

/// <summary>
/// Tells gRPC that gzip is taken, so that it says so to clients. It never gets to decompress: messages are plain when
/// <see cref="Admission"/> lets them through.
/// </summary>
internal sealed class AcceptedGzip : ICompressionProvider
{
    public string EncodingName => "gzip";

    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) =>
        throw new NotSupportedException("Replies are not compressed.");

    public Stream CreateDecompressionStream(Stream stream) =>
        throw new NotSupportedException("Compressed messages are decompressed before gRPC sees them.");
}
