using System.Net;
using System.Net.Http.Headers;
using OtlpTap.Configuration;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Hosting;

/// <summary><c>service.admin.api</c>: the API asks for its own token, and nothing else on the admin port does.</summary>
public sealed class ApiTokenTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("otlptap-api-").FullName;
    private readonly HttpClient _http = new();

    public void Dispose()
    {
        _http.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("/api/v1/openapi.json")]
    [InlineData("/API/v1/openapi.json")]
    [InlineData("/%61pi/v1/openapi.json")]
    [InlineData("/api/v1/openapi.json/")]
    [InlineData("/api/v1/nothing")]
    [InlineData("/mcp")]
    [InlineData("/MCP/")]
    public async Task The_API_and_its_tools_are_closed_without_the_token(string path)
    {
        await using var tap = await StartAsync("{ token: secret-1 }");

        using var stranger = await GetAsync(tap, path, null);
        Assert.Equal((HttpStatusCode.Unauthorized, "Bearer"), (stranger.StatusCode, stranger.Headers.WwwAuthenticate.ToString()));
        Assert.Equal("""{"error":"the token of service.admin.api is missing or another one"}""", await stranger.Content.ReadAsStringAsync(Deadline.Token()));
        foreach (var wrong in (string[])["Bearer secret-2", "Bearer secret-1x", "Basic secret-1", "secret-1", "Bearer "])
        {
            using var refused = await GetAsync(tap, path, wrong);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        using var known = await GetAsync(tap, path, "bearer secret-1");
        Assert.NotEqual(HttpStatusCode.Unauthorized, known.StatusCode);
        Assert.Equal(6, await tap.MetricAsync("otlptap_unauthenticated_requests_total{listener=\"admin\"}"));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/metrics")]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    [InlineData("/apiary")]
    public async Task All_else_is_open(string path)
    {
        await using var tap = await StartAsync("{ token: secret-1 }");

        using var response = await GetAsync(tap, path, null);

        Assert.NotEqual(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task A_trace_is_captured_for_who_has_the_token_alone()
    {
        await using var tap = await StartAsync("{ token: secret-1 }");
        var capture = new Uri($"http://{tap.Host.AdminEndpoint}/api/v1/traces/0123456789abcdef0123456789abcdef/capture");

        using var stranger = await _http.PostAsync(capture, null, Deadline.Token());
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "secret-1");
        using var known = await _http.PostAsync(capture, null, Deadline.Token());

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.NotFound), (stranger.StatusCode, known.StatusCode));
    }

    [Fact]
    public async Task A_reload_changes_the_token_and_takes_it_away()
    {
        await using var tap = await StartAsync("{ token: secret-1 }");

        Assert.True((await tap.ReloadAsync(text => text.Replace("secret-1", "secret-2", StringComparison.Ordinal))).IsApplied);
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (await StatusAsync(tap, "Bearer secret-1"), await StatusAsync(tap, "Bearer secret-2")));

        Assert.True((await tap.ReloadAsync(text => text.Replace("api: { token: secret-2 }", "", StringComparison.Ordinal))).IsApplied);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(tap, null));
    }

    [Fact]
    public async Task Tokens_come_from_a_file_any_line_of_which_counts()
    {
        var file = Path.Combine(_directory, "tokens");
        await File.WriteAllTextAsync(file, "one\ntwo\n", Deadline.Token());
        await using var tap = await StartAsync($"{{ token_file: '{file}' }}");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Unauthorized), (await StatusAsync(tap, "Bearer one"), await StatusAsync(tap, "Bearer two"), await StatusAsync(tap, "Bearer three")));
    }

    [Fact]
    public async Task A_file_without_a_token_keeps_the_tap_from_starting_and_is_named_by_its_key()
    {
        var file = Path.Combine(_directory, "empty");
        await File.WriteAllTextAsync(file, "\n", Deadline.Token());

        var problem = await Assert.ThrowsAsync<OtlpTap.Hosting.ListenException>(() => StartAsync($"{{ token_file: '{file}' }}"));

        Assert.Contains($"service.admin.api.token_file `{file}` has no token", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("reader", "GET", "/api/v1/cases", 200)]
    [InlineData("reader", "GET", "/api/v1/advice", 200)]
    [InlineData("reader", "POST", "/mcp", 400)]
    [InlineData("reader", "POST", "/api/v1/cases/0123456789abcdef", 403)]
    [InlineData("reader", "POST", "/API/v1/cases/0123456789abcdef/", 403)]
    [InlineData("reader", "POST", "/api/v1/traces/0123456789abcdef0123456789abcdef/capture", 403)]
    [InlineData("reader", "POST", "/-/reload", 403)]
    [InlineData("reader", "PUT", "/api/v1/cases", 403)]
    [InlineData("writer", "GET", "/api/v1/cases", 200)]
    [InlineData("writer", "POST", "/mcp", 400)]
    [InlineData("writer", "POST", "/api/v1/cases/0123456789abcdef", 400)]
    [InlineData("writer", "POST", "/api/v1/traces/0123456789abcdef0123456789abcdef/capture", 404)]
    [InlineData("writer", "POST", "/-/reload", 200)]
    [InlineData(null, "GET", "/api/v1/cases", 401)]
    [InlineData(null, "POST", "/mcp", 401)]
    [InlineData(null, "POST", "/api/v1/cases/0123456789abcdef", 401)]
    [InlineData(null, "POST", "/-/reload", 401)]
    [InlineData("other", "POST", "/-/reload", 401)]
    [InlineData(null, "GET", "/metrics", 200)]
    [InlineData(null, "GET", "/readyz", 200)]
    public async Task Beside_a_token_for_writing_the_other_may_only_read(string? token, string method, string path, int status)
    {
        await using var tap = await StartAsync("{ token: reader, write_token: writer }");

        using var answer = await SendAsync(tap, new HttpMethod(method), path, token is null ? null : $"Bearer {token}");

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(status is 401 or 403 ? 1 : 0, await tap.MetricAsync("otlptap_unauthenticated_requests_total{listener=\"admin\"}"));
    }

    [Theory]
    [InlineData(null, "GET", "/api/v1/cases", 200)]
    [InlineData(null, "POST", "/mcp", 400)]
    [InlineData(null, "POST", "/api/v1/cases/0123456789abcdef", 401)]
    [InlineData("writer", "POST", "/api/v1/cases/0123456789abcdef", 400)]
    public async Task With_a_token_for_writing_alone_everyone_may_read(string? token, string method, string path, int status)
    {
        await using var tap = await StartAsync("{ write_token: writer }");

        using var answer = await SendAsync(tap, new HttpMethod(method), path, token is null ? null : $"Bearer {token}");

        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Fact]
    public async Task A_single_token_has_all_rights()
    {
        await using var tap = await StartAsync("{ token: secret-1 }");

        using var change = await SendAsync(tap, HttpMethod.Post, "/api/v1/cases/0123456789abcdef", "Bearer secret-1");
        using var reload = await SendAsync(tap, HttpMethod.Post, "/-/reload", null);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (change.StatusCode, reload.StatusCode));
    }

    [Theory]
    [InlineData("api: { token: '' }", "service.admin.api.token: a token is printable ASCII without blanks around it; leave the key out to let in everyone who reaches the port")]
    [InlineData("api: { token: ' x' }", "service.admin.api.token: a token is printable ASCII")]
    [InlineData("api: { token: x, token_file: /dev/null }", "service.admin.api.token: `token_file` is set as well")]
    [InlineData("api: { token_file: /nowhere/at/all }", "service.admin.api.token_file: no file `/nowhere/at/all`")]
    [InlineData("api: { token: x, write_token: x }", "service.admin.api.write_token: it is the same as `token`: who reads could write as well")]
    [InlineData("api: { write_token: ' x' }", "service.admin.api.write_token: a token is printable ASCII")]
    [InlineData("api: { write_token: x, write_token_file: /dev/null }", "service.admin.api.write_token: `write_token_file` is set as well")]
    [InlineData("api: { write_token: x }, auth: { authenticator: bearertokenauth }", "service.admin.api: `service.admin.auth` asks for the same header")]
    [InlineData("api: { tokn: x }", "service.admin.api.tokn: ")]
    [InlineData("api: { token: x }, auth: { authenticator: bearertokenauth }", "service.admin.api: `service.admin.auth` asks for the same header")]
    public void What_cannot_be_meant_is_refused(string admin, string problem)
    {
        var loaded = Load(admin);

        Assert.Null(loaded.Options);
        Assert.Contains(loaded.Problems, each => $"{each}".Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void An_authenticator_with_a_header_of_its_own_stands_beside_it()
    {
        var loaded = Load("api: { token: x }, auth: { authenticator: bearertokenauth/other }");

        Assert.Empty(loaded.Problems);
        Assert.NotNull(loaded.Options!.Service.Admin.Api);
    }

    private static LoadedConfiguration Load(string admin) => new ConfigurationLoader(environment: _ => null).LoadText([("test.yaml",
        $$"""
        extensions: { bearertokenauth: { token: x }, bearertokenauth/other: { token: x, header: x-admin } }
        service: { extensions: [bearertokenauth, bearertokenauth/other], admin: { {{admin}} } }
        """)]);

    private static Task<RunningTap> StartAsync(string api) => RunningTap.ConfiguredAsync(directory =>
        $$"""
        receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
        processors: { tap: { corpus: { directory: '{{directory}}' } } }
        service:
          admin:
            endpoint: "127.0.0.1:0"
            api: {{api}}
        """);

    private async Task<HttpStatusCode> StatusAsync(RunningTap tap, string? authorization)
    {
        using var response = await GetAsync(tap, "/api/v1/openapi.json", authorization);
        return response.StatusCode;
    }

    private Task<HttpResponseMessage> GetAsync(RunningTap tap, string path, string? authorization) => SendAsync(tap, HttpMethod.Get, path, authorization);

    private Task<HttpResponseMessage> SendAsync(RunningTap tap, HttpMethod method, string path, string? authorization)
    {
        var request = new HttpRequestMessage(method, new Uri($"http://{tap.Host.AdminEndpoint}{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        return _http.SendAsync(request, Deadline.Token());
    }
}
