using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using OtlpTap.Configuration;
using OtlpTap.Receive;

namespace OtlpTap.Tests.Hosting;

/// <summary>Who may have the tap read its configuration again, by where the request came from and what the port asks for.</summary>
public sealed class ReloadFromElsewhereTests : IAsyncLifetime
{
    private const string Loopback = "127.0.0.1";
    private const string Own = "10.0.0.7";
    private const string Other = "10.0.0.8";

    private static readonly BearerTokenOptions Reader = Token("reader");
    private static readonly BearerTokenOptions Writer = Token("writer");

    private readonly RunningListeners _listeners = new();
    private readonly List<IDisposable> _owned = [];
    private int _passed;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _owned.ForEach(owned => owned.Dispose());
        await _listeners.DisposeAsync();
    }

    [Theory]
    [InlineData(Loopback, Loopback)]
    [InlineData("::1", "::1")]
    [InlineData("::ffff:127.0.0.1", "::ffff:127.0.0.1")]
    [InlineData(null, null)] // a Unix socket
    public async Task From_the_taps_own_machine_it_needs_no_token(string? remote, string? local)
    {
        Assert.Equal(200, (await PostAsync(new AdminOptions(), remote, local)).Status);
        Assert.Equal(200, (await PostAsync(new AdminOptions { Api = Reader }, remote, local)).Status);
    }

    /// <summary>Port forwarders of rootless containers have all that comes from outside come from the container's own address.</summary>
    [Theory]
    [InlineData(Own, 200)]
    [InlineData("0.0.0.0", 403)]
    [InlineData("[::]", 403)]
    [InlineData("", 403)]
    [InlineData("tap.example", 403)]
    public async Task The_machines_own_address_is_the_machine_only_where_the_port_has_no_other(string host, int status)
    {
        var admin = new AdminOptions { Endpoint = new ListenAddress(host, 8888), Hosts = [Own] };

        Assert.Equal(status, (await PostAsync(admin, Own, Own)).Status);
        Assert.Equal(status, (await PostAsync(admin, $"::ffff:{Own}", $"::ffff:{Own}")).Status);
        Assert.Equal(403, (await PostAsync(admin, Other, Own)).Status);
    }

    [Theory]
    [InlineData("Forwarded", "for=10.0.0.8")]
    [InlineData("X-Forwarded-For", Loopback)]
    [InlineData("Via", "1.1 proxy")]
    public async Task What_a_proxy_on_the_machine_passes_on_is_from_elsewhere(string header, string value)
    {
        Assert.Equal(403, (await PostAsync(new AdminOptions(), Loopback, Loopback, header: (header, value))).Status);
        Assert.Equal(403, (await PostAsync(new AdminOptions(), null, null, header: (header, value))).Status);
        Assert.Equal(200, (await PostAsync(new AdminOptions { Api = Reader }, Loopback, Loopback, "reader", header: (header, value))).Status);
    }

    [Theory]
    [InlineData("/-/reload")]
    [InlineData("/-/RELOAD/")]
    public async Task From_another_machine_it_is_refused_where_no_token_is_set_and_the_keys_are_named(string path)
    {
        var (status, text) = await PostAsync(new AdminOptions(), Other, Own, path: path);

        Assert.Equal((403, 0), (status, _passed));
        Assert.Contains("service.admin.api.write_token", text, StringComparison.Ordinal);
        Assert.Contains("service.admin.auth", text, StringComparison.Ordinal);
        Assert.Equal(1, _listeners.Metric("otlptap_unauthenticated_requests_total", "admin"));
    }

    [Theory]
    [InlineData(null, 401, 401)]
    [InlineData("reader", 200, 403)]
    [InlineData("writer", 401, 200)]
    public async Task From_another_machine_it_needs_the_token_that_may_write(string? token, int withOne, int withBoth)
    {
        Assert.Equal(withOne, (await PostAsync(new AdminOptions { Api = Reader }, Other, Own, token)).Status);
        Assert.Equal(withBoth, (await PostAsync(new AdminOptions { Api = Reader, ApiWrite = Writer }, Other, Own, token)).Status);
    }

    [Fact]
    public async Task A_port_that_knows_its_clients_asks_for_nothing_more()
    {
        var byCertificate = new AdminOptions { Tls = new ServerTlsOptions { ClientCaFile = "ca.pem" } };
        var byToken = new AdminOptions { Authenticator = Writer };

        Assert.Equal(200, (await PostAsync(byCertificate, Other, Own)).Status);
        Assert.Equal(403, (await PostAsync(new AdminOptions { Tls = new ServerTlsOptions() }, Other, Own)).Status);
        Assert.Equal(200, (await PostAsync(byToken, Other, Own, "writer")).Status);
        Assert.Equal(401, (await PostAsync(byToken, Other, Own)).Status);
    }

    [Theory]
    [InlineData("GET", "/metrics")]
    [InlineData("GET", "/api/v1/cases")]
    [InlineData("POST", "/mcp")]
    public async Task All_else_is_as_open_to_other_machines_as_it_was(string method, string path) =>
        Assert.Equal(200, (await PostAsync(new AdminOptions(), Other, Own, method: method, path: path)).Status);

    private static BearerTokenOptions Token(string token) => new("service.admin.api") { Tokens = [token] };

    private async Task<(int Status, string Text)> PostAsync(AdminOptions admin, string? remote, string? local, string? token = null, string method = "POST", string path = "/-/reload", (string Name, string Value)? header = null)
    {
        var plan = Assert.Single(_listeners.Plans().Admin(admin, http =>
        {
            _passed++;
            return Task.CompletedTask;
        }).All);
        if (plan.Owned is not null)
        {
            _owned.Add(plan.Owned);
        }

        using var body = new MemoryStream();
        var http = new DefaultHttpContext { Request = { Method = method, Path = path, Host = new HostString(local ?? "localhost") }, Response = { Body = body } };
        http.Connection.RemoteIpAddress = remote is null ? null : IPAddress.Parse(remote);
        http.Connection.LocalIpAddress = local is null ? null : IPAddress.Parse(local);
        if (token is not null)
        {
            http.Request.Headers.Authorization = $"Bearer {token}";
        }

        if (header is var (name, value))
        {
            http.Request.Headers[name] = value;
        }

        await plan.Handler(http);
        return (http.Response.StatusCode, Encoding.UTF8.GetString(body.ToArray()));
    }
}
