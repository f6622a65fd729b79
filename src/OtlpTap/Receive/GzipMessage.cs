using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using OtlpTap.Buffers;

namespace OtlpTap.Receive;

/// <summary>
/// Decompresses a gzip message. The length is known before: a gzip member ends with it.
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
            using var bytes = new SequenceStream(compressed);
            using var gzip = new GZipStream(bytes, CompressionMode.Decompress);
            var writable = arrival.Payload!.Writable;
            var filled = gzip.ReadAtLeast(writable, writable.Length, throwOnEndOfStream: false);
            if (filled < writable.Length)
            {
                return InflateOutcome.Malformed;
            }

            var next = gzip.ReadByte();
            var outcome = next < 0 ? InflateOutcome.Inflated : PayloadGrowth.FillRest(gzip, (byte)next, arrival, heldBytes, payloads, lengthMax);
            return outcome == InflateOutcome.Inflated && !bytes.IsRead ? InflateOutcome.Malformed : outcome;
        }
        catch (InvalidDataException)
        {
            return InflateOutcome.Malformed;
        }
    }

    private static long LengthIn(in ReadOnlySequence<byte> compressed)
    {
        Span<byte> field = stackalloc byte[LengthFieldBytes];
        compressed.Slice(compressed.Length - LengthFieldBytes).CopyTo(field);
        return BinaryPrimitives.ReadUInt32LittleEndian(field);
    }
}
