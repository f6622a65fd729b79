using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using OtlpTap.Buffers;

namespace OtlpTap.Receive;

/// <summary>What became of a compressed message.</summary>
internal enum InflateOutcome
{
    Inflated,

    /// <summary>Its bytes are no gzip.</summary>
    Malformed,

    /// <summary>More comes out of it than a message may have.</summary>
    TooLarge,

    /// <summary>What comes out of it does not fit into the bytes in flight.</summary>
    InFlightFull,
}

/// <summary>
/// Decompresses a gzip message straight into a payload, with in-flight credit taken before the memory. gRPC's own way
/// decompresses into an array that doubles as it grows and counts nothing: 20 connections with 8 messages of 60 KB each
/// took 9 GB. The length is known before: a gzip member ends with it.
/// <code>
///   | header | deflated bytes ... | CRC-32, 4 bytes | length before compression modulo 2^32, 4 bytes, little-endian |   (RFC 1952)
/// </code>
/// It is only the sender's word: what holds less is refused, and what holds more (a message of several members ends with
/// the length of the last) makes the payload grow, with credit for each step. A stream that is cut off is an error only
/// because of the switch System.IO.Compression.UseStrictValidation (Directory.Build.props): without it .NET calls it the
/// end, and what was lost might be acknowledged.
/// </summary>
internal static class GzipMessage
{
    // What deflate can reach (RFC 1951: 258 bytes of two bits): a short message that claims more lies.
    private const int RatioMax = 1032;

    private const int LengthFieldBytes = 4;

    // Header, end, and the two bytes in which deflate says nothing.
    private const int MemberBytesMin = 10 + 2 + 4 + LengthFieldBytes;

    // Smaller steps than this are not worth a further payload.
    private const int LengthMin = 1024;

    /// <param name="arrival">Holds <paramref name="heldBytes"/> already, and on <see cref="InflateOutcome.Inflated"/> the payload.</param>
    public static InflateOutcome Inflate(in ReadOnlySequence<byte> compressed, Arrival arrival, long heldBytes, PayloadPool payloads, long lengthMax)
    {
        if (compressed.Length < MemberBytesMin)
        {
            return InflateOutcome.Malformed;
        }

        var length = LengthIn(compressed);
        if (length > compressed.Length * RatioMax)
        {
            return InflateOutcome.Malformed;
        }

        if (length > lengthMax)
        {
            return InflateOutcome.TooLarge;
        }

        if (!arrival.TryHold(heldBytes + length))
        {
            return InflateOutcome.InFlightFull;
        }

        arrival.Inflated(payloads.Rent((int)length));
        try
        {
            using var gzip = new GZipStream(PipeReader.Create(compressed).AsStream(), CompressionMode.Decompress);
            var writable = arrival.Payload!.Writable;
            var filled = gzip.ReadAtLeast(writable, writable.Length, throwOnEndOfStream: false);
            if (filled < writable.Length)
            {
                return InflateOutcome.Malformed;
            }

            var next = gzip.ReadByte();
            return next < 0 ? InflateOutcome.Inflated : InflateRest(gzip, (byte)next, arrival, heldBytes, payloads, lengthMax);
        }
        catch (InvalidDataException)
        {
            return InflateOutcome.Malformed;
        }
    }

    /// <summary>The members behind the first, whose lengths nothing tells: the payload doubles.</summary>
    private static InflateOutcome InflateRest(GZipStream gzip, byte next, Arrival arrival, long heldBytes, PayloadPool payloads, long lengthMax)
    {
        while (true)
        {
            var filled = arrival.Payload!.Length;
            if (filled >= lengthMax)
            {
                return InflateOutcome.TooLarge;
            }

            var length = (int)Math.Min(Math.Max(filled * 2L, LengthMin), lengthMax);
            if (!TryReplace(arrival, heldBytes, payloads, length, filled))
            {
                return InflateOutcome.InFlightFull;
            }

            var rest = arrival.Payload.Writable[filled..];
            rest[0] = next;
            var read = 1 + gzip.ReadAtLeast(rest[1..], rest.Length - 1, throwOnEndOfStream: false);
            if (read < rest.Length)
            {
                return TryReplace(arrival, heldBytes, payloads, filled + read, filled + read) ? InflateOutcome.Inflated : InflateOutcome.InFlightFull;
            }

            var more = gzip.ReadByte();
            if (more < 0)
            {
                return InflateOutcome.Inflated;
            }

            next = (byte)more;
        }
    }

    // While it is copied there are two.
    private static bool TryReplace(Arrival arrival, long heldBytes, PayloadPool payloads, int length, int keep)
    {
        var old = arrival.Payload!;
        if (!arrival.TryHold(heldBytes + old.Length + length))
        {
            return false;
        }

        var payload = payloads.Rent(length);
        old.Span[..keep].CopyTo(payload.Writable);
        arrival.Inflated(payload);
        old.Release();
        arrival.Shrink(heldBytes + length);
        return true;
    }

    private static long LengthIn(in ReadOnlySequence<byte> compressed)
    {
        Span<byte> field = stackalloc byte[LengthFieldBytes];
        compressed.Slice(compressed.Length - LengthFieldBytes).CopyTo(field);
        return BinaryPrimitives.ReadUInt32LittleEndian(field);
    }
}
