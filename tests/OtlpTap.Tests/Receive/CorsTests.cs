using System.Net;
using OtlpTap.Receive;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Receive;

/// <summary>https://fetch.spec.whatwg.org/#http-cors-protocol, with the keys of the Collector.</summary>
public sealed class CorsTests
{
    private static readonly CorsOptions Options = new()
    {
        AllowedOrigins = ["https://app.example.com", "https://*.pages.dev"],
        AllowedHeaders = ["x-tenant"],
        ExposedHeaders = ["retry-after", "x-served-by"],
        MaxAgeSeconds = 7200,
    };

    [Theory]
    [InlineData("https://app.example.com", true)]
    [InlineData("HTTPS://APP.example.com", true)]
    [InlineData("https://a.b.pages.dev", true)]
    [InlineData("https://pages.dev", false)]
    [InlineData("https://app.example.com.evil.org", false)]
    [InlineData("http://app.example.com", false)]
    [InlineData("https://a.pages.dev.evil.org", false)]
    [InlineData("https://evil.test/.pages.dev", false)]
    [InlineData("https://evil.test?.pages.dev", false)]
    [InlineData("https://evil.test@.pages.dev", false)]
    [InlineData("https://evil.test, https://a.pages.dev", false)]
    [InlineData("null", false)]
    public async Task A_preflight_says_what_an_allowed_origin_may_and_nothing_to_another(string origin, bool isAllowed)
    {
        await using var edge = await HttpEdge.StartAsync(new HttpReceiveOptions { Cors = Options });

        using var response = await PreflightAsync(edge, origin);

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(isAllowed ? origin : null, Header(response, "Access-Control-Allow-Origin"));
        Assert.Equal(isAllowed ? "true" : null, Header(response, "Access-Control-Allow-Credentials"));
        Assert.Equal(isAllowed ? "POST" : null, Header(response, "Access-Control-Allow-Methods"));
        Assert.Equal(isAllowed ? "content-type, content-encoding, accept, x-requested-with, x-tenant" : null, Header(response, "Access-Control-Allow-Headers"));
        Assert.Equal(isAllowed ? "7200" : null, Header(response, "Access-Control-Max-Age"));
        Assert.Equal("Origin, Access-Control-Request-Method, Access-Control-Request-Headers", Header(response, "Vary"));
    }

    [Fact]
    public async Task Answers_and_errors_carry_the_origin_so_that_scripts_can_read_them()
    {
        await using var edge = await HttpEdge.StartAsync(new HttpReceiveOptions { Cors = Options });
        foreach (var (body, path, expected) in new[] { ("{}", "/v1/traces", 200), ("x", "/v1/traces", 400), ("{}", "/nowhere", 404) })
        {
            using var request = edge.Request(System.Text.Encoding.UTF8.GetBytes(body), "application/json", path: path);
            request.Headers.Add("Origin", "https://app.example.com");

            using var response = await edge.Client.SendAsync(request, Deadline.Token());

            Assert.Equal(expected, (int)response.StatusCode);
            Assert.Equal("https://app.example.com", Header(response, "Access-Control-Allow-Origin"));
            Assert.Equal("retry-after, x-served-by", Header(response, "Access-Control-Expose-Headers"));
            Assert.Equal("Origin", Header(response, "Vary"));
        }
    }

    [Fact]
    public async Task Every_origin_never_means_credentials()
    {
        await using var edge = await HttpEdge.StartAsync(new HttpReceiveOptions { Cors = new CorsOptions { AllowedOrigins = ["*"], AllowedHeaders = ["*"] } });

        using var response = await PreflightAsync(edge, "https://anyone.test");

        Assert.Equal("*", Header(response, "Access-Control-Allow-Origin"));
        Assert.Null(Header(response, "Access-Control-Allow-Credentials"));
        Assert.Equal("content-type,x-tenant", Header(response, "Access-Control-Allow-Headers"));
        Assert.Null(Header(response, "Access-Control-Max-Age"));
    }

    [Fact]
    public async Task Without_cors_a_browser_of_another_origin_gets_no_permission()
    {
        await using var edge = await HttpEdge.StartAsync();

        using var preflight = await PreflightAsync(edge, "https://app.example.com");

        Assert.Equal(HttpStatusCode.MethodNotAllowed, preflight.StatusCode);
        Assert.Null(Header(preflight, "Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task OPTIONS_that_is_no_preflight_is_told_the_methods()
    {
        await using var edge = await HttpEdge.StartAsync(new HttpReceiveOptions { Cors = Options });

        using var response = await edge.PostAsync(null, method: "OPTIONS");

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal(["POST", "OPTIONS"], response.Content.Headers.Allow);
    }

    private static async Task<HttpResponseMessage> PreflightAsync(HttpEdge edge, string origin)
    {
        using var request = edge.Request(null, method: "OPTIONS");
        request.Headers.TryAddWithoutValidation("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "content-type,x-tenant");
        return await edge.Client.SendAsync(request, Deadline.Token());
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}
