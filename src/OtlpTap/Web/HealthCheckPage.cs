using System.Text;

namespace OtlpTap.Web;

/// <summary>
/// The answer of the Collector's <c>health_check</c> extension, for what probes a Collector: 200 while the tap takes
/// requests, 503 before and after. It says nothing of the upstreams; <c>/readyz</c> of the admin port does.
/// <code>
///   {"status":"Server available","upSince":"2026-11-23T08:10:18.5Z","uptime":"1m2.5s"}
///   {"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}
/// </code>
/// Source: extension/healthcheckextension of https://github.com/open-telemetry/opentelemetry-collector-contrib
/// </summary>
internal static class HealthCheckPage
{
    private const string JsonType = "application/json";
    private const string TextType = "text/plain; charset=utf-8";

    /// <param name="path"><c>path</c>; a trailing slash stands for all that begins with it, as in Go, so <c>/</c> is every path.</param>
    /// <param name="healthyBody"><c>response_body.healthy</c>.</param>
    /// <param name="unhealthyBody"><c>response_body.unhealthy</c>. With either of them set there is no JSON, and the other is empty.</param>
    public static RequestDelegate Create(string path, string? healthyBody, string? unhealthyBody, Readiness readiness, TimeProvider time) => http =>
    {
        if (!IsAt(path, http.Request.Path.Value ?? ""))
        {
            return WriteAsync(http, StatusCodes.Status404NotFound, TextType, "404 page not found\n");
        }

        var upSince = readiness.OpenSince;
        var status = upSince is null ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        return healthyBody is null && unhealthyBody is null
            ? WriteAsync(http, status, JsonType, Json(upSince, time.GetUtcNow()))
            : WriteAsync(http, status, TextType, (upSince is null ? unhealthyBody : healthyBody) ?? "");
    };

    // No character in it needs an escape.
    private static string Json(DateTimeOffset? upSince, DateTimeOffset now) => upSince is { } since
        ? $$"""{"status":"Server available","upSince":"{{GoTime.Instant(since)}}","uptime":"{{GoTime.Duration(now > since ? now - since : TimeSpan.Zero)}}"}"""
        : $$"""{"status":"Server not available","upSince":"{{GoTime.Zero}}","uptime":""}""";

    private static bool IsAt(string path, string requested) =>
        path.EndsWith('/') ? requested.StartsWith(path, StringComparison.Ordinal) : requested == path;

    private static async Task WriteAsync(HttpContext http, int status, string contentType, string text)
    {
        var body = Encoding.UTF8.GetBytes(text);
        http.Response.StatusCode = status;
        http.Response.ContentType = contentType;
        http.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(body, http.RequestAborted);
        }
    }
}
