using System.IO.Compression;
using Grpc.Core;
using Grpc.Net.Compression;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>
/// gzip for requests that stops at the message limit. gRPC's own provider decompresses to the end before anybody
/// counts, so that a few kilobytes could cost gigabytes; with this one they cost the limit at most. A stream that is cut
/// off is an error only because of the switch System.IO.Compression.UseStrictValidation (Directory.Build.props): without
/// it .NET calls it the end, and what was lost might be acknowledged.
/// </summary>
internal sealed class BoundedGzip(long messageBytesMax, ReceiveMetrics metrics) : ICompressionProvider
{
    public string EncodingName => "gzip";

    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) =>
        new GZipStream(stream, compressionLevel ?? CompressionLevel.Fastest, leaveOpen: true);

    public Stream CreateDecompressionStream(Stream stream) =>
        new BoundedStream(new GZipStream(stream, CompressionMode.Decompress), messageBytesMax, metrics);

    /// <summary>Reads at most the limit; one byte more is RESOURCE_EXHAUSTED, what is no gzip is INVALID_ARGUMENT.</summary>
    private sealed class BoundedStream(GZipStream inner, long limit, ReceiveMetrics metrics) : Stream
    {
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => _read;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            int read;
            try
            {
                read = inner.Read(buffer);
            }
            catch (InvalidDataException broken)
            {
                metrics.NotGzip();
                throw new RpcException(new Status(StatusCode.InvalidArgument, $"the message is marked as gzip but cannot be decompressed: {broken.Message}"));
            }

            _read += read;
            if (_read > limit)
            {
                metrics.DecompressedTooLarge();
                var reply = Refusals.TooLarge(limit);
                throw new RpcException(new Status(reply.Status, reply.Message));
            }

            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
