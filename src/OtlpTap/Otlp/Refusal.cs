using Grpc.Core;

namespace OtlpTap.Otlp;

/// <summary>Every reason for which the tap itself, and not the upstream, answers a request with an error.</summary>
internal enum Refusal : byte
{
    /// <summary>The bytes are not a well-formed export request. The sender must not send them again.</summary>
    Malformed,

    /// <summary>The message is larger than the receiver takes, counted after decompression. Not retryable, hence no RetryInfo.</summary>
    TooLarge,

    /// <summary>The bound on bytes in flight is reached, as when the upstream stalls. The sender shall try again.</summary>
    InFlightFull,

    /// <summary>No upstream is configured and the recorder's queue is full, so that nothing would have the data.</summary>
    RecorderBusy,

    /// <summary>No upstream is configured and the recorder could not take the request: it is larger than the ring, or memory ran out.</summary>
    RecordingFailed,

    /// <summary>The tap is going down. The sender shall try again, and reach its successor.</summary>
    ShuttingDown,

    /// <summary>The message took longer to arrive than its length explains. The sender shall try again.</summary>
    ArrivedTooSlowly,

    /// <summary>Over HTTP: not a POST, or of a content type or an encoding that is not taken. The sender must not send it again.</summary>
    Unsupported,
}

/// <summary>
/// The one table from a refusal to what goes on the wire. Codes and details as in "OTLP/gRPC Response" of the OTLP
/// specification: UNAVAILABLE with RetryInfo for overload, INVALID_ARGUMENT with BadRequest for bad data,
/// RESOURCE_EXHAUSTED without RetryInfo (which makes it permanent) for size.
/// </summary>
internal static class Refusals
{
    /// <summary>Long enough that a stalled upstream is not met by a storm, short enough for an SDK's ten-second export timeout.</summary>
    public static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private static readonly ExportReply InFlightFull = Retryable("too many bytes are in flight through this tap: the upstream is slower than what arrives");
    private static readonly ExportReply RecorderBusy = Retryable("the recorder's queue is full, and no upstream is configured that could take the data");
    private static readonly ExportReply RecordingFailed =
        new(StatusCode.ResourceExhausted, "the recorder cannot hold this request, and no upstream is configured that could take the data", default, []);

    private static readonly ExportReply ArrivedTooSlowly = Retryable("the message did not arrive in time: what is in flight is held for those that do");
    private static readonly ExportReply ShuttingDown = Retryable("the tap is shutting down");

    public static ExportReply Reply(Refusal refusal) => refusal switch
    {
        Refusal.InFlightFull => InFlightFull,
        Refusal.RecorderBusy => RecorderBusy,
        Refusal.RecordingFailed => RecordingFailed,
        Refusal.ShuttingDown => ShuttingDown,
        Refusal.ArrivedTooSlowly => ArrivedTooSlowly,
        _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal, "This refusal needs what was wrong with the request."),
    };

    /// <param name="problem">Where and what is wrong, as <c>resource_spans[0].scope_spans[2]: length 91 runs past the end at byte 1234</c>.</param>
    public static ExportReply Malformed(string problem)
    {
        var colon = problem.IndexOf(": ", StringComparison.Ordinal);
        var field = colon < 0 ? "" : problem[..colon];
        var description = colon < 0 ? problem : problem[(colon + 2)..];
        return Malformed(problem, field, description);
    }

    /// <param name="problem">For people: what is wrong, and where.</param>
    /// <param name="field">Path of the field; empty when it is not one field that is wrong.</param>
    /// <param name="description">What is wrong with it.</param>
    public static ExportReply Malformed(string problem, string field, string description)
    {
        var message = $"not a well-formed export request: {problem}";
        return WithDetails(StatusCode.InvalidArgument, message, StatusDetails.BadRequest(StatusCode.InvalidArgument, message, field, description));
    }

    /// <param name="key">What sets the limit.</param>
    public static ExportReply TooLarge(long limitBytes, string key = "receivers.otlp.protocols.grpc.max_recv_msg_size_mib") =>
        new(StatusCode.ResourceExhausted, $"the message is larger than {limitBytes} bytes after decompression ({key})", default, []);

    private static ExportReply Retryable(string message) =>
        WithDetails(StatusCode.Unavailable, message, StatusDetails.RetryInfo(StatusCode.Unavailable, message, RetryDelay));

    private static ExportReply WithDetails(StatusCode code, string message, byte[] details) =>
        new(code, message, default, [StatusDetails.Trailer(details)]);
}
