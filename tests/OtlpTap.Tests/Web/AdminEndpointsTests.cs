using System.Net;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Web;

namespace OtlpTap.Tests.Web;

/// <summary>Over a real socket, HTTP/1.1.</summary>
public sealed class AdminEndpointsTests : IAsyncLifetime
{
    private readonly TapMetrics _metrics = new("1.2.3", TimeProvider.System);
    private readonly Readiness _readiness;
    private readonly LoopbackServer _server;
    private bool _isUpstreamReachable = true;
    private (bool IsApplied, string Text) _reloaded = (true, "in force\n");
    private int _reloads;

    public AdminEndpointsTests()
    {
        _readiness = new Readiness(() => [("otlp_grpc/tempo", _isUpstreamReachable), ("otlp_grpc/loki", true)], TimeProvider.System);
        _server = new LoopbackServer(server => server.MapAdmin(_metrics, _readiness, _ =>
        {
            _reloads++;
            return Task.FromResult(_reloaded);
        }, TimeProvider.System));
    }

    public async ValueTask InitializeAsync() => await _server.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Metrics_are_in_the_text_format_of_Prometheus()
    {
        _metrics.Receive.RequestReceived(Signal.Traces, 1);

        using var response = await GetAsync("/metrics");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Contains("\notlptap_received_requests_total{signal=\"traces\"} 1\n", await TextAsync(response), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, HttpStatusCode.OK)]
    [InlineData(false, HttpStatusCode.UnprocessableEntity)]
    public async Task A_reload_is_asked_for_by_POST_and_its_outcome_is_the_answer(bool isApplied, HttpStatusCode status)
    {
        _reloaded = (isApplied, "what came of it\n");

        using var response = await _server.Client.PostAsync(new Uri("/-/reload", UriKind.Relative), null, TestContext.Current.CancellationToken);

        Assert.Equal((status, "what came of it\n", 1), (response.StatusCode, await TextAsync(response), _reloads));
        using var byGet = await GetAsync("/-/reload");
        Assert.Equal((HttpStatusCode.MethodNotAllowed, 1), (byGet.StatusCode, _reloads));
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    public async Task A_page_in_a_browser_cannot_make_it_reload(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/-/reload");
        request.Headers.Add(header, value);

        using var response = await _server.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.Forbidden, 0), (response.StatusCode, _reloads));
    }

    [Fact]
    public async Task The_tap_is_alive_before_it_is_ready()
    {
        using var alive = await GetAsync("/healthz");
        using var notReady = await GetAsync("/readyz");
        Assert.Equal((HttpStatusCode.OK, "alive\n"), (alive.StatusCode, await TextAsync(alive)));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "not ready: not listening yet\n"), (notReady.StatusCode, await TextAsync(notReady)));

        _readiness.Listening();

        using var ready = await GetAsync("/readyz");
        Assert.Equal((HttpStatusCode.OK, "ready\n"), (ready.StatusCode, await TextAsync(ready)));
    }

    [Fact]
    public async Task While_an_upstream_is_not_reachable_the_tap_is_not_ready_and_names_it()
    {
        _readiness.Listening();
        _isUpstreamReachable = false;
        using var notReady = await GetAsync("/readyz");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "not ready: upstream not reachable: otlp_grpc/tempo\n"), (notReady.StatusCode, await TextAsync(notReady)));

        _isUpstreamReachable = true;
        using var ready = await GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
    }

    [Fact]
    public async Task A_tap_that_goes_down_is_not_ready_whatever_comes_after()
    {
        _readiness.Listening();
        _readiness.ShuttingDown();
        _readiness.Listening();

        using var response = await GetAsync("/readyz");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "not ready: shutting down\n"), (response.StatusCode, await TextAsync(response)));
    }

    [Fact]
    public async Task The_index_links_to_everything_there_is()
    {
        using var index = await GetAsync("/");
        var html = await TextAsync(index);

        Assert.Equal("text/html; charset=utf-8", index.Content.Headers.ContentType!.ToString());
        var links = System.Text.RegularExpressions.Regex.Matches(html, "href=\"([^\"]+)\"").Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(["/metrics", "/healthz", "/readyz"], links.Take(3));
        _readiness.Listening();

        // Those of the API are mapped in a whole tap: AdminPortTests.
        foreach (var link in links.Take(3))
        {
            using var response = await GetAsync(link);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/metrics")]
    [InlineData("/healthz")]
    public async Task A_head_request_is_answered_without_a_body_and_a_post_is_refused(string path)
    {
        using var head = await _server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path), TestContext.Current.CancellationToken);
        using var post = await _server.Client.PostAsync(path, null, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.OK, ""), (head.StatusCode, await TextAsync(head)));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
    }

    [Fact]
    public async Task What_is_not_there_is_not_found()
    {
        using var response = await GetAsync("/metricz");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    private Task<HttpResponseMessage> GetAsync(string path) => _server.Client.GetAsync(path, TestContext.Current.CancellationToken);

    private static Task<string> TextAsync(HttpResponseMessage response) => response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
}
