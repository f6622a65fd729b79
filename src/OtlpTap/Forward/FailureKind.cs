using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>What a refusal says about the requests that a joined call carried.</summary>
internal static class FailureKind
{
    /// <summary>
    /// Whether to send the members again one by one: the upstream refused for good, and the cause may lie in the bytes of
    /// one of them. Not after a retryable status (the agents retry, with what the status says), not after one that no
    /// member's bytes can cause, and never where the upstream may have accepted: after OK, or an answer cut short.
    /// </summary>
    public static bool MayLieInOneMember(UpstreamAnswer answer) =>
        answer.Outcome is UpstreamOutcome.Answered or UpstreamOutcome.NotGrpc or UpstreamOutcome.NotWritable
        && answer.Reply.Status is not (StatusCode.OK or StatusCode.Unauthenticated or StatusCode.Unimplemented)
        && !IsRetryable(answer.Reply);

    /// <summary>
    /// The OTLP specification's table ("OTLP/gRPC Response", "Failures"). RESOURCE_EXHAUSTED is retryable only with a
    /// RetryInfo: without one it means too large, which for a joined call is our doing.
    /// </summary>
    public static bool IsRetryable(ExportReply reply) => reply.Status switch
    {
        StatusCode.Cancelled
            or StatusCode.DeadlineExceeded
            or StatusCode.Aborted
            or StatusCode.OutOfRange
            or StatusCode.Unavailable
            or StatusCode.DataLoss => true,
        StatusCode.ResourceExhausted => TryGetRetryDelay(reply, out _),
        _ => false,
    };

    /// <summary>How long the upstream asks to wait before the next attempt, by a RetryInfo; an HTTP upstream's <c>Retry-After</c> stands there too.</summary>
    public static bool TryGetRetryDelay(ExportReply reply, out TimeSpan delay)
    {
        foreach (var trailer in reply.Trailers)
        {
            if (trailer.Name == StatusDetails.TrailerName
                && StatusDetails.TryReadTrailer(trailer.Value, out var status)
                && StatusDetails.TryReadRetryDelay(status, out delay))
            {
                return true;
            }
        }

        delay = TimeSpan.Zero;
        return false;
    }
}
