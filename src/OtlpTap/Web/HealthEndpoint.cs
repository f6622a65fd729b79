using System.Text.Json;
using OtlpTap.Health;

namespace OtlpTap.Web;

/// <summary>
/// <c>GET /api/v1/health</c>: of whom something is known. <c>GET /api/v1/health/{service}</c> and <c>/{service}/{agent}</c>:
/// all values of it, by the names of <see cref="HealthValue"/>, and of its tools and models.
/// <code>
///   { "scopes": [ { "service": "shop", "agent": "planner", "tool": "search" }, ... ] }          what is empty is left out
///   { "service": "shop", "agent": "planner", "values": { "run.calls_1m": 3, ... },
///     "tools": [ { "tool": "search", "values": { ... } } ], "models": [ { "model": "gpt-4o", "values": { ... } } ] }
/// </code>
/// </summary>
internal static class HealthEndpoint
{
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    public static void MapHealth(this IEndpointRouteBuilder endpoints, IHealthReport health)
    {
        endpoints.MapMethods("/api/v1/health", Methods, http => UnlessFromPageAsync(http, health, WriteScopesAsync));
        endpoints.MapMethods("/api/v1/health/{service}", Methods, http => UnlessFromPageAsync(http, health, WriteAsync));
        endpoints.MapMethods("/api/v1/health/{service}/{agent}", Methods, http => UnlessFromPageAsync(http, health, WriteAsync));
    }

    private static async Task UnlessFromPageAsync(HttpContext http, IHealthReport health, Func<HttpContext, IHealthReport, Task> write)
    {
        if (!await ApiExchange.IsRefusedAsync(http))
        {
            await write(http, health);
        }
    }

    private static Task WriteScopesAsync(HttpContext http, IHealthReport health) => WriteAsync(http, json =>
    {
        json.WriteStartArray("scopes");
        foreach (var scope in health.Scopes().OrderBy(scope => scope.Service, StringComparer.Ordinal).ThenBy(scope => scope.Agent, StringComparer.Ordinal).ThenBy(scope => scope.Tool, StringComparer.Ordinal).ThenBy(scope => scope.Model, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteScope(scope);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static Task WriteAsync(HttpContext http, IHealthReport health)
    {
        var asked = HealthScope.OfAgent(RouteValue(http, "service"), RouteValue(http, "agent"));
        if (Find(health, asked) is { } write)
        {
            return WriteAsync(http, write);
        }

        var whom = asked.Agent.Length > 0 ? $"the agent `{asked.Agent}` of the service `{asked.Service}`" : $"the service `{asked.Service}`";
        return ApiExchange.ErrorAsync(http, StatusCodes.Status404NotFound, $"nothing came of {whom} in the last hour; /api/v1/health says of whom something did");
    }

    /// <summary>Writes the members of the answer; null where nothing is known of whom is asked for.</summary>
    internal static Action<Utf8JsonWriter>? Find(IHealthReport health, HealthScope asked)
    {
        var scopes = health.Scopes().Where(scope => scope.Service == asked.Service && scope.Agent == asked.Agent).ToList();
        return !scopes.Contains(asked)
            ? null
            : json =>
            {
                json.WriteScope(asked);
                WriteValues(json, health, asked);
                WriteBelow(json, health, "tools", "tool", scopes, static scope => scope.Tool);
                WriteBelow(json, health, "models", "model", scopes, static scope => scope.Model);
            };
    }

    private static void WriteBelow(Utf8JsonWriter json, IHealthReport health, string list, string member, List<HealthScope> scopes, Func<HealthScope, string> nameOf)
    {
        json.WriteStartArray(list);
        foreach (var scope in scopes.Where(scope => nameOf(scope).Length > 0).OrderBy(nameOf, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString(member, nameOf(scope));
            WriteValues(json, health, scope);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteValues(Utf8JsonWriter json, IHealthReport health, in HealthScope scope)
    {
        json.WriteStartObject("values");
        foreach (var (value, number) in health.ReadAll(scope))
        {
            json.WriteNumber(value.ToString(), number);
        }

        json.WriteEndObject();
    }

    // The server decodes a path but for %2F, which would be a separator; names may have it.
    private static string RouteValue(HttpContext http, string name) => (http.Request.RouteValues[name] as string ?? "").Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);

    private static Task WriteAsync(HttpContext http, Action<Utf8JsonWriter> write) => Answers.WriteAsync(http, StatusCodes.Status200OK, json =>
    {
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    });
}
