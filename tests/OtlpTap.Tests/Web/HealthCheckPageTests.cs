using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Web;

namespace OtlpTap.Tests.Web;

/// <summary>Word for word what the Collector's extension answers.</summary>
public sealed class HealthCheckPageTests
{
    private const string NotAvailable = """{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}""";

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 23, 8, 10, 18, 250, TimeSpan.Zero));
    private readonly Readiness _readiness;

    public HealthCheckPageTests() => _readiness = new Readiness(() => [("otlp_grpc/tempo", false)], _time);

    [Fact]
    public async Task It_is_available_while_requests_are_taken_whatever_the_upstreams_do()
    {
        Assert.Equal((503, "application/json", NotAvailable), await GetAsync("/"));

        _readiness.Listening();
        _time.Advance(TimeSpan.FromSeconds(62.5));
        Assert.Equal(
            (200, "application/json", """{"status":"Server available","upSince":"2026-11-23T08:10:18.25Z","uptime":"1m2.5s"}"""),
            await GetAsync("/"));

        _readiness.ShuttingDown();
        Assert.Equal((503, "application/json", NotAvailable), await GetAsync("/"));
    }

    [Fact]
    public async Task It_is_up_since_it_first_listened()
    {
        _readiness.Listening();
        _time.Advance(TimeSpan.FromHours(30));
        _readiness.Listening();

        Assert.Contains("\"uptime\":\"30h0m0s\"", (await GetAsync("/")).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fine", "broken")]
    [InlineData("fine", null)]
    [InlineData(null, "broken")]
    public async Task A_configured_body_stands_in_place_of_the_JSON_and_one_alone_leaves_the_other_empty(string? healthy, string? unhealthy)
    {
        Assert.Equal((503, "text/plain; charset=utf-8", unhealthy ?? ""), await GetAsync("/", healthy: healthy, unhealthy: unhealthy));
        _readiness.Listening();
        Assert.Equal((200, "text/plain; charset=utf-8", healthy ?? ""), await GetAsync("/", healthy: healthy, unhealthy: unhealthy));
    }

    [Theory]
    [InlineData("/", "/", 503)]
    [InlineData("/", "/anything/else", 503)]
    [InlineData("/health", "/health", 503)]
    [InlineData("/health", "/", 404)]
    [InlineData("/health", "/health/live", 404)]
    [InlineData("/health/", "/health/live", 503)]
    public async Task Other_paths_are_not_there(string path, string requested, int status) =>
        Assert.Equal(status, (await GetAsync(requested, path)).Status);

    [Fact]
    public async Task HEAD_gets_the_status_and_no_body() => Assert.Equal((503, "application/json", ""), await GetAsync("/", method: "HEAD"));

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(1, "100ns")]
    [InlineData(15, "1.5µs")]
    [InlineData(1_000, "100µs")]
    [InlineData(15_000, "1.5ms")]
    [InlineData(9_999_999, "999.9999ms")]
    [InlineData(10_000_000, "1s")]
    [InlineData(35_000_001, "3.5000001s")]
    [InlineData(600_000_000, "1m0s")]
    [InlineData(36_000_000_000, "1h0m0s")]
    [InlineData(36_605_000_000, "1h1m0.5s")]
    [InlineData(36_000_000_000 * 50, "50h0m0s")]
    public void Durations_are_written_as_Go_does(long ticks, string expected) => Assert.Equal(expected, GoTime.Duration(TimeSpan.FromTicks(ticks)));

    [Theory]
    [InlineData("2026-11-23T08:10:18Z")]
    [InlineData("2026-11-23T08:10:18.5Z")]
    [InlineData("2026-01-02T03:04:05.0000001Z")]
    public void Instants_are_written_as_Go_does(string instant) =>
        Assert.Equal(instant, GoTime.Instant(DateTimeOffset.Parse(instant, System.Globalization.CultureInfo.InvariantCulture).ToOffset(TimeSpan.FromHours(5))));

    private async Task<(int Status, string? ContentType, string Body)> GetAsync(string requested, string path = "/", string? healthy = null, string? unhealthy = null, string method = "GET")
    {
        using var body = new MemoryStream();
        var http = new DefaultHttpContext { Request = { Path = requested, Method = method }, Response = { Body = body } };
        await HealthCheckPage.Create(path, healthy, unhealthy, _readiness, _time)(http);
        return (http.Response.StatusCode, http.Response.ContentType, System.Text.Encoding.UTF8.GetString(body.ToArray()));
    }
}
