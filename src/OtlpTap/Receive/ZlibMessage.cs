using System.Buffers;
using System.IO.Compression;
using OtlpTap.Buffers;

namespace OtlpTap.Receive;

/// <summary>
/// Decompresses zlib's format, and the bare one inside of it. Neither tells its length.
/// <code>
///   | CM 4 bits = 8, CINFO 4 bits | FLEVEL, FDICT, FCHECK: both bytes divide by 31 | deflated bytes ... | Adler-32, 4 bytes |   (RFC 1950)
/// </code>
/// </summary>
internal static class ZlibMessage
{
    // What text of telemetry comes to; a wrong guess costs a copy.
    private const int RatioExpected = 6;

    public static InflateOutcome Inflate(in ReadOnlySequence<byte> compressed, bool mayBeBare, Arrival arrival, long heldBytes, PayloadPool payloads, long lengthMax)
    {
        var isZlib = IsZlib(compressed, out var needsDictionary);
        if (needsDictionary || (!isZlib && !mayBeBare))
        {
            return InflateOutcome.Malformed;
        }

        using var bytes = new SequenceStream(compressed);
        using Stream deflate = isZlib ? new ZLibStream(bytes, CompressionMode.Decompress) : new DeflateStream(bytes, CompressionMode.Decompress);
        try
        {
            var outcome = PayloadGrowth.Fill(deflate, compressed.Length * RatioExpected, arrival, heldBytes, payloads, lengthMax);
            return outcome == InflateOutcome.Inflated && !bytes.IsRead ? InflateOutcome.Malformed : outcome;
        }
        catch (InvalidDataException)
        {
            return InflateOutcome.Malformed;
        }
    }

    // A bare stream begins so only by a stored block with stray bits, which no compressor writes.
    private static bool IsZlib(in ReadOnlySequence<byte> compressed, out bool needsDictionary)
    {
        Span<byte> header = stackalloc byte[2];
        if (compressed.Length < header.Length)
        {
            needsDictionary = false;
            return false;
        }

        compressed.Slice(0, header.Length).CopyTo(header);
        var isZlib = (header[0] & 0x0f) == 8 && header[0] >> 4 <= 7 && ((header[0] << 8) | header[1]) % 31 == 0;
        needsDictionary = isZlib && (header[1] & 0x20) != 0;
        return isZlib;
    }
}
