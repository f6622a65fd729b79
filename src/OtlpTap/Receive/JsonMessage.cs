using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>Turns OTLP/JSON into the payload that protobuf would have come in; behind the edge there is nothing else.</summary>
internal static class JsonMessage
{
    /// <summary>In-flight credit comes before the memory, and also for what is used on the way.</summary>
    /// <param name="arrival">Holds <paramref name="heldBytes"/> already, and on success the payload.</param>
    /// <returns>Why it is refused, or null.</returns>
    public static Refused? Read(Signal signal, ReadOnlySpan<byte> json, Arrival arrival, long heldBytes, PayloadPool payloads, ReceiveOptions options)
    {
        // Resolving escapes, hexadecimal digits and base64 takes as much as the longest text at most.
        heldBytes += json.Length;
        if (!arrival.TryHold(heldBytes + OtlpJsonRequestBuilder.InitialBytes(json.Length)))
        {
            return Refused.Because(Refusal.InFlightFull, options);
        }

        using var request = new OtlpJsonRequestBuilder(json.Length, (int)options.MessageBytesMax, bytes => arrival.TryHold(heldBytes + bytes));
        if (!OtlpJson.TryRead(signal, json, request, out var error))
        {
            return request.IsOutOfMemory ? Refused.Because(Refusal.InFlightFull, options)
                : request.IsOverfull ? Refused.Because(Refusal.TooLarge, options)
                : new Refused(Refusal.Malformed, Malformed(error));
        }

        if (!arrival.TryHold(heldBytes + request.HeldBytes + request.Length))
        {
            return Refused.Because(Refusal.InFlightFull, options);
        }

        var payload = payloads.Rent(request.Length);
        request.WriteTo(payload.Writable);
        arrival.Inflated(payload);
        return null;
    }

    // "resourceSpans[0].scopeSpans: expected an array, found a string"
    private static ExportReply Malformed(OtlpJsonError error)
    {
        var problem = $"{error.Message} at byte {error.ByteOffset}";
        var colon = error.IsBrokenJson ? -1 : problem.IndexOf(": ", StringComparison.Ordinal);
        return colon < 0 ? Refusals.Malformed(problem, "", problem) : Refusals.Malformed(problem, problem[..colon], problem[(colon + 2)..]);
    }
}
