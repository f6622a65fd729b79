using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Http2;

/// <summary>The answers that the transport gives itself, each naming the endpoint and the cause.</summary>
internal sealed class UpstreamFailures(UpstreamEndpoint endpoint)
{
    /// <summary>The request did not leave.</summary>
    public UpstreamAnswer ConnectFailed(string cause) =>
        Make(UpstreamOutcome.ConnectFailed, StatusCode.Unavailable, $"upstream {endpoint} cannot be reached: {cause}");

    /// <summary>
    /// The request may have been taken. Whatever code ended the stream, this is UNAVAILABLE: the upstream has given no
    /// gRPC status, and OTLP clients send again after UNAVAILABLE but drop the data after, say, INTERNAL.
    /// </summary>
    public UpstreamAnswer ConnectionLost(string cause) =>
        Make(UpstreamOutcome.ConnectionLost, StatusCode.Unavailable, $"upstream {endpoint}: {cause}");

    /// <summary>An answer that breaks HTTP/2 or gRPC within its own stream.</summary>
    public UpstreamAnswer Malformed(string cause) =>
        Make(UpstreamOutcome.Malformed, StatusCode.Internal, $"upstream {endpoint} sent {cause}");

    public UpstreamAnswer TooLarge(string what) =>
        Make(UpstreamOutcome.Malformed, StatusCode.ResourceExhausted, $"upstream {endpoint} sent {what}");

    public UpstreamAnswer RequestTooLarge(string cause) =>
        Make(UpstreamOutcome.ConnectionLost, StatusCode.ResourceExhausted, $"upstream {endpoint}: {cause}");

    public UpstreamAnswer NotGrpc(int httpStatus, bool isGrpcContent) =>
        Make(
            UpstreamOutcome.NotGrpc,
            GrpcStatus.FromHttp(httpStatus),
            $"upstream {endpoint} answered HTTP {httpStatus} without grpc-status{(isGrpcContent ? "" : ", and not as application/grpc")}");

    private static UpstreamAnswer Make(UpstreamOutcome outcome, StatusCode status, string message) =>
        new(outcome, new ExportReply(status, message, ReadOnlyMemory<byte>.Empty, []));
}
