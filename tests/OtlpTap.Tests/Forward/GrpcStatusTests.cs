using Grpc.Core;
using OtlpTap.Forward;

namespace OtlpTap.Tests.Forward;

public sealed class GrpcStatusTests
{
    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("", "")]
    [InlineData("100%25", "100%")]
    [InlineData("gr%C3%BC%c3%9fe", "grüße")]
    [InlineData("%F0%9F%94%A5", "🔥")]
    [InlineData("cut %4", "cut %4")]
    [InlineData("not hex %zz%", "not hex %zz%")]
    [InlineData("%+1", "%+1")]
    [InlineData("broken %C3", "broken \uFFFD")]
    [InlineData("gr\u00C3\u00BCn", "grün")]
    public void A_message_is_decoded_and_never_fails(string encoded, string text) =>
        Assert.Equal(text, GrpcStatus.DecodeMessage(encoded));

    [Theory]
    [InlineData("0", true, StatusCode.OK)]
    [InlineData("14", true, StatusCode.Unavailable)]
    [InlineData("16", true, StatusCode.Unauthenticated)]
    [InlineData("17", true, StatusCode.Unknown)]
    [InlineData("4294967295", true, StatusCode.Unknown)]
    [InlineData("", false, StatusCode.Unknown)]
    [InlineData("-1", false, StatusCode.Unknown)]
    [InlineData("OK", false, StatusCode.Unknown)]
    [InlineData("0, 0", false, StatusCode.Unknown)]
    public void A_status_is_read_and_an_unknown_one_is_UNKNOWN(string value, bool readable, StatusCode status)
    {
        Assert.Equal(readable, GrpcStatus.TryParse(value, out var read));
        Assert.Equal(status, read);
    }
}
