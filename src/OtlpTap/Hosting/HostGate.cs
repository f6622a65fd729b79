using System.Collections.Immutable;
using System.Net;
using Microsoft.AspNetCore.Http;
using OtlpTap.Configuration;
using OtlpTap.Web;

namespace OtlpTap.Hosting;

/// <summary>
/// Stands before the admin port where it has neither TLS nor credentials, against names that lead somewhere else than a browser
/// believes: a page of evil.example, whose owner lets that name point to 127.0.0.1 once the page is there, could read the port as
/// its own. By an address or by localhost nobody can do that, and the page cannot choose the Host that its browser sends.
/// See docs/decisions/hosts-of-the-admin-port.md.
/// </summary>
/// <param name="hosts">Names by which the port is known; with <c>*</c> any is. Empty: none is on this machine; from others programs may use any.</param>
/// <param name="refused">Told of each request that is not let in.</param>
internal sealed class HostGate(ImmutableArray<string> hosts, RequestDelegate next, Action refused)
{
    private const int ShownMax = 100;

    private readonly HashSet<string> _hosts = new(hosts, StringComparer.OrdinalIgnoreCase);

    public Task InvokeAsync(HttpContext http)
    {
        var name = http.Request.Host.Host.TrimEnd('.');
        if (IsKnown(name) || (_hosts.Count == 0 && !IsOfThisMachine(http.Connection.LocalIpAddress) && IsHarmless(name, http.Request.Headers)))
        {
            return next(http);
        }

        refused();
        var shown = name.Length <= ShownMax ? name : $"{name[..ShownMax]}...";
        return ApiExchange.ErrorAsync(http, StatusCodes.Status421MisdirectedRequest, $"this port is not known by the name `{shown}`: ask by an IP address or localhost, or add the name to service.admin.hosts");
    }

    // No name at all: no browser sends that.
    private bool IsKnown(string name) =>
        name.Length == 0
        || IPAddress.TryParse(name, out _)
        || name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || _hosts.Contains(name)
        || _hosts.Contains(AdminOptions.AnyHost);

    // Where the bound address is 0.0.0.0, too: what matters is by which one the request came.
    private static bool IsOfThisMachine(IPAddress? local) => local is not null && IPAddress.IsLoopback(local.IsIPv4MappedToIPv6 ? local.MapToIPv4() : local);

    // Names of containers have no dot, and nobody can register such a one; Prometheus and agents come by any, but they are no browsers.
    private static bool IsHarmless(string name, IHeaderDictionary headers) => !name.Contains('.', StringComparison.Ordinal) || !IsFromBrowser(headers);

    // Over plain HTTP browsers do not say which page asks, but what they are. Node's fetch says `*` where browsers name languages.
    private static bool IsFromBrowser(IHeaderDictionary headers) =>
        headers.ContainsKey("Origin")
        || headers.ContainsKey("Referer")
        || headers.ContainsKey("Sec-Fetch-Site")
        || headers.UserAgent.ToString().Contains("Mozilla/", StringComparison.Ordinal)
        || headers.AcceptLanguage.ToString() is not ("" or "*");
}
