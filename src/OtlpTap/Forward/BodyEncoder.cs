using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;
using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>What became of a message that was to be encoded.</summary>
internal enum EncodeOutcome : byte
{
    /// <summary>It goes as it is.</summary>
    AsIs,

    Encoded,

    /// <summary>What would be made of it does not fit into the bytes in flight.</summary>
    InFlightFull,

    /// <summary>JSON cannot hold all of it: values nested too deep, or more text than an array takes.</summary>
    NotWritable,
}

/// <summary>
/// Makes of a call's message what goes onto the wire, where that is something else: OTLP/JSON, compressed, or both.
/// Everything lies in payloads of the pool, with in-flight credit of their own: JSON can be six times what it is made of.
/// </summary>
internal sealed class BodyEncoder(Compression compression, bool isJson, PayloadPool pool, ByteBudget inFlight) : IDisposable
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

    /// <param name="encoded">A message in one payload, which the caller releases. The bytes of <paramref name="body"/> are not read any more then.</param>
    public EncodeOutcome Encode(Signal signal, UpstreamBody body, out Payload? encoded, out Compression applied)
    {
        applied = Compression.None;
        var credit = new EncodingCredit(inFlight, pool, body);
        var outcome = isJson ? ToJson(signal, body, credit, out encoded) : AsIs(out encoded);
        return outcome is EncodeOutcome.AsIs or EncodeOutcome.Encoded ? Compress(body, credit, outcome, ref encoded, out applied) : outcome;
    }

    public void Dispose()
    {
        while (_spare.TryDequeue(out var compressor))
        {
            compressor.Dispose();
        }
    }

    private static EncodeOutcome AsIs(out Payload? encoded)
    {
        encoded = null;
        return EncodeOutcome.AsIs;
    }

    /// <param name="encoded">The message as JSON, where it is; afterwards what it has become.</param>
    private EncodeOutcome Compress(UpstreamBody body, EncodingCredit credit, EncodeOutcome before, ref Payload? encoded, out Compression applied)
    {
        applied = Compression.None;
        if (compression == Compression.None || (encoded?.Length ?? body.MessageLength) < CompressedLengthMin)
        {
            return before;
        }

        var plain = encoded;
        if (plain is null && body.Count > 1 && (plain = Join(body, credit)) is null)
        {
            return EncodeOutcome.InFlightFull;
        }

        // Without room for what is compressed the message would take more on the wire, and no more here.
        var compressed = Compress((plain ?? body[0]).Span, credit);
        if (compressed is not null)
        {
            applied = compression;
        }

        if (plain is not null && (compressed is not null || plain != encoded))
        {
            credit.Release(plain);
        }

        encoded = compressed ?? encoded;
        return encoded is null ? EncodeOutcome.AsIs : EncodeOutcome.Encoded;
    }

    private static Payload? Join(UpstreamBody body, EncodingCredit credit)
    {
        if (credit.TryRent(body.MessageLength) is not { } joined)
        {
            return null;
        }

        var rest = joined.Writable;
        for (var i = 0; i < body.Count; i++)
        {
            body[i].Span.CopyTo(rest);
            rest = rest[body[i].Length..];
        }

        return joined;
    }

    private static EncodeOutcome ToJson(Signal signal, UpstreamBody body, EncodingCredit credit, out Payload? encoded)
    {
        encoded = null;
        var joined = body.Count > 1 ? Join(body, credit) : null;
        if (body.Count > 1 && joined is null)
        {
            return EncodeOutcome.InFlightFull;
        }

        using var output = new PayloadWriter(credit);
        var isWhole = true;
        if (output.TryBegin((int)Math.Min((2L * body.MessageLength) + 256, Array.MaxLength - Payload.FrameHeaderLength)))
        {
            using var json = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true });
            isWhole = OtlpJson.Write(signal, (joined ?? body[0]).Span, json);
        }

        if (joined is not null)
        {
            credit.Release(joined);
        }

        if (output.IsOutOfCredit)
        {
            return EncodeOutcome.InFlightFull;
        }

        // What is left out of it would be acknowledged and lost.
        if (!isWhole || output.IsTooLong)
        {
            return EncodeOutcome.NotWritable;
        }

        encoded = output.Take();
        return EncodeOutcome.Encoded;
    }

    // Null where it does not become shorter, and where there is no room for it.
    private Payload? Compress(ReadOnlySpan<byte> message, EncodingCredit credit)
    {
        if (credit.TryRent(message.Length) is not { } room)
        {
            return null;
        }

        var length = compression == Compression.Gzip ? Gzip(message, room) : Zstd(message, room.Writable);
        if (length <= 0 || length >= message.Length)
        {
            credit.Release(room);
            return null;
        }

        // The call may take long: what it needs is a small part of the room, as a rule.
        if (length < message.Length / 2 && credit.TryRent(length) is { } compressed)
        {
            room.Span[..length].CopyTo(compressed.Writable);
            credit.Release(room);
            return compressed;
        }

        room.Shrink(length);
        return room;
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
