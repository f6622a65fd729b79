using OtlpTap.Forward;
using OtlpTap.Forward.OtlpHttp;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.OtlpHttp;

public sealed class OtlpHttpEndpointsTests
{
    [Theory]
    [InlineData("http://loki:3100/otlp", "http://loki:3100/otlp/v1/logs")]
    [InlineData("http://loki:3100/otlp/", "http://loki:3100/otlp/v1/logs")]
    [InlineData("http://prometheus:9090/api/v1/otlp", "http://prometheus:9090/api/v1/otlp/v1/logs")]
    [InlineData("https://otlp.example.com", "https://otlp.example.com/v1/logs")]
    [InlineData("https://otlp.example.com/x?tenant=1", "https://otlp.example.com/x/v1/logs?tenant=1")]
    [InlineData("http://[::1]:4318", "http://[::1]:4318/v1/logs")]
    public void The_signals_path_stands_behind_the_base_URL(string endpoint, string expected)
    {
        Assert.True(OtlpHttpEndpoints.TryParse(Options(endpoint), out var endpoints, out var problem), problem);

        Assert.Equal(expected, endpoints[Signal.Logs]!.AbsoluteUri);
    }

    [Fact]
    public void A_signals_own_URL_is_taken_as_it_is_and_the_others_need_none()
    {
        var options = Options("") with { LogsEndpoint = "http://loki:3100/otlp/v1/logs", TracesEndpoint = "https://tempo:4318/custom" };

        Assert.True(OtlpHttpEndpoints.TryParse(options, out var endpoints, out _));

        Assert.Equal("http://loki:3100/otlp/v1/logs", endpoints[Signal.Logs]!.AbsoluteUri);
        Assert.Equal("https://tempo:4318/custom", endpoints[Signal.Traces]!.AbsoluteUri);
        Assert.Null(endpoints[Signal.Metrics]);
        Assert.Equal(["tempo:4318", "loki:3100"], endpoints.Hosts.Select(host => host.ToString()));
    }

    [Theory]
    [InlineData("", "no endpoint")]
    [InlineData("loki:3100", "expected a URL")]
    [InlineData("ftp://loki", "expected a URL")]
    [InlineData("http://user:secret@loki", "credentials go into auth")]
    [InlineData("http://loki/#x", "without user or fragment")]
    public void What_is_no_such_URL_is_said_without_its_secrets(string endpoint, string expected)
    {
        Assert.False(OtlpHttpEndpoints.TryParse(Options(endpoint), out _, out var problem));

        Assert.Contains(expected, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://proxy:3128", true)]
    [InlineData("https://proxy:3128", false)]
    [InlineData("proxy", false)]
    public void A_proxy_is_spoken_to_in_the_clear(string text, bool isGood) => Assert.Equal(isGood, OtlpHttpEndpoints.TryParseProxy(text, out _, out _));

    private static OtlpHttpExporterOptions Options(string endpoint) => new("otlp_http", new ForwardOptions { Endpoint = endpoint });
}
