using Grpc.Core;
using OtlpTap.Otlp;
using OtlpTap.Receive;

namespace OtlpTap.Tests.Receive;

public sealed class HttpReplyTests
{
    // The whole table. Retryable on gRPC ("OTLP/gRPC Response", Failures) is retryable on HTTP (429, 502, 503, 504), and nothing else.
    [Theory]
    [InlineData(StatusCode.OK, 200)]
    [InlineData(StatusCode.Cancelled, 503)]
    [InlineData(StatusCode.Unknown, 500)]
    [InlineData(StatusCode.InvalidArgument, 400)]
    [InlineData(StatusCode.DeadlineExceeded, 503)]
    [InlineData(StatusCode.NotFound, 404)]
    [InlineData(StatusCode.AlreadyExists, 409)]
    [InlineData(StatusCode.PermissionDenied, 403)]
    [InlineData(StatusCode.ResourceExhausted, 500)]
    [InlineData(StatusCode.FailedPrecondition, 400)]
    [InlineData(StatusCode.Aborted, 503)]
    [InlineData(StatusCode.OutOfRange, 503)]
    [InlineData(StatusCode.Unimplemented, 404)]
    [InlineData(StatusCode.Internal, 500)]
    [InlineData(StatusCode.Unavailable, 503)]
    [InlineData(StatusCode.DataLoss, 503)]
    [InlineData(StatusCode.Unauthenticated, 401)]
    [InlineData((StatusCode)99, 500)]
    public void Each_gRPC_status_has_its_HTTP_status(StatusCode status, int expected)
    {
        Assert.Equal(expected, HttpReply.StatusOf(new ExportReply(status, "", default, [])));
    }

    [Fact]
    public void RESOURCE_EXHAUSTED_with_RetryInfo_is_429()
    {
        var details = StatusDetails.Trailer(StatusDetails.RetryInfo(StatusCode.ResourceExhausted, "slower", TimeSpan.FromSeconds(1)));

        Assert.Equal(429, HttpReply.StatusOf(new ExportReply(StatusCode.ResourceExhausted, "slower", default, [details])));
    }

    [Theory]
    [InlineData(StatusCode.Unavailable, 502, 502)]
    [InlineData(StatusCode.Unavailable, 504, 504)]
    [InlineData(StatusCode.InvalidArgument, 422, 422)]
    [InlineData(StatusCode.Unknown, 301, 500)]
    [InlineData(StatusCode.OK, 202, 200)]
    public void An_error_that_came_over_HTTP_goes_back_as_it_was(StatusCode status, int upstream, int expected)
    {
        Assert.Equal(expected, HttpReply.StatusOf(new ExportReply(status, "", default, []) { HttpStatus = upstream }));
    }
}
