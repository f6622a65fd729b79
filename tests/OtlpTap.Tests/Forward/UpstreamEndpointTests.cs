using OtlpTap.Forward;

namespace OtlpTap.Tests.Forward;

public sealed class UpstreamEndpointTests
{
    [Theory]
    [InlineData("tempo:4317", true, "tempo:4317", false)]
    [InlineData("tempo:4317", false, "tempo:4317", true)]
    [InlineData("tempo", true, "tempo:4317", false)]
    [InlineData("tempo:80", true, "tempo:80", false)]
    [InlineData("dns:///tempo.obs.svc.cluster.local:4317", true, "tempo.obs.svc.cluster.local:4317", false)]
    [InlineData("http://tempo:4317", false, "tempo:4317", false)]
    [InlineData("https://otlp.example.com", true, "otlp.example.com:4317", true)]
    [InlineData("https://otlp.example.com:443/", true, "otlp.example.com:443", true)]
    [InlineData("HTTPS://otlp.example.com:443", true, "otlp.example.com:443", true)]
    [InlineData("[::1]:4317", true, "[::1]:4317", false)]
    [InlineData("[::1]", true, "[::1]:4317", false)]
    [InlineData(" 10.0.0.7:14317 ", true, "10.0.0.7:14317", false)]
    public void What_the_Collector_accepts_is_accepted(string text, bool insecure, string authority, bool useTls)
    {
        Assert.True(UpstreamEndpoint.TryParse(text, insecure, out var endpoint, out var problem), problem);
        Assert.Equal((authority, useTls), (endpoint.Authority, endpoint.UseTls));
    }

    [Theory]
    [InlineData("", "expected host:port")]
    [InlineData("http://", "expected host:port")]
    [InlineData(":4317", "expected host:port")]
    [InlineData("tempo:port", "expected host:port")]
    [InlineData("tempo:70000", "expected host:port")]
    [InlineData("unix:///var/run/otlp.sock", "the scheme is not supported")]
    [InlineData("tempo:4317/v1/traces", "without path")]
    [InlineData("user@tempo:4317", "without path, query or user")]
    public void Anything_else_is_refused_with_a_reason(string text, string reason)
    {
        Assert.False(UpstreamEndpoint.TryParse(text, insecure: true, out _, out var problem));
        Assert.StartsWith($"'{text}': ", problem, StringComparison.Ordinal);
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_name_it_as_host_and_port()
    {
        Assert.True(UpstreamEndpoint.TryParse("https://[::1]:4317", insecure: false, out var endpoint, out _));
        Assert.Equal("[::1]:4317", $"{endpoint}");
    }
}
