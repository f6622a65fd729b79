using Grpc.Core;
using OtlpTap.Forward.Spool;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Spool;

/// <summary>The table of docs/decisions/spool.md.</summary>
public sealed class SpoolVerdictTests
{
    private const int Small = 40_000;
    private const int Large = SpoolVerdicts.AlwaysTakenBytes + 1;

    [Theory]
    [InlineData(StatusCode.OK, 0, Small, "Delivered")]
    [InlineData(StatusCode.Unavailable, 0, Small, "UpstreamFailed")]
    [InlineData(StatusCode.Unavailable, 503, Small, "UpstreamFailed")]
    [InlineData(StatusCode.DeadlineExceeded, 0, Small, "UpstreamFailed")]
    [InlineData(StatusCode.Aborted, 0, Small, "UpstreamFailed")]
    [InlineData(StatusCode.Cancelled, 0, Small, "UpstreamFailed")]
    [InlineData(StatusCode.DataLoss, 0, Small, "UpstreamFailed")]
    [InlineData(StatusCode.ResourceExhausted, 0, Small, "Throttled")]
    [InlineData(StatusCode.ResourceExhausted, 0, Large, "BytesRefused")]
    [InlineData(StatusCode.ResourceExhausted, 413, Small, "BytesRefused")]
    [InlineData(StatusCode.Unauthenticated, 0, Small, "SenderRefused")]
    [InlineData(StatusCode.Unauthenticated, 401, Small, "SenderRefused")]
    [InlineData(StatusCode.Unauthenticated, 400, Small, "SenderRefused")]
    [InlineData(StatusCode.PermissionDenied, 403, Small, "SenderRefused")]
    [InlineData(StatusCode.Unimplemented, 0, Small, "SenderRefused")]
    [InlineData(StatusCode.Unimplemented, 404, Small, "SenderRefused")]
    [InlineData(StatusCode.Unimplemented, 405, Small, "SenderRefused")]
    [InlineData(StatusCode.NotFound, 0, Small, "SenderRefused")]
    [InlineData(StatusCode.Unknown, 407, Small, "RecordFailed")]
    [InlineData(StatusCode.Unknown, 302, Small, "RecordFailed")]
    [InlineData(StatusCode.Internal, 0, Small, "RecordFailed")]
    [InlineData(StatusCode.Internal, 500, Small, "RecordFailed")]
    [InlineData(StatusCode.InvalidArgument, 500, Small, "RecordFailed")]
    [InlineData(StatusCode.FailedPrecondition, 0, Small, "RecordFailed")]
    [InlineData(StatusCode.OutOfRange, 0, Small, "RecordFailed")]
    [InlineData(StatusCode.InvalidArgument, 0, Small, "BytesRefused")]
    [InlineData(StatusCode.InvalidArgument, 400, Small, "BytesRefused")]
    [InlineData(StatusCode.AlreadyExists, 0, Small, "BytesRefused")]
    [InlineData(StatusCode.Unknown, 422, Small, "BytesRefused")]
    public void Only_what_lies_in_the_bytes_ends_a_record(StatusCode status, int http, int length, string verdict) =>
        Assert.Equal(verdict, SpoolVerdicts.Of(new ExportReply(status, "", default, []) { HttpStatus = http }, length).ToString());

    [Fact]
    public void A_large_message_whose_upstream_says_when_to_come_again_is_not_too_large()
    {
        var details = StatusDetails.RetryInfo(StatusCode.ResourceExhausted, "slow down", TimeSpan.FromSeconds(1));
        var reply = new ExportReply(StatusCode.ResourceExhausted, "slow down", default, [StatusDetails.Trailer(details)]);

        Assert.Equal(SpoolVerdict.Throttled, SpoolVerdicts.Of(reply, Large));
    }
}
