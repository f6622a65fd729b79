using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>
/// How large a response message may be. Of a partial success the message to people is shortened to fit, as the OTLP
/// specification has it ("OTLP/gRPC Response"). Larger ones of the upstream are refused where they are received; what
/// is left are those that the tap has added a note to.
/// </summary>
internal static class ReplyLimit
{
    /// <summary>4 MiB: what the specification recommends, and the default limit of gRPC's clients.</summary>
    public const int BytesMax = 4 << 20;

    public static ReadOnlyMemory<byte> Fit(ReadOnlyMemory<byte> response) =>
        response.Length > BytesMax && PartialSuccess.TryRead(response.Span, out var partial) ? partial.ToResponse(BytesMax) : response;
}
