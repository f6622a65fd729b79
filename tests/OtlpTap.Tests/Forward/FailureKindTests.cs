using Grpc.Core;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward;

public sealed class FailureKindTests
{
    [Theory]
    [InlineData(StatusCode.OK, false)]
    [InlineData(StatusCode.Cancelled, true)]
    [InlineData(StatusCode.Unknown, false)]
    [InlineData(StatusCode.InvalidArgument, false)]
    [InlineData(StatusCode.DeadlineExceeded, true)]
    [InlineData(StatusCode.NotFound, false)]
    [InlineData(StatusCode.AlreadyExists, false)]
    [InlineData(StatusCode.PermissionDenied, false)]
    [InlineData(StatusCode.ResourceExhausted, false)]
    [InlineData(StatusCode.FailedPrecondition, false)]
    [InlineData(StatusCode.Aborted, true)]
    [InlineData(StatusCode.OutOfRange, true)]
    [InlineData(StatusCode.Unimplemented, false)]
    [InlineData(StatusCode.Internal, false)]
    [InlineData(StatusCode.Unavailable, true)]
    [InlineData(StatusCode.DataLoss, true)]
    [InlineData(StatusCode.Unauthenticated, false)]
    public void What_may_be_sent_again_is_what_the_specification_says(StatusCode status, bool isRetryable) =>
        Assert.Equal(isRetryable, FailureKind.IsRetryable(new ExportReply(status, "", default, [])));

    [Fact]
    public void RESOURCE_EXHAUSTED_with_a_RetryInfo_may_be_sent_again_after_its_delay()
    {
        var reply = WithDelay(StatusCode.ResourceExhausted, TimeSpan.FromMilliseconds(2500));

        Assert.True(FailureKind.IsRetryable(reply));
        Assert.True(FailureKind.TryGetRetryDelay(reply, out var delay));
        Assert.Equal(TimeSpan.FromMilliseconds(2500), delay);
    }

    [Fact]
    public void Other_trailers_and_details_that_are_no_status_ask_for_no_delay()
    {
        Assert.False(FailureKind.TryGetRetryDelay(new ExportReply(StatusCode.Unavailable, "", default, []), out _));
        Assert.False(FailureKind.TryGetRetryDelay(new ExportReply(StatusCode.Unavailable, "", default, [new("x-other", "CAM"), new(StatusDetails.TrailerName, "!!")]), out var delay));
        Assert.Equal(TimeSpan.Zero, delay);
    }

    private static ExportReply WithDelay(StatusCode status, TimeSpan delay) =>
        new(status, "", default, [new("x-other", "1"), StatusDetails.Trailer(StatusDetails.RetryInfo(status, "", delay))]);
}
