using OtlpTap.Configuration;

namespace OtlpTap.Tests.Configuration;

public sealed class ValueTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    [InlineData("100ms", 100)]
    [InlineData("5s", 5_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData(".5s", 500)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("1h2m3s4ms", 3_723_004)]
    [InlineData("1000us", 1)]
    [InlineData("1000µs", 1)]
    [InlineData("1000000ns", 1)]
    public void Durations_are_read_as_Go_reads_them(string text, double milliseconds)
    {
        Assert.True(GoDuration.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), duration);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("5 s")]
    [InlineData("5d")]
    [InlineData("1h30")]
    [InlineData("1..5s")]
    [InlineData(".s")]
    [InlineData("5S")]
    [InlineData("999999999999999999h")]
    [InlineData("99999999999999999999999999s")]
    public void Anything_else_is_no_duration(string text) => Assert.False(GoDuration.TryParse(text, out _));

    [Theory]
    [InlineData("0s")]
    [InlineData("10ms")]
    [InlineData("1s")]
    [InlineData("90s")]
    [InlineData("10m")]
    [InlineData("168h")]
    public void Durations_are_written_as_they_are_read(string text)
    {
        Assert.True(GoDuration.TryParse(text, out var duration));
        Assert.Equal(text, GoDuration.Format(duration));
    }

    [Theory]
    [InlineData("127.0.0.1:4317", "127.0.0.1", 4317, false)]
    [InlineData("localhost:4317", "localhost", 4317, false)]
    [InlineData("[::1]:4317", "::1", 4317, false)]
    [InlineData("[::]:4317", "::", 4317, true)]
    [InlineData("0.0.0.0:4317", "0.0.0.0", 4317, true)]
    [InlineData(":4317", "", 4317, true)]
    [InlineData("host-1.example.com:0", "host-1.example.com", 0, false)]
    public void Endpoints_are_read_and_written(string text, string host, int port, bool isEveryAddress)
    {
        Assert.True(HostPort.TryParse(text, out var endpoint, out _));
        Assert.Equal(new HostPort(host, port), endpoint);
        Assert.Equal(isEveryAddress, endpoint.IsEveryAddress);
        Assert.Equal(text, endpoint.ToString());
    }

    [Theory]
    [InlineData("", "`` has no port: an endpoint is `host:port`")]
    [InlineData("localhost", "`localhost` has no port: an endpoint is `host:port`")]
    [InlineData("[::1]", "`[::1]` has no port: an endpoint is `host:port`")]
    [InlineData("localhost:", "`` is no port: a number from 0 to 65535")]
    [InlineData("localhost:grpc", "`grpc` is no port: a number from 0 to 65535")]
    [InlineData("localhost:-1", "`-1` is no port: a number from 0 to 65535")]
    [InlineData("localhost:70000", "`70000` is no port: a number from 0 to 65535")]
    [InlineData("[127.0.0.1]:1", "`127.0.0.1` is no IPv6 address")]
    [InlineData("[]:1", "`` is no IPv6 address")]
    [InlineData("http://localhost:4317", "`http://localhost:4317` is no endpoint: `host:port`, an IPv6 address in brackets as in `[::1]:4317`")]
    [InlineData("local host:1", "`local host` is no host name or address")]
    public void What_is_no_endpoint_is_told_why(string text, string expected)
    {
        Assert.False(HostPort.TryParse(text, out _, out var error));
        Assert.Equal(expected, error);
    }

    [Theory]
    [InlineData("endpont", "endpoint")]
    [InlineData("endpiont", "endpoint")]
    [InlineData("EndPoint", "endpoint")]
    [InlineData("max_recv_msg_size", "max_recv_msg_size_mib")]
    [InlineData("colour", null)]
    [InlineData("", null)]
    public void The_nearest_name_is_suggested_unless_it_is_far(string typed, string? expected) =>
        Assert.Equal(expected, NearestName.Find(typed, ["endpoint", "transport", "max_recv_msg_size_mib"]));
}
