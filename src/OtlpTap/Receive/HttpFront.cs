using Microsoft.AspNetCore.Http;

namespace OtlpTap.Receive;

/// <summary>
/// Stands before all that may answer a request over HTTP, authentication too: adds what every answer has, a refusal's as
/// well, and answers a browser's preflight.
/// </summary>
internal sealed class HttpFront(HttpReceiveOptions options, RequestDelegate next)
{
    private readonly Cors? _cors = options.Cors is { } cors ? new Cors(cors) : null;

    public Task InvokeAsync(HttpContext http)
    {
        foreach (var (name, value) in options.ResponseHeaders)
        {
            http.Response.Headers[name] = value;
        }

        return _cors?.IsAnswered(http) == true ? Task.CompletedTask : next(http);
    }
}
