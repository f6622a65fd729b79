using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>What the upstream's answer to a record says about it.</summary>
internal enum SpoolVerdict
{
    /// <summary>The upstream has it.</summary>
    Delivered,

    /// <summary>The upstream takes nothing now, whoever it is from.</summary>
    UpstreamFailed,

    /// <summary>It takes no more of this sender and signal for a while.</summary>
    Throttled,

    /// <summary>It takes nothing of this sender and signal until somebody changes something: credentials, rights, an address.</summary>
    SenderRefused,

    /// <summary>It did not take this record, and whether its bytes are the reason is not said.</summary>
    RecordFailed,

    /// <summary>It will never take these bytes.</summary>
    BytesRefused,
}

/// <summary>
/// A record was acknowledged: only what lies in its bytes lets it be thrown away before <c>max_age</c>. The table, with its
/// reasons, is in docs/decisions/spool.md.
/// </summary>
internal static class SpoolVerdicts
{
    /// <summary>
    /// What every gRPC server takes unless it was told otherwise. RESOURCE_EXHAUSTED without a RetryInfo means "too large" in
    /// OTLP, and "too much" from backends that leave the RetryInfo out; for a message of up to this size it is the latter.
    /// </summary>
    public const int AlwaysTakenBytes = 4 << 20;

    public static SpoolVerdict Of(ExportReply reply, int messageLength) => reply.Status switch
    {
        StatusCode.OK => SpoolVerdict.Delivered,
        StatusCode.Unauthenticated or StatusCode.PermissionDenied => SpoolVerdict.SenderRefused,
        _ when reply.HttpStatus is 400 or 413 or 422 => SpoolVerdict.BytesRefused,
        StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Aborted or StatusCode.Cancelled or StatusCode.DataLoss => SpoolVerdict.UpstreamFailed,
        StatusCode.ResourceExhausted => messageLength <= AlwaysTakenBytes || FailureKind.IsRetryable(reply) ? SpoolVerdict.Throttled : SpoolVerdict.BytesRefused,
        StatusCode.Unimplemented or StatusCode.NotFound => SpoolVerdict.SenderRefused,
        StatusCode.InvalidArgument or StatusCode.AlreadyExists when reply.HttpStatus == 0 => SpoolVerdict.BytesRefused,
        _ => SpoolVerdict.RecordFailed,
    };
}
