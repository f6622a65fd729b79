using OtlpTap.Buffers;

namespace OtlpTap.Receive;

/// <summary>Fills an arrival's payload from a stream whose length nothing tells: it doubles, with credit for each step.</summary>
internal static class PayloadGrowth
{
    // Smaller steps than this are not worth a further payload.
    private const int LengthMin = 1024;

    /// <param name="expected">The length to begin with.</param>
    public static InflateOutcome Fill(Stream stream, long expected, Arrival arrival, long heldBytes, PayloadPool payloads, long lengthMax)
    {
        var length = (int)Math.Clamp(expected, Math.Min(LengthMin, lengthMax), lengthMax);
        if (!arrival.TryHold(heldBytes + length))
        {
            return InflateOutcome.InFlightFull;
        }

        arrival.Inflated(payloads.Rent(length));
        var writable = arrival.Payload!.Writable;
        var filled = stream.ReadAtLeast(writable, writable.Length, throwOnEndOfStream: false);
        if (filled < writable.Length)
        {
            return TryReplace(arrival, heldBytes, payloads, filled, filled) ? InflateOutcome.Inflated : InflateOutcome.InFlightFull;
        }

        var next = stream.ReadByte();
        return next < 0 ? InflateOutcome.Inflated : FillRest(stream, (byte)next, arrival, heldBytes, payloads, lengthMax);
    }

    /// <summary>What comes behind a payload that is full.</summary>
    public static InflateOutcome FillRest(Stream stream, byte next, Arrival arrival, long heldBytes, PayloadPool payloads, long lengthMax)
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
            var read = 1 + stream.ReadAtLeast(rest[1..], rest.Length - 1, throwOnEndOfStream: false);
            if (read < rest.Length)
            {
                return TryReplace(arrival, heldBytes, payloads, filled + read, filled + read) ? InflateOutcome.Inflated : InflateOutcome.InFlightFull;
            }

            var more = stream.ReadByte();
            if (more < 0)
            {
                return InflateOutcome.Inflated;
            }

            next = (byte)more;
        }
    }

    /// <summary>Puts a payload of another length in the place of the arrival's. False when there is no credit: while it is copied there are two.</summary>
    public static bool TryReplace(Arrival arrival, long heldBytes, PayloadPool payloads, int length, int keep)
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
}
