using System.Buffers;
using System.Text.Json;
using OtlpTap.Advice.Effect;

namespace OtlpTap.Web;

/// <param name="policy">Only this one; null: all.</param>
/// <param name="service">Only this one's; null: all.</param>
internal delegate EffectReport ReadEffect(string? policy, string? service);

/// <summary><c>GET /api/v1/advice/report</c> of the admin port: whether advice helped.</summary>
internal static class AdviceReportEndpoint
{
    private const string JsonType = "application/json";
    private const int NameLengthMax = 512;

    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];
    private static readonly string[] Parameters = ["policy", "service"];

    public static void MapAdviceReport(this IEndpointRouteBuilder endpoints, ReadEffect read) =>
        endpoints.MapMethods("/api/v1/advice/report", Methods, http => AnswerAsync(http, read));

    private static Task AnswerAsync(HttpContext http, ReadEffect read)
    {
        if (Problem(http.Request.Query) is { } problem)
        {
            return WriteAsync(http, StatusCodes.Status400BadRequest, json => WriteError(json, problem));
        }

        var report = read(Asked(http, "policy"), Asked(http, "service"));
        http.Response.Headers.CacheControl = "no-store";
        return WriteAsync(http, StatusCodes.Status200OK, json => EffectJson.Write(json, report));
    }

    private static string? Asked(HttpContext http, string name) => http.Request.Query[name] is [{ Length: > 0 } value] ? value : null;

    private static string? Problem(IQueryCollection query)
    {
        foreach (var (name, values) in query)
        {
            if (!Parameters.Contains(name))
            {
                return $"`{name}` is not known: there are `policy` and `service`";
            }

            if (values.Count != 1 || values[0]!.Length > NameLengthMax)
            {
                return $"`{name}` is expected once, with up to {NameLengthMax} characters";
            }
        }

        return null;
    }

    private static void WriteError(Utf8JsonWriter json, string error)
    {
        json.WriteStartObject();
        json.WriteString("error", error);
        json.WriteEndObject();
    }

    private static async Task WriteAsync(HttpContext http, int status, Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            write(json);
        }

        http.Response.StatusCode = status;
        http.Response.ContentType = JsonType;
        http.Response.ContentLength = body.WrittenCount;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(body.WrittenMemory, http.RequestAborted);
        }
    }
}
