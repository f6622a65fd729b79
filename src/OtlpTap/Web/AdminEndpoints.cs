using System.Text;
using OtlpTap.Metrics;

namespace OtlpTap.Web;

/// <summary>The admin port: metrics, health, and a page that says so. Plain request delegates: nothing is bound by reflection.</summary>
internal static class AdminEndpoints
{
    // Prometheus text exposition format, https://prometheus.io/docs/instrumenting/exposition_formats/
    private const string MetricsType = "text/plain; version=0.0.4; charset=utf-8";
    private const string TextType = "text/plain; charset=utf-8";
    private const string HtmlType = "text/html; charset=utf-8";

    /// <summary>
    /// For all of a scrape: Prometheus's own <c>scrape_timeout</c> is 10 s, and no longer than the minute between two of them, as it comes.
    /// What is not read yet is not made yet, so a reader that takes its time has a piece of it and never all.
    /// </summary>
    public static readonly TimeSpan ScrapePatience = TimeSpan.FromMinutes(1);

    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    private static readonly byte[] Index =
        """
        <!doctype html>
        <html lang="en">
        <head><meta charset="utf-8"><title>OtlpTap</title></head>
        <body>
        <h1>OtlpTap</h1>
        <ul>
        <li><a href="/metrics">/metrics</a> for Prometheus</li>
        <li><a href="/healthz">/healthz</a> whether it is alive</li>
        <li><a href="/readyz">/readyz</a> whether it listens and reaches its upstreams</li>
        <li><a href="/api/v1/advice">/api/v1/advice</a> what agents should do, and <a href="/api/v1/advice/report">whether it helped</a></li>
        <li><a href="/api/v1/health">/api/v1/health</a> how services, agents, tools and models fare</li>
        <li><a href="/api/v1/cases">/api/v1/cases</a> the failures that were kept</li>
        <li><a href="/api/v1/openapi.json">/api/v1/openapi.json</a> all of the API, and /mcp, for programs</li>
        </ul>
        </body>
        </html>

        """u8.ToArray();

    /// <summary>Maps them as one group, for the caller to keep to the admin port.</summary>
    /// <param name="reload">Reads the configuration again: whether it is in force now, and what there is to say.</param>
    public static IEndpointConventionBuilder MapAdmin(
        this IEndpointRouteBuilder endpoints, TapMetrics metrics, Readiness readiness, Func<CancellationToken, Task<(bool IsApplied, string Text)>> reload, TimeProvider time)
    {
        var group = endpoints.MapGroup("");
        group.MapMethods("/", Methods, http => WriteAsync(http, StatusCodes.Status200OK, HtmlType, Index));
        group.MapMetrics(metrics, time);
        group.MapMethods("/healthz", Methods, http => WriteAsync(http, StatusCodes.Status200OK, TextType, "alive\n"u8.ToArray()));
        group.MapMethods("/readyz", Methods, http => WriteReadinessAsync(http, readiness));
        group.MapMethods("/-/reload", [HttpMethods.Post], http => ReloadAsync(http, reload));
        return group;
    }

    /// <summary>What is nowhere else: 404, and where to look.</summary>
    public static Task NotFoundAsync(HttpContext http) => ApiExchange.ErrorAsync(
        http,
        StatusCodes.Status404NotFound,
        http.Request.Path.StartsWithSegments("/v1") ? "this is the admin port: telemetry and feedback are posted to the OTLP/HTTP port" : "there is nothing here: / and /api/v1/openapi.json say what there is");

    /// <summary>Routing refuses a method with nothing but a header: the body says it, as of every other error.</summary>
    public static RequestDelegate TellingMethods(RequestDelegate next) => async http =>
    {
        await next(http);
        if (http.Response is { StatusCode: StatusCodes.Status405MethodNotAllowed, HasStarted: false })
        {
            await ApiExchange.ErrorAsync(http, StatusCodes.Status405MethodNotAllowed, $"{http.Request.Path} takes {http.Response.Headers.Allow}, and not {http.Request.Method}");
        }
    };

    /// <summary>Maps <c>/metrics</c> alone, for a port that has nothing else.</summary>
    public static void MapMetrics(this IEndpointRouteBuilder endpoints, TapMetrics metrics, TimeProvider time) =>
        endpoints.MapMethods("/metrics", Methods, http => WriteMetricsAsync(http, metrics, time));

    private static async Task WriteMetricsAsync(HttpContext http, TapMetrics metrics, TimeProvider time)
    {
        http.Response.ContentType = MetricsType;
        if (!await SlowReaders.TrySendAsync(end => metrics.WriteAsync(http.Response.Body, end), ScrapePatience, time, http.RequestAborted))
        {
            metrics.Api.ScrapeTooSlow();
            http.Abort();
        }
    }

    private static Task WriteReadinessAsync(HttpContext http, Readiness readiness)
    {
        http.Response.Headers.CacheControl = "no-store";
        return readiness.Reason() is { } reason
            ? WriteAsync(http, StatusCodes.Status503ServiceUnavailable, TextType, Encoding.UTF8.GetBytes($"not ready: {reason}\n"))
            : WriteAsync(http, StatusCodes.Status200OK, TextType, "ready\n"u8.ToArray());
    }

    private static async Task ReloadAsync(HttpContext http, Func<CancellationToken, Task<(bool IsApplied, string Text)>> reload)
    {
        if (ApiExchange.IsFromPage(http))
        {
            await WriteAsync(http, StatusCodes.Status403Forbidden, TextType, "not from a browser\n"u8.ToArray());
            return;
        }

        // Not ended when who asked goes away: half a reload would be worse than one that nobody sees.
        var (isApplied, text) = await reload(CancellationToken.None);
        await WriteAsync(http, isApplied ? StatusCodes.Status200OK : StatusCodes.Status422UnprocessableEntity, TextType, Encoding.UTF8.GetBytes(text));
    }

    private static async Task WriteAsync(HttpContext http, int status, string contentType, byte[] body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = contentType;
        http.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(body, http.RequestAborted);
        }
    }
}
