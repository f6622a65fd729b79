using OtlpTap.Advice.Effect;

namespace OtlpTap.Web;

/// <param name="policy">Only this one; null: all.</param>
/// <param name="service">Only this one's; null: all.</param>
internal delegate EffectReport ReadEffect(string? policy, string? service);

/// <summary><c>GET /api/v1/advice/report</c> of the admin port: whether advice helped, see <see cref="EffectJson"/>.</summary>
internal static class AdviceReportEndpoint
{
    private const int NameLengthMax = 512;

    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];
    private static readonly string[] Parameters = ["policy", "service"];

    /// <param name="policies">The names of those that are in force now.</param>
    public static void MapAdviceReport(this IEndpointRouteBuilder endpoints, ReadEffect read, Func<IReadOnlyList<string>> policies) =>
        endpoints.MapMethods("/api/v1/advice/report", Methods, http => AnswerAsync(http, read, policies));

    private static async Task AnswerAsync(HttpContext http, ReadEffect read, Func<IReadOnlyList<string>> policies)
    {
        if (await ApiExchange.IsRefusedAsync(http))
        {
            return;
        }

        if (Problem(http.Request.Query) is { } problem)
        {
            await ApiExchange.ErrorAsync(http, StatusCodes.Status400BadRequest, problem);
            return;
        }

        var (policy, service) = (Asked(http, "policy"), Asked(http, "service"));
        var report = read(policy, service);
        if (policy is not null && !IsKnown(policy, read, policies()))
        {
            await ApiExchange.ErrorAsync(http, StatusCodes.Status404NotFound, $"no policy is named `{policy}`: there are {string.Join(", ", policies().Order(StringComparer.Ordinal).Select(name => $"`{name}`"))}");
            return;
        }

        await Answers.WriteAsync(http, StatusCodes.Status200OK, json => EffectJson.Write(json, report));
    }

    // Also where it was in force within the time that the report looks back, and is not any more.
    private static bool IsKnown(string policy, ReadEffect read, IReadOnlyList<string> inForce) =>
        inForce.Contains(policy) || read(policy, null) is { Policies.Count: > 0 } or { Fallbacks.Count: > 0 };

    private static string? Asked(HttpContext http, string name) => http.Request.Query[name] is [{ Length: > 0 } value] ? value : null;

    private static string? Problem(IQueryCollection query)
    {
        var tooLong = Parameters.FirstOrDefault(name => query[name].ToString().Length > NameLengthMax);
        return ApiQuery.Problem(query, Parameters) ?? (tooLong is null ? null : $"`{tooLong}` has more than {NameLengthMax} characters");
    }
}
