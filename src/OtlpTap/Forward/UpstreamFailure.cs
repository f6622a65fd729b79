using System.Globalization;
using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>The answers a transport makes up itself when the upstream gave none that can be passed on. Each names the endpoint and the cause.</summary>
internal static class UpstreamFailure
{
    public static UpstreamAnswer ConnectFailed(UpstreamEndpoint endpoint, string cause) =>
        Of(UpstreamOutcome.ConnectFailed, StatusCode.Unavailable, $"upstream {endpoint}: cannot connect: {cause}");

    public static UpstreamAnswer ConnectionLost(UpstreamEndpoint endpoint, string cause) =>
        Of(UpstreamOutcome.ConnectionLost, StatusCode.Unavailable, $"upstream {endpoint}: connection lost: {cause}");

    public static UpstreamAnswer NotGrpc(UpstreamEndpoint endpoint, int httpStatus, string? contentType) =>
        Of(
            UpstreamOutcome.NotGrpc,
            GrpcStatus.FromHttp(httpStatus),
            string.Create(CultureInfo.InvariantCulture, $"upstream {endpoint}: answered HTTP {httpStatus} with content type '{contentType}' and no grpc-status"));

    /// <summary>A call that ended without <c>grpc-status</c>: UNKNOWN, as the mapping has it for HTTP 200.</summary>
    public static UpstreamAnswer NoStatus(UpstreamEndpoint endpoint) =>
        Of(UpstreamOutcome.Malformed, StatusCode.Unknown, $"upstream {endpoint}: the answer has no readable grpc-status");

    /// <summary>The agent did not ask for compression upstream, so a compressed answer is an error of the upstream (gRPC compression specification: INTERNAL).</summary>
    public static UpstreamAnswer Compressed(UpstreamEndpoint endpoint) =>
        Of(UpstreamOutcome.Malformed, StatusCode.Internal, $"upstream {endpoint}: the response message is compressed, which was not asked for");

    public static UpstreamAnswer BadFraming(UpstreamEndpoint endpoint) =>
        Of(UpstreamOutcome.Malformed, StatusCode.Internal, $"upstream {endpoint}: the response is not exactly one message");

    public static UpstreamAnswer ResponseTooLarge(UpstreamEndpoint endpoint, uint length, int lengthMax) =>
        Of(
            UpstreamOutcome.Malformed,
            StatusCode.ResourceExhausted,
            string.Create(CultureInfo.InvariantCulture, $"upstream {endpoint}: the response message of {length} bytes is larger than {lengthMax}"));

    /// <summary>
    /// UNAVAILABLE rather than DEADLINE_EXCEEDED: both are retryable, but the latter reads as the agent's own deadline,
    /// which is another one and may have time left.
    /// </summary>
    public static UpstreamAnswer TimedOut(UpstreamEndpoint endpoint, TimeSpan timeout) =>
        Of(
            UpstreamOutcome.TimedOut,
            StatusCode.Unavailable,
            string.Create(CultureInfo.InvariantCulture, $"upstream {endpoint}: no answer within {timeout.TotalSeconds:0.###} s"));

    public static UpstreamAnswer Stopping(UpstreamEndpoint endpoint) =>
        Of(UpstreamOutcome.NotSent, StatusCode.Unavailable, $"upstream {endpoint}: not sent, the tap is stopping");

    /// <summary>For requests that come while the next attempt to connect is not due; tells the agent when it is.</summary>
    public static UpstreamAnswer NotSent(string cause, TimeSpan retryAfter) => new(
        UpstreamOutcome.NotSent,
        new ExportReply(
            StatusCode.Unavailable,
            cause,
            ReadOnlyMemory<byte>.Empty,
            [StatusDetails.Trailer(StatusDetails.RetryInfo(StatusCode.Unavailable, cause, retryAfter))]));

    /// <summary>What the upstream takes in another form cannot be put into it, for want of memory: the sender shall come again.</summary>
    public static UpstreamAnswer InFlightFull => new(UpstreamOutcome.NotSent, Refusals.Reply(Refusal.InFlightFull));

    /// <summary>A request that protobuf can hold and JSON cannot; for good, and one member's fault where several are joined.</summary>
    public static UpstreamAnswer NotWritable { get; } = Of(
        UpstreamOutcome.NotWritable,
        StatusCode.InvalidArgument,
        $"the request cannot be written as JSON, which the upstream takes: values are nested deeper than {OtlpJson.AnyValueDepthMax} levels, or it is too large");

    private static UpstreamAnswer Of(UpstreamOutcome outcome, StatusCode status, string message) =>
        new(outcome, new ExportReply(status, message, ReadOnlyMemory<byte>.Empty, []));
}
