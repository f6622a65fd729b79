using System.Buffers;
using OtlpTap.Buffers;

namespace OtlpTap.Receive;

/// <summary>What became of a compressed message.</summary>
internal enum InflateOutcome
{
    Inflated,

    /// <summary>Its bytes are not what they are said to be, end too early, or do not end where the message does.</summary>
    Malformed,

    /// <summary>More comes out of it than a message may have.</summary>
    TooLarge,

    /// <summary>What comes out of it does not fit into the bytes in flight.</summary>
    InFlightFull,
}

/// <summary>
/// Decompresses a message straight into a payload, with in-flight credit taken before the memory. gRPC's own way
/// decompresses into an array that doubles as it grows and counts nothing: 20 connections with 8 messages of 60 KB each
/// took 9 GB.
/// </summary>
internal static class CompressedMessage
{
    /// <param name="arrival">Holds <paramref name="heldBytes"/> already, and on <see cref="InflateOutcome.Inflated"/> the payload.</param>
    public static InflateOutcome Inflate(
        ContentCoding coding, in ReadOnlySequence<byte> compressed, Arrival arrival, long heldBytes, PayloadPool payloads, long lengthMax) => coding switch
    {
        _ when compressed.IsEmpty => InflateOutcome.Malformed, // to some decompressors it is the end of nothing
        ContentCoding.Gzip => GzipMessage.Inflate(compressed, arrival, heldBytes, payloads, lengthMax),
        ContentCoding.Zstd => ZstdMessage.Inflate(compressed, arrival, heldBytes, payloads, lengthMax),
        ContentCoding.Zlib => ZlibMessage.Inflate(compressed, mayBeBare: false, arrival, heldBytes, payloads, lengthMax),
        ContentCoding.Deflate => ZlibMessage.Inflate(compressed, mayBeBare: true, arrival, heldBytes, payloads, lengthMax),
        ContentCoding.Snappy => SnappyMessage.Inflate(compressed, arrival, heldBytes, payloads, lengthMax),
        _ => throw new ArgumentOutOfRangeException(nameof(coding), coding, "Nothing to decompress."),
    };

    /// <summary>
    /// Keeps the compressed bytes beside what came out of them, for an upstream that takes them as they are. Where there is
    /// no credit for both, the message goes on without.
    /// </summary>
    public static void Keep(in ReadOnlySequence<byte> gzip, Arrival arrival, long heldBytes, PayloadPool payloads)
    {
        if (arrival.TryHold(heldBytes + arrival.Payload!.Length + gzip.Length))
        {
            var kept = payloads.Rent((int)gzip.Length);
            gzip.CopyTo(kept.Writable);
            arrival.Payload.AttachGzip(kept);
        }
    }
}
