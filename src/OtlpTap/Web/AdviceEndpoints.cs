using System.Globalization;
using Microsoft.Extensions.Primitives;
using OtlpTap.Advice;
using OtlpTap.Otlp;

namespace OtlpTap.Web;

/// <summary><c>GET /api/v1/advice</c> of the admin port, and the same as a stream: what agents are told to do.</summary>
internal sealed class AdviceEndpoints(IAdviceSource source, AdviceStreams streams, TimeProvider time)
{
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    // Versions begin anew with the process: what a client was given by the one before must not pass for the same.
    private readonly ulong _process = (ulong)RandomKey.Create();

    public void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapMethods("/api/v1/advice", Methods, GetAsync);
        endpoints.MapMethods("/api/v1/advice/stream", [HttpMethods.Get], StreamAsync);
    }

    private async Task GetAsync(HttpContext http)
    {
        if (await ReadAsync(http) is not { } query)
        {
            return;
        }

        var (snapshot, holdout) = (source.Current, source.Holdout);
        var tag = string.Create(CultureInfo.InvariantCulture, $"\"{snapshot.Version}-{query.Hash(_process, holdout):x16}\"");

        // Weak: the same advice, which says another `generated_at` each time.
        http.Response.Headers.ETag = $"W/{tag}";
        http.Response.Headers.CacheControl = "no-cache";
        if (IsKnown(http.Request.Headers.IfNoneMatch, tag))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        await Answers.WriteAsync(http, StatusCodes.Status200OK, json => AdviceJson.Write(json, snapshot, query, holdout, time.GetUtcNow()));
    }

    private async Task StreamAsync(HttpContext http)
    {
        if (await ReadAsync(http) is { } query)
        {
            await streams.RunAsync(http, query);
        }
    }

    // Null when the answer is given: there is no question to be answered.
    private static async Task<AdviceQuery?> ReadAsync(HttpContext http)
    {
        if (await ApiExchange.IsRefusedAsync(http))
        {
            return null;
        }

        if (AdviceQuery.Read(http.Request.Query, out var query) is not { } problem)
        {
            return query;
        }

        await ApiExchange.ErrorAsync(http, StatusCodes.Status400BadRequest, problem);
        return null;
    }

    // RFC 9110, 13.1.2: a list of tags, compared weakly; proxies that compress make weak ones of them.
    private static bool IsKnown(StringValues ifNoneMatch, string tag)
    {
        foreach (var line in ifNoneMatch)
        {
            foreach (var range in (line ?? "").AsSpan().Split(','))
            {
                var known = line.AsSpan(range).Trim();
                known = known.StartsWith("W/") ? known[2..] : known;
                if (known.SequenceEqual(tag) || known is "*")
                {
                    return true;
                }
            }
        }

        return false;
    }
}
