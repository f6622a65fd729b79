using System.Globalization;

namespace OtlpTap.Web;

/// <summary><c>/api/v1/cases</c> of the admin port: the cases, one case, and what is to become of it.</summary>
internal static class CasesEndpoint
{
    public const int LimitDefault = 100;
    public const int LimitMax = 1000;

    private const int BodyBytesMax = 16 << 10;
    private const int ReasonLengthMax = 4096;
    private const int VersionLengthMax = 256;

    private static readonly string[] Statuses = ["open", "fixed", "regressed", "muted", "expected"];
    private static readonly string[] Parameters = ["status", "failure", "agent", "service", "limit", "cursor"];

    public static void MapCases(this IEndpointRouteBuilder endpoints, CasesApi cases)
    {
        endpoints.MapMethods("/api/v1/cases", [HttpMethods.Get], http => ListAsync(http, cases));
        endpoints.MapMethods("/api/v1/cases/{fingerprint}", [HttpMethods.Get], http => ReadAsync(http, cases));
        endpoints.MapMethods("/api/v1/cases/{fingerprint}", [HttpMethods.Post], http => ChangeAsync(http, cases));
    }

    private static async Task ListAsync(HttpContext http, CasesApi cases)
    {
        if (await ApiExchange.IsRefusedAsync(http))
        {
            return;
        }

        if (Problem(http.Request.Query, out var query) is { } problem)
        {
            await ApiExchange.ErrorAsync(http, StatusCodes.Status400BadRequest, problem);
            return;
        }

        await ReplyAsync(http, await cases.List(query, http.RequestAborted));
    }

    private static async Task ReadAsync(HttpContext http, CasesApi cases)
    {
        if (await ApiExchange.IsRefusedAsync(http) || await FingerprintAsync(http) is not { } fingerprint)
        {
            return;
        }

        await ReplyAsync(http, await cases.Read(fingerprint, http.RequestAborted));
    }

    private static async Task ChangeAsync(HttpContext http, CasesApi cases)
    {
        if (await ApiExchange.IsRefusedAsync(http) || await FingerprintAsync(http) is not { } fingerprint)
        {
            return;
        }

        if (await ApiExchange.ReadAsync(http, BodyBytesMax) is not { } body)
        {
            await ApiExchange.ErrorAsync(http, StatusCodes.Status413PayloadTooLarge, $"the body has more than {BodyBytesMax} bytes");
            return;
        }

        if (Problem(body, http.Request.Headers.IfMatch.ToString(), out var edit) is { } problem)
        {
            await ApiExchange.ErrorAsync(http, StatusCodes.Status400BadRequest, problem);
            return;
        }

        await ReplyAsync(http, await cases.Change(fingerprint, edit, http.RequestAborted));
    }

    /// <summary>Null when it is none, which has been said.</summary>
    private static async Task<string?> FingerprintAsync(HttpContext http)
    {
        // 32 digits: a case of the first format, which has the name of its trace.
        var fingerprint = ((string)http.Request.RouteValues["fingerprint"]!).ToLowerInvariant();
        if (fingerprint.Length is 16 or 32 && fingerprint.All(char.IsAsciiHexDigit))
        {
            return fingerprint;
        }

        await ApiExchange.ErrorAsync(http, StatusCodes.Status400BadRequest, "a fingerprint is 16 hexadecimal digits");
        return null;
    }

    private static string? Problem(IQueryCollection parameters, out CaseQuery query)
    {
        query = new CaseQuery([], null, null, null, LimitDefault, null);
        if (ApiQuery.Problem(parameters, Parameters, several: "status") is { } problem)
        {
            return problem;
        }

        var statuses = parameters["status"].SelectMany(static value => (value ?? "").Split(',')).ToList();
        if (statuses.Find(static status => !Statuses.Contains(status)) is { } wrong)
        {
            return $"`status` is `{wrong}`: it must be {string.Join(", ", Statuses)}, or several of them";
        }

        var limit = LimitDefault;
        if (Text("limit") is { } text && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > LimitMax))
        {
            return $"`limit` must be a number from 1 to {LimitMax}";
        }

        query = new CaseQuery(statuses, Text("failure"), Text("agent"), Text("service"), limit, Text("cursor"));
        return null;

        string? Text(string name) => parameters.TryGetValue(name, out var values) ? values.ToString() : null;
    }

    private static string? Problem(ReadOnlyMemory<byte> body, string ifMatch, out CaseEdit edit)
    {
        edit = new CaseEdit("", null, null, null);
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (ApiExchange.Problem(body, ["status", "reason", "version"], values) is { } problem)
        {
            return problem;
        }

        var (status, reason, version) = (values.GetValueOrDefault("status"), values.GetValueOrDefault("reason"), values.GetValueOrDefault("version"));
        if (status is null || !Statuses.Contains(status))
        {
            return $"`status` must be {string.Join(", ", Statuses)}";
        }

        if (status == "expected" && string.IsNullOrWhiteSpace(reason))
        {
            return "`expected` needs a `reason`";
        }

        if (reason?.Length > ReasonLengthMax)
        {
            return $"`reason` must be no longer than {ReasonLengthMax} characters";
        }

        if (version is not null && status != "fixed")
        {
            return "`version` goes with `fixed`: it has the fix";
        }

        if (version?.Length is 0 or > VersionLengthMax)
        {
            return $"`version` must have 1 to {VersionLengthMax} characters";
        }

        // `*` is any file, as if nothing were asked for.
        var tag = ifMatch is "" or "*" ? null : ifMatch;
        if (tag is not null && (tag.Length < 2 || tag[0] != '"' || tag[^1] != '"' || tag.AsSpan(1, tag.Length - 2).Contains('"')))
        {
            return "`If-Match` must be one ETag in quotes, as the case was answered with";
        }

        edit = new CaseEdit(status, reason, version, tag?[1..^1]);
        return null;
    }

    private static Task ReplyAsync(HttpContext http, CaseReply reply)
    {
        if (reply.Tag is { } tag)
        {
            http.Response.Headers.ETag = $"\"{tag}\"";
        }

        if (reply.Answer == CaseAnswer.Unavailable)
        {
            http.Response.Headers.RetryAfter = "5";
        }

        return reply.Answer == CaseAnswer.Done
            ? Answers.WriteAsync(http, StatusCodes.Status200OK, reply.Json)
            : ApiExchange.ErrorAsync(http, StatusOf(reply.Answer), reply.Problem);
    }

    private static int StatusOf(CaseAnswer answer) => answer switch
    {
        CaseAnswer.NotFound => StatusCodes.Status404NotFound,
        CaseAnswer.HasNoStatus => StatusCodes.Status409Conflict,
        CaseAnswer.Changed => StatusCodes.Status412PreconditionFailed,
        CaseAnswer.Broken => StatusCodes.Status500InternalServerError,
        _ => StatusCodes.Status503ServiceUnavailable,
    };
}
