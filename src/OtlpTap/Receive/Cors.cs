using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace OtlpTap.Receive;

/// <summary>
/// What a browser is told that asks for a page of another origin, or asks whether it may
/// (https://fetch.spec.whatwg.org/#http-cors-protocol). A preflight carries no credentials: it is answered before anyone
/// is asked who they are; and a refusal without these headers is one that a script never sees.
/// </summary>
internal sealed class Cors(CorsOptions options)
{
    private static readonly SearchValues<char> HostCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]");

    // What OTLP/HTTP cannot do without, and what libraries add by themselves; the Collector allows the last by default, too.
    private static readonly string[] AlwaysAllowed = ["content-type", "content-encoding", "accept", "x-requested-with"];

    private readonly bool _allowsEveryOrigin = options.AllowedOrigins.Contains("*");
    private readonly bool _allowsEveryHeader = options.AllowedHeaders.Contains("*");
    private readonly (string Start, string? End)[] _origins = [.. options.AllowedOrigins.Where(origin => origin != "*").Select(Split)];
    private readonly string _allowedHeaders = string.Join(", ", AlwaysAllowed.Concat(options.AllowedHeaders).Distinct(StringComparer.OrdinalIgnoreCase));
    private readonly string _exposedHeaders = string.Join(", ", options.ExposedHeaders);

    /// <summary>Adds what the answer needs, whatever it becomes. True for a preflight, which then has its answer.</summary>
    public bool IsAnswered(HttpContext http)
    {
        var request = http.Request;
        var headers = http.Response.Headers;
        var isPreflight = HttpMethods.IsOptions(request.Method) && !StringValues.IsNullOrEmpty(request.Headers.AccessControlRequestMethod);

        // Also where there is no Origin: what a cache keeps of this answer must not be given to one who has.
        headers.Append("Vary", isPreflight ? "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" : "Origin");

        var origin = request.Headers.Origin.ToString();
        var isAllowed = origin.Length > 0 && TryAllow(origin, headers);
        if (!isPreflight)
        {
            if (isAllowed && _exposedHeaders.Length > 0)
            {
                headers.AccessControlExposeHeaders = _exposedHeaders;
            }

            return false;
        }

        http.Response.StatusCode = StatusCodes.Status204NoContent;
        if (isAllowed)
        {
            headers.AccessControlAllowMethods = HttpMethods.Post;

            // A star means every header only for requests without credentials; what was asked for is right for both.
            headers.AccessControlAllowHeaders = _allowsEveryHeader ? request.Headers.AccessControlRequestHeaders : _allowedHeaders;
            if (options.MaxAgeSeconds > 0)
            {
                headers.AccessControlMaxAge = options.MaxAgeSeconds.ToString(CultureInfo.InvariantCulture);
            }
        }

        return true;
    }

    /// <summary>Credentials only for an origin that is named: with a star they would be everyone's.</summary>
    private bool TryAllow(string origin, IHeaderDictionary headers)
    {
        if (Array.Exists(_origins, allowed => Matches(origin, allowed)))
        {
            headers.AccessControlAllowOrigin = origin;
            headers.AccessControlAllowCredentials = "true";
            return true;
        }

        if (_allowsEveryOrigin)
        {
            headers.AccessControlAllowOrigin = "*";
        }

        return _allowsEveryOrigin;
    }

    private static bool Matches(string origin, (string Start, string? End) allowed) => allowed.End is not { } end
        ? origin.Equals(allowed.Start, StringComparison.OrdinalIgnoreCase)
        : origin.Length >= allowed.Start.Length + end.Length
            && origin.StartsWith(allowed.Start, StringComparison.OrdinalIgnoreCase)
            && origin.EndsWith(end, StringComparison.OrdinalIgnoreCase)
            && (!allowed.Start.Contains("://", StringComparison.Ordinal) || IsOfHost(origin.AsSpan(allowed.Start.Length, origin.Length - allowed.Start.Length - end.Length)));

    // Behind the scheme a star stands for a part of a host or a port: `https://evil.test/.example.com` is not in `https://*.example.com`.
    private static bool IsOfHost(ReadOnlySpan<char> part) => !part.ContainsAnyExcept(HostCharacters);

    private static (string Start, string? End) Split(string origin)
    {
        var star = origin.IndexOf('*');
        return star < 0 ? (origin, null) : (origin[..star], origin[(star + 1)..]);
    }
}
