using System.Globalization;
using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Http2;

/// <summary>The answers of <see cref="UpstreamFailure"/> for one endpoint, and those that only a transport with its own HTTP/2 can give.</summary>
internal sealed class Http2Failures(UpstreamEndpoint endpoint)
{
    public UpstreamAnswer NoStatus => UpstreamFailure.NoStatus(endpoint);

    public UpstreamAnswer Compressed => UpstreamFailure.Compressed(endpoint);

    public UpstreamAnswer BadFraming => UpstreamFailure.BadFraming(endpoint);

    public UpstreamAnswer ConnectFailed(string cause) => UpstreamFailure.ConnectFailed(endpoint, cause);

    /// <summary>
    /// Whatever code ended the connection or the stream, this is UNAVAILABLE: the upstream has given no gRPC status, and
    /// OTLP clients send again after UNAVAILABLE but drop the data after, say, INTERNAL.
    /// </summary>
    public UpstreamAnswer ConnectionLost(string cause) => UpstreamFailure.ConnectionLost(endpoint, cause);

    public UpstreamAnswer NotGrpc(int httpStatus, string? contentType) => UpstreamFailure.NotGrpc(endpoint, httpStatus, contentType);

    public UpstreamAnswer ResponseTooLarge(uint length, int lengthMax) => UpstreamFailure.ResponseTooLarge(endpoint, length, lengthMax);

    /// <summary>An answer that breaks HTTP/2 within its own stream.</summary>
    public UpstreamAnswer BrokenAnswer(string problem) =>
        Of(UpstreamOutcome.Malformed, StatusCode.Internal, $"upstream {endpoint}: the answer breaks HTTP/2: {problem}");

    public UpstreamAnswer HeadersTooLarge(int bytesMax) => Of(
        UpstreamOutcome.Malformed,
        StatusCode.ResourceExhausted,
        string.Create(CultureInfo.InvariantCulture, $"upstream {endpoint}: the headers of the answer are larger than {bytesMax} bytes"));

    /// <summary>The request does not leave, and never will with these headers. RESOURCE_EXHAUSTED is what a gRPC client says that meets the limit itself.</summary>
    public UpstreamAnswer RequestHeadersTooLarge(int bytes, long bytesMax) => Of(
        UpstreamOutcome.Malformed,
        StatusCode.ResourceExhausted,
        string.Create(CultureInfo.InvariantCulture, $"upstream {endpoint}: request headers of {bytes} bytes are larger than {bytesMax}"));

    private static UpstreamAnswer Of(UpstreamOutcome outcome, StatusCode status, string message) =>
        new(outcome, new ExportReply(status, message, ReadOnlyMemory<byte>.Empty, []));
}
