using System.Buffers;
using OtlpTap.Buffers;
using ZstdSharp;

namespace OtlpTap.Receive;

/// <summary>
/// Decompresses zstd: one frame or several. What is decompressed as a stream needs a window beside, as large as the
/// frame's header asks for, which may be gigabytes; Go's encoder asks for 8 MiB whatever it sends. Decompressed as a whole
/// the payload is the window. Its length is in the header where the sender knew it before; otherwise there is a bound,
/// 128 KiB for each block, that may be far above it. So the payload grows up to that, and each time it begins anew.
/// <code>
///   | magic, 4 bytes | header: window, dictionary, length of the content, each if said | blocks ... | checksum, 4 bytes, if said |   (RFC 8878)
/// </code>
/// </summary>
internal static class ZstdMessage
{
    // What text of telemetry comes to, with room: a wrong guess costs a second pass over what was decompressed.
    private const int RatioExpected = 16;

    private const int LengthMin = 4096;

    // Four times, as each step begins anew: all of them together cost a third of the last.
    private const int GrowthFactor = 4;

    // A decompressor's tables and its block of literals, measured by ZSTD_estimateDCtxSize: 95,968 bytes and 128 KiB.
    private const int DecompressorBytes = 256 << 10;

    public static InflateOutcome Inflate(in ReadOnlySequence<byte> compressed, Arrival arrival, long heldBytes, PayloadPool payloads, long lengthMax)
    {
        heldBytes += DecompressorBytes;
        if (!arrival.TryHold(heldBytes) || !OnePiece.TryTake(compressed, arrival, heldBytes, payloads, out var piece))
        {
            return InflateOutcome.InFlightFull;
        }

        using (piece)
        using (var decompressor = new Decompressor())
        {
            try
            {
                return Inflate(decompressor, piece.Span, arrival, piece.HeldBytes, payloads, lengthMax);
            }
            catch (ZstdException)
            {
                return InflateOutcome.Malformed;
            }
        }
    }

    private static InflateOutcome Inflate(Decompressor decompressor, ReadOnlySpan<byte> compressed, Arrival arrival, long heldBytes, PayloadPool payloads, long lengthMax)
    {
        var bound = Decompressor.GetDecompressedSize(compressed);
        var largest = (int)Math.Min(bound, (ulong)lengthMax);
        var length = (int)Math.Min(Math.Max((long)compressed.Length * RatioExpected, LengthMin), largest);
        while (true)
        {
            if (!arrival.TryHold(heldBytes + length))
            {
                return InflateOutcome.InFlightFull;
            }

            arrival.Inflated(payloads.Rent(length));
            if (decompressor.TryUnwrap(compressed, arrival.Payload!.Writable, out var written))
            {
                return written == length || PayloadGrowth.TryReplace(arrival, heldBytes, payloads, written, written) ? InflateOutcome.Inflated : InflateOutcome.InFlightFull;
            }

            arrival.TakeInflated()!.Release();
            if (length == largest)
            {
                return bound > (ulong)lengthMax ? InflateOutcome.TooLarge : InflateOutcome.Malformed;
            }

            length = (int)Math.Min((long)length * GrowthFactor, largest);
        }
    }
}
