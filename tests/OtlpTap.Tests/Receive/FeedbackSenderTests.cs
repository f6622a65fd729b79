using System.Net;
using Microsoft.AspNetCore.Http;
using OtlpTap.Receive;

namespace OtlpTap.Tests.Receive;

public sealed class FeedbackSenderTests
{
    private const string Header = "Authorization";

    /// <summary>Whoever lets senders in takes all of these for the same: none may be another sender with a share of its own.</summary>
    [Theory]
    [InlineData("Bearer s3cret")]
    [InlineData("bEARER s3cret")]
    [InlineData("Bearer      s3cret")]
    [InlineData("Bearer s3cret  ")]
    [InlineData("Bearer s3c ret")]
    public void A_credential_is_one_sender_however_it_is_written(string value) =>
        Assert.Equal(SenderOf("Bearer s3cret"), SenderOf(value));

    [Theory]
    [InlineData("Bearer other")]
    [InlineData("Bearer S3CRET")]
    [InlineData("")]
    public void Another_credential_is_another_sender(string value) => Assert.NotEqual(SenderOf("Bearer s3cret"), SenderOf(value));

    [Fact]
    public void A_credential_without_a_scheme_is_a_sender_too()
    {
        Assert.NotEqual(SenderOf("one"), SenderOf("another"));
        Assert.Equal(SenderOf("one"), SenderOf(" one"));
    }

    [Fact]
    public void Without_credentials_the_address_is_the_sender_and_of_IPv6_its_network()
    {
        Assert.Equal(SenderAt("2001:db8::1"), SenderAt("2001:db8::ffff:1"));
        Assert.NotEqual(SenderAt("2001:db8::1"), SenderAt("2001:db8:0:1::1"));
        Assert.Equal(SenderAt("192.0.2.1"), SenderAt("::ffff:192.0.2.1"));
        Assert.NotEqual(SenderAt("192.0.2.1"), SenderAt("192.0.2.2"));
    }

    private static string SenderOf(string value)
    {
        var http = new DefaultHttpContext();
        http.Request.Headers[Header] = value;
        return new FeedbackSender(Header).Of(http);
    }

    private static string SenderAt(string address)
    {
        var http = new DefaultHttpContext();
        http.Connection.RemoteIpAddress = IPAddress.Parse(address);
        return new FeedbackSender(null).Of(http);
    }
}
