using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using OtlpTap.Buffers;
using Snappier;

namespace OtlpTap.Receive;

/// <summary>
/// Decompresses snappy: a block, or a stream of blocks, which a Content-Encoding of <c>snappy</c> may mean as well (the
/// Collector sent the one before v0.123 and the other since). Both tell their length, a stream chunk by chunk:
/// <code>
///   block:   | length, varint | literals and copies ... |
///   stream:  | 0xff 6 0 0 "sNaPpY" | chunk | chunk | ...
///   chunk:   | type, 1 byte | length, 3 bytes little-endian | masked CRC-32C of the content, 4 bytes | block (0x00) or content (0x01) |
///            | 0x80 .. 0xfe | length | anything: passed over |
/// </code>
/// (google/snappy, format_description.txt and framing_format.txt)
/// </summary>
internal static class SnappyMessage
{
    private const int ChunkHeaderBytes = 4;
    private const int ChecksumBytes = 4;

    // Of a chunk, uncompressed.
    private const int ChunkContentMax = 65_536;

    private const byte CompressedChunk = 0x00;
    private const byte PlainChunk = 0x01;
    private const byte SkippableFrom = 0x80;
    private const byte StreamIdentifier = 0xff;

    private static ReadOnlySpan<byte> Magic => [StreamIdentifier, 6, 0, 0, (byte)'s', (byte)'N', (byte)'a', (byte)'P', (byte)'p', (byte)'Y'];

    public static InflateOutcome Inflate(in ReadOnlySequence<byte> compressed, Arrival arrival, long heldBytes, PayloadPool payloads, long lengthMax)
    {
        if (!OnePiece.TryTake(compressed, arrival, heldBytes, payloads, out var piece))
        {
            return InflateOutcome.InFlightFull;
        }

        using (piece)
        {
            var isStream = piece.Span.StartsWith(Magic);
            if (!(isStream ? TryReadStreamLength(piece.Span, out var length) : TryReadBlockLength(piece.Span, out length)))
            {
                return InflateOutcome.Malformed;
            }

            if (length > lengthMax)
            {
                return InflateOutcome.TooLarge;
            }

            if (!arrival.TryHold(piece.HeldBytes + length))
            {
                return InflateOutcome.InFlightFull;
            }

            arrival.Inflated(payloads.Rent((int)length));
            var writable = arrival.Payload!.Writable;
            return (isStream ? TryInflateStream(piece.Span, writable) : TryInflateBlock(piece.Span, writable)) ? InflateOutcome.Inflated : InflateOutcome.Malformed;
        }
    }

    /// <summary>
    /// What the block claims, if that is what comes out of it: the decompressor would stop there and leave the rest. All of
    /// its elements are passed over for that, which costs little beside copying what they stand for.
    /// <code>
    ///   | tag, low bits 0 | literal of (tag >> 2) + 1 bytes; from 60 on as many bytes more with the length |
    ///   | tag, low bits 1 | copy of 4 + (tag >> 2 and 7) bytes, 1 byte of offset |   2, 3: of (tag >> 2) + 1 bytes, 2 or 4 of offset
    /// </code>
    /// </summary>
    private static bool TryReadBlockLength(ReadOnlySpan<byte> block, out long length)
    {
        length = 0;
        var position = 0L;
        do
        {
            if (position == Math.Min(block.Length, 5))
            {
                return false;
            }

            length |= (long)(block[(int)position] & 0x7f) << (7 * (int)position);
        }
        while (block[(int)position++] >= 0x80);

        long content = 0;
        while (position < block.Length)
        {
            var tag = block[(int)position++];
            var upper = tag >> 2;
            switch (tag & 3)
            {
                case 0 when upper >= 60:
                    long literal = 0;
                    for (var i = 0; i < upper - 59; i++)
                    {
                        if (position == block.Length)
                        {
                            return false;
                        }

                        literal |= (long)block[(int)position++] << (8 * i);
                    }

                    content += literal + 1;
                    position += literal + 1;
                    break;

                case 0:
                    content += upper + 1;
                    position += upper + 1;
                    break;

                case 1:
                    content += 4 + (upper & 7);
                    position += 1;
                    break;

                case var kind:
                    content += upper + 1;
                    position += kind == 2 ? 2 : 4;
                    break;
            }
        }

        return position == block.Length && content == length;
    }

    /// <summary>The sum of what the chunks say.</summary>
    private static bool TryReadStreamLength(ReadOnlySpan<byte> stream, out long length)
    {
        length = 0;
        while (!stream.IsEmpty)
        {
            if (!TryReadChunk(ref stream, out var type, out var body))
            {
                return false;
            }

            long content;
            switch (type)
            {
                case CompressedChunk:
                    if (body.Length < ChecksumBytes || !TryReadBlockLength(body[ChecksumBytes..], out content))
                    {
                        return false;
                    }

                    break;

                case PlainChunk:
                    content = body.Length - ChecksumBytes;
                    break;

                case StreamIdentifier when !body.SequenceEqual(Magic[ChunkHeaderBytes..]):
                    return false;

                case >= SkippableFrom:
                    continue;

                default:
                    return false; // 0x02 to 0x7f: reserved, and not to be passed over
            }

            if (content is < 0 or > ChunkContentMax)
            {
                return false;
            }

            length += content;
        }

        return true;
    }

    private static bool TryInflateStream(ReadOnlySpan<byte> stream, Span<byte> destination)
    {
        while (!stream.IsEmpty)
        {
            TryReadChunk(ref stream, out var type, out var body);
            if (type >= SkippableFrom)
            {
                continue;
            }

            var checksum = BinaryPrimitives.ReadUInt32LittleEndian(body);
            var content = body[ChecksumBytes..];
            int length;
            if (type == PlainChunk)
            {
                length = content.Length;
                content.CopyTo(destination);
            }
            else
            {
                TryReadBlockLength(content, out var blockLength);
                length = (int)blockLength;
                if (!TryInflateBlock(content, destination[..length]))
                {
                    return false;
                }
            }

            if (MaskedChecksum(destination[..length]) != checksum)
            {
                return false;
            }

            destination = destination[length..];
        }

        return true;
    }

    private static bool TryReadChunk(ref ReadOnlySpan<byte> stream, out byte type, out ReadOnlySpan<byte> body)
    {
        type = stream[0];
        body = default;
        if (stream.Length < ChunkHeaderBytes)
        {
            return false;
        }

        var length = stream[1] | (stream[2] << 8) | (stream[3] << 16);
        if (length > stream.Length - ChunkHeaderBytes)
        {
            return false;
        }

        body = stream.Slice(ChunkHeaderBytes, length);
        stream = stream[(ChunkHeaderBytes + length)..];
        return true;
    }

    private static bool TryInflateBlock(ReadOnlySpan<byte> block, Span<byte> destination)
    {
        try
        {
            return Snappy.TryDecompress(block, destination, out var written) && written == destination.Length;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    // Rotated and added to, because a checksum of data that holds checksums is weak (framing_format.txt, section 3).
    private static uint MaskedChecksum(ReadOnlySpan<byte> content)
    {
        var crc = uint.MaxValue;
        while (content.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(content));
            content = content[sizeof(ulong)..];
        }

        foreach (var single in content)
        {
            crc = BitOperations.Crc32C(crc, single);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }
}
