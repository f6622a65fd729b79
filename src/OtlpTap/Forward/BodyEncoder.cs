using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;
using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>
/// Makes of a call's message what goes onto the wire, where that is something else: OTLP/JSON, compressed, or both.
/// Everything lies in payloads of the pool; what is made holds about as much again as what it is made of, for the call's time.
/// </summary>
internal sealed class BodyEncoder(Compression compression, bool isJson, PayloadPool pool) : IDisposable
{
    /// <summary>Shorter messages go as they are: what compression saves of them is less than what it adds.</summary>
    public const int CompressedLengthMin = 128;

    // Speed before size: the tap stands between agents and an upstream in the same network more often than not.
    private const int ZstdLevel = 1;

    // One for each core can be at work; each holds some hundred kilobytes to a few megabytes.
    private static readonly int SpareMax = Environment.ProcessorCount;

    private readonly ConcurrentQueue<ZstdSharp.Compressor> _spare = new();

    /// <summary>Whether <see cref="Encode"/> can make anything else than what there is.</summary>
    public bool IsNeeded => isJson || compression != Compression.None;

    /// <summary>What a sender has compressed with gzip goes on as it came.</summary>
    public bool PassesGzip => compression == Compression.Gzip && !isJson;

    /// <summary>The sender's own compressed form, where the upstream takes it as it is.</summary>
    public Payload? AsSent(UpstreamBody body) => PassesGzip && body.Count == 1 ? body[0].Gzip : null;

    /// <summary>
    /// A message in one payload, which the caller releases; null where <paramref name="body"/> goes as it is.
    /// The bytes of <paramref name="body"/> are not read any more after that.
    /// </summary>
    public Payload? Encode(Signal signal, UpstreamBody body, out Compression applied)
    {
        applied = Compression.None;
        var json = isJson ? ToJson(signal, body) : null;
        var length = json?.Length ?? body.MessageLength;
        if (compression == Compression.None || length < CompressedLengthMin)
        {
            return json;
        }

        var plain = json ?? (body.Count == 1 ? null : Join(body));
        var compressed = Compress((plain ?? body[0]).Span);
        if (compressed is null)
        {
            if (plain != json)
            {
                plain!.Release();
            }

            return json;
        }

        plain?.Release();
        applied = compression;
        return compressed;
    }

    public void Dispose()
    {
        while (_spare.TryDequeue(out var compressor))
        {
            compressor.Dispose();
        }
    }

    private Payload Join(UpstreamBody body)
    {
        var joined = pool.Rent(body.MessageLength);
        var rest = joined.Writable;
        for (var i = 0; i < body.Count; i++)
        {
            body[i].Span.CopyTo(rest);
            rest = rest[body[i].Length..];
        }

        return joined;
    }

    private Payload ToJson(Signal signal, UpstreamBody body)
    {
        var request = body.Count == 1 ? null : Join(body);
        using var output = new PayloadWriter(pool, (2 * body.MessageLength) + 256);
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true }))
        {
            // What was received has been found well-formed, so that nothing is left out but what the schema lacks.
            OtlpJson.Write(signal, (request ?? body[0]).Span, json);
        }

        request?.Release();
        return output.Take();
    }

    // Null where it does not become shorter.
    private Payload? Compress(ReadOnlySpan<byte> message)
    {
        var compressed = pool.Rent(message.Length);
        var length = compression == Compression.Gzip ? Gzip(message, compressed) : Zstd(message, compressed.Writable);
        if (length <= 0 || length >= message.Length)
        {
            compressed.Release();
            return null;
        }

        compressed.Shrink(length);
        return compressed;
    }

    private static int Gzip(ReadOnlySpan<byte> message, Payload destination)
    {
        using var output = new FixedStream(destination);
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(message);
        }

        return output.HasOverflowed ? 0 : output.Written;
    }

    private int Zstd(ReadOnlySpan<byte> message, Span<byte> destination)
    {
        if (!_spare.TryDequeue(out var compressor))
        {
            compressor = new ZstdSharp.Compressor(ZstdLevel);
        }

        var length = compressor.TryWrap(message, destination, out var written) ? written : 0;
        if (_spare.Count < SpareMax)
        {
            _spare.Enqueue(compressor);
        }
        else
        {
            compressor.Dispose();
        }

        return length;
    }

    /// <summary>Takes what fits into a payload, and says when more came.</summary>
    private sealed class FixedStream(Payload destination) : Stream
    {
        public int Written { get; private set; }

        public bool HasOverflowed { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            HasOverflowed |= !buffer.TryCopyTo(destination.Writable[Written..]);
            Written += HasOverflowed ? 0 : buffer.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
