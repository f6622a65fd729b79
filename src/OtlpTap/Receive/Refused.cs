using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>A request that the edge answers itself: why, and what.</summary>
internal sealed record Refused(Refusal Refusal, ExportReply Reply)
{
    /// <summary>Of a refusal that needs nothing from the request.</summary>
    public static Refused Because(Refusal refusal, ReceiveOptions options) =>
        new(refusal, refusal == Refusal.TooLarge ? Refusals.TooLarge(options.MessageBytesMax, options.MessageBytesMaxKey) : Refusals.Reply(refusal));

    public static Refused Malformed(string problem) => new(Refusal.Malformed, Refusals.Malformed(problem));

    /// <summary>Null where the message was decompressed.</summary>
    public static Refused? Because(InflateOutcome outcome, ContentCoding coding, ReceiveOptions options) => outcome switch
    {
        InflateOutcome.Inflated => null,
        InflateOutcome.TooLarge => Because(Refusal.TooLarge, options),
        InflateOutcome.InFlightFull => Because(Refusal.InFlightFull, options),
        _ => Malformed($"the message is marked as {coding.ToString().ToLowerInvariant()} but cannot be decompressed"),
    };
}
