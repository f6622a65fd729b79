using System.Net;
using Microsoft.AspNetCore.Http;
using OtlpTap.Configuration;
using OtlpTap.Hosting;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Hosting;

/// <summary>A page whose name was made to lead to the admin port, and those who come by a name with good reason.</summary>
public sealed class HostGateTests
{
    private const string Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    private const string Prometheus = "Prometheus/3.5.0";

    [Theory]
    [InlineData("evil.example:8888", 421)]
    [InlineData("evil.example", 421)]
    [InlineData("EVIL.example.", 421)]
    [InlineData("localhost.evil.example:8888", 421)]
    [InlineData("127.0.0.1.evil.example", 421)]
    [InlineData("notlocalhost", 421)]
    [InlineData("tap", 421)]
    [InlineData("127.0.0.1:8888", 200)]
    [InlineData("127.0.0.1", 200)]
    [InlineData("[::1]:8888", 200)]
    [InlineData("LOCALHOST:8888", 200)]
    [InlineData("localhost.", 200)]
    [InlineData("tap.localhost:8888", 200)]
    [InlineData("", 200)]
    public async Task On_this_machine_it_is_known_by_addresses_and_by_localhost(string host, int status)
    {
        Assert.Equal(status, await StatusAsync(host, local: "127.0.0.1", agent: Prometheus));
        Assert.Equal(status, await StatusAsync(host, local: "::ffff:127.0.0.1", agent: Firefox));
        Assert.Equal(status, await StatusAsync(host, local: "::1", agent: Firefox));
    }

    [Theory]
    [InlineData("tap:8888", 200)]
    [InlineData("10.0.0.7:8888", 200)]
    [InlineData("127.0.0.1:8888", 200)]
    [InlineData("evil.example:8888", 421)]
    public async Task On_others_a_browser_knows_it_by_no_name_that_somebody_may_register(string host, int status) =>
        Assert.Equal(status, await StatusAsync(host, local: "10.0.0.7", agent: Firefox));

    [Theory]
    [InlineData("Accept-Language", "de,en;q=0.5", 421)]
    [InlineData("Origin", "http://evil.example:8888", 421)]
    [InlineData("Referer", "http://evil.example:8888/", 421)]
    [InlineData("Sec-Fetch-Site", "same-origin", 421)]
    [InlineData("Accept-Language", "*", 200)] // Node's fetch
    [InlineData("Accept", "*/*", 200)]
    public async Task On_others_programs_may_use_any_name_and_what_looks_like_a_browser_may_not(string header, string value, int status) =>
        Assert.Equal(status, await StatusAsync("otlptap.observability.svc.cluster.local:8888", local: "10.0.0.7", agent: Prometheus, [], (header, value)));

    [Theory]
    [InlineData("tap.example.com:8888", 200)]
    [InlineData("TAP.example.com.", 200)]
    [InlineData("10.0.0.7", 200)]
    [InlineData("other.example.com", 421)]
    [InlineData("tap", 421)]
    public async Task Where_names_are_set_it_is_known_by_those_alone(string host, int status)
    {
        Assert.Equal(status, await StatusAsync(host, local: "10.0.0.7", agent: Firefox, ["tap.example.com"]));
        Assert.Equal(status, await StatusAsync(host, local: "127.0.0.1", agent: Prometheus, ["tap.example.com"]));
    }

    [Fact]
    public async Task A_star_is_any_name() => Assert.Equal(200, await StatusAsync("evil.example", local: "127.0.0.1", agent: Firefox, ["*"]));

    [Fact]
    public async Task A_rebound_page_reads_nothing_of_the_admin_port_and_the_metrics_port_and_is_counted()
    {
        await using var tap = await StartAsync("endpoint: '127.0.0.1:0'");
        foreach (var path in (string[])["/", "/metrics", "/readyz", "/api/v1/health", "/api/v1/cases", "/mcp", "/-/reload", "/nothing"])
        {
            using var refused = await AskAsync(tap.Host.AdminEndpoint, path, "evil.example:8888");
            Assert.Equal(HttpStatusCode.MisdirectedRequest, refused.StatusCode);
            Assert.Equal("""{"error":"this port is not known by the name `evil.example`: ask by an IP address or localhost, or add the name to service.admin.hosts"}""", await refused.Content.ReadAsStringAsync(Deadline.Token()));
        }

        Assert.Equal(8, await tap.MetricAsync("otlptap_misdirected_requests_total{listener=\"admin\"}"));
        using var metrics = await AskAsync((IPEndPoint)tap.Host.Listeners.BoundTo(ListenerName.Metrics)!, "/metrics", "evil.example");
        Assert.Equal(HttpStatusCode.MisdirectedRequest, metrics.StatusCode);
    }

    [Fact]
    public async Task Names_are_set_by_configuration_and_changed_by_a_reload()
    {
        await using var tap = await StartAsync("endpoint: '127.0.0.1:0', hosts: [tap.example.com]");
        Assert.Equal((200, 421), (await StatusAsync(tap, "tap.example.com"), await StatusAsync(tap, "other.example.com")));

        Assert.True((await tap.ReloadAsync(text => text.Replace("[tap.example.com]", "other.example.com", StringComparison.Ordinal))).IsApplied);

        Assert.Equal((421, 200), (await StatusAsync(tap, "tap.example.com"), await StatusAsync(tap, "other.example.com")));
    }

    [Fact]
    public async Task Behind_credentials_the_name_does_not_matter()
    {
        await using var tap = await StartAsync("endpoint: '127.0.0.1:0', auth: { authenticator: bearertokenauth }");

        Assert.Equal(401, await StatusAsync(tap, "evil.example"));
    }

    [Theory]
    [InlineData("http://tap.example.com")]
    [InlineData("tap.example.com:8888")]
    [InlineData("a b")]
    [InlineData("")]
    public void What_is_no_name_is_refused(string host)
    {
        var loaded = new ConfigurationLoader(environment: _ => null).LoadText([("test.yaml", $"service: {{ admin: {{ hosts: ['{host}'] }} }}")]);

        Assert.Contains(loaded.Problems, problem => $"{problem}".Contains("is no name of a host", StringComparison.Ordinal));
    }

    private static async Task<int> StatusAsync(string host, string local, string agent, string[]? hosts = null, params (string Name, string Value)[] headers)
    {
        var http = new DefaultHttpContext();
        http.Request.Headers.Host = host;
        http.Request.Headers.UserAgent = agent;
        http.Connection.LocalIpAddress = IPAddress.Parse(local);
        foreach (var (name, value) in headers)
        {
            http.Request.Headers[name] = value;
        }

        var refused = 0;
        await new HostGate([.. hosts ?? []], _ => Task.CompletedTask, () => refused++).InvokeAsync(http);
        Assert.Equal(http.Response.StatusCode == 200 ? 0 : 1, refused);
        return http.Response.StatusCode;
    }

    private static Task<RunningTap> StartAsync(string admin) => RunningTap.ConfiguredAsync(directory =>
        $$"""
        extensions: { bearertokenauth: { token: x } }
        receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
        processors: { tap: { corpus: { directory: '{{directory}}' } } }
        service:
          extensions: [bearertokenauth]
          admin: { {{admin}} }
          telemetry: { metrics: { readers: [ { pull: { exporter: { prometheus: { host: 127.0.0.1, port: 0 } } } } ] } }
        """);

    private static async Task<int> StatusAsync(RunningTap tap, string host)
    {
        using var answer = await AskAsync(tap.Host.AdminEndpoint, "/readyz", host);
        return (int)answer.StatusCode;
    }

    private static async Task<HttpResponseMessage> AskAsync(IPEndPoint endpoint, string path, string host)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(path is "/mcp" or "/-/reload" ? HttpMethod.Post : HttpMethod.Get, $"http://{endpoint}{path}");
        request.Headers.Host = host;
        return await client.SendAsync(request, Deadline.Token());
    }
}
