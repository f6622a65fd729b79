using Grpc.Core;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Validate;

namespace OtlpTap.Pipeline;

/// <summary>
/// What the pipelines do about single invalid items: find them, count them, tell the sender. The sender gets OK with
/// <c>partial_success</c> for what did not go on, since the rest did ("Partial Success" of the OTLP specification): it
/// must not send any of it again.
/// </summary>
internal sealed class InvalidItems(RequestValidator validator, ValidityMetrics metrics)
{
    private static readonly InvalidReason[] Reasons = Enum.GetValues<InvalidReason>();

    public Findings? Find(Signal signal, ReadOnlySpan<byte> request) => validator.Check(signal, request);

    public void Count(Findings findings)
    {
        foreach (var reason in Reasons)
        {
            if (findings.RejectedBy(reason) is > 0 and var rejected)
            {
                metrics.ItemsRejected(findings.Signal, reason, rejected);
            }

            if (findings.RepairedBy(reason) is > 0 and var repaired)
            {
                metrics.ValuesRepaired(findings.Signal, reason, repaired);
            }
        }
    }

    public static ExportReply Reply(PartialSuccess told) => new(StatusCode.OK, "", told.ToResponse(), []);

    /// <summary>The upstream's answer with ours in it. An error stays as it is: nothing was taken, and what comes again will be told again.</summary>
    public static async Task<ExportReply> TellAsync(PartialSuccess told, Task<ExportReply> answer)
    {
        var reply = await answer;
        if (reply.Status != StatusCode.OK)
        {
            return reply;
        }

        // What cannot be read of the upstream's own would not have been by the sender either.
        _ = PartialSuccess.TryRead(reply.Body.Span, out var upstream);
        return new ExportReply(reply.Status, reply.Message, told.And(upstream).ToResponse(), reply.Trailers.ToArray()) { HttpStatus = reply.HttpStatus };
    }
}
