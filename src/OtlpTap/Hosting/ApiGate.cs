using System.Net;
using Microsoft.AspNetCore.Http;
using OtlpTap.Receive;
using OtlpTap.Web;

namespace OtlpTap.Hosting;

/// <summary>
/// Stands before the admin port's API and its tools, and asks for their token; before a reload, too, where there is a token for
/// what changes something, or where it is asked for from another machine. Metrics and health are not behind it: those are an operator's.
/// See docs/decisions/token-of-the-api.md.
/// </summary>
/// <param name="read">Knows the tokens for reading, and where <paramref name="write"/> is null for all else; null: everyone may read.</param>
/// <param name="write">Knows the tokens for everything.</param>
/// <param name="isKnown">The port itself lets in only whom it knows.</param>
/// <param name="own">The one address that it listens on; null where there are several, of which loopback is one.</param>
/// <param name="refused">Told of each request that is not let in.</param>
internal sealed class ApiGate(Authenticator? read, Authenticator? write, bool isKnown, IPAddress? own, RequestDelegate next, Action refused)
{
    // A proxy on the machine, or a mesh's beside the tap, says by them that it asks for somebody else.
    private static readonly string[] Forwarding = ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP"];

    private const string Missing = "the token of service.admin.api is missing or another one";

    private const string Foreign =
        "a reload from another machine, or by a proxy, needs service.admin.api.write_token, or service.admin.auth, and neither is set; on the tap's own machine `otlptap reload`, the same POST to 127.0.0.1 and SIGHUP need none";

    public async Task InvokeAsync(HttpContext http)
    {
        if (await RefusalAsync(http) is not var (status, error))
        {
            await next(http);
            return;
        }

        refused();
        if (status == StatusCodes.Status401Unauthorized)
        {
            http.Response.Headers.WWWAuthenticate = (read ?? write)!.Challenge;
        }

        await ApiExchange.ErrorAsync(http, status, error);
    }

    private async ValueTask<(int Status, string Error)?> RefusalAsync(HttpContext http)
    {
        var isForeignReload = !isKnown && IsReload(http.Request) && !IsOfThisMachine(http);
        if (isForeignReload && read is null && write is null)
        {
            return (StatusCodes.Status403Forbidden, Foreign);
        }

        var isWrite = write is not null && IsWrite(http.Request);
        if (!isWrite && !isForeignReload && (read is null || !IsGuarded(http.Request.Path)))
        {
            return null;
        }

        var mayRead = await IsKnownToAsync(read, http);
        if (await IsKnownToAsync(write, http) || (mayRead && !isWrite)) // where there is no token for writing, the other one is for all
        {
            return null;
        }

        return mayRead ? (StatusCodes.Status403Forbidden, "this token may read: what changes something needs service.admin.api.write_token") : (StatusCodes.Status401Unauthorized, Missing);
    }

    private static async ValueTask<bool> IsKnownToAsync(Authenticator? authenticator, HttpContext http) =>
        authenticator is not null && await authenticator.AuthenticateAsync(http.Request.Headers[authenticator.Header], http.RequestAborted) == Authentication.Accepted;

    // In any case of letters, as routes are found.
    private static bool IsGuarded(PathString path) => path.StartsWithSegments("/api") || path.StartsWithSegments("/mcp");

    // What agents call at /mcp reads, and is posted all the same.
    private static bool IsWrite(HttpRequest request) =>
        !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && (request.Path.StartsWithSegments("/api") || request.Path.StartsWithSegments("/-"));

    private static bool IsReload(HttpRequest request) => HttpMethods.IsPost(request.Method) && request.Path.StartsWithSegments("/-");

    // By loopback, a Unix socket, or the one address that is listened on, where loopback is none: port forwarders of rootless containers
    // make all that comes from outside seem to come from the container's own.
    private bool IsOfThisMachine(HttpContext http) =>
        !Forwarding.Any(http.Request.Headers.ContainsKey)
        && (http.Connection.RemoteIpAddress is not { } remote || IPAddress.IsLoopback(Plain(remote)) || Plain(remote).Equals(own));

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
