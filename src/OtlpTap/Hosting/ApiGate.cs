using Microsoft.AspNetCore.Http;
using OtlpTap.Receive;
using OtlpTap.Web;

namespace OtlpTap.Hosting;

/// <summary>Stands before the admin port's API and its tools, and asks for their token. Metrics, health and reload are not behind it: those are an operator's.</summary>
/// <param name="refused">Told of each request that is not let in.</param>
internal sealed class ApiGate(Authenticator authenticator, RequestDelegate next, Action refused)
{
    public async Task InvokeAsync(HttpContext http)
    {
        if (!IsGuarded(http.Request.Path) || await authenticator.AuthenticateAsync(http.Request.Headers[authenticator.Header], http.RequestAborted) == Authentication.Accepted)
        {
            await next(http);
            return;
        }

        refused();
        http.Response.Headers.WWWAuthenticate = authenticator.Challenge;
        await ApiExchange.ErrorAsync(http, StatusCodes.Status401Unauthorized, "the token of service.admin.api is missing or another one");
    }

    // In any case of letters, as routes are found.
    private static bool IsGuarded(PathString path) => path.StartsWithSegments("/api") || path.StartsWithSegments("/mcp");
}
