using System.Reflection;
using OtlpTap.Advice;
using OtlpTap.Health;
using OtlpTap.Metrics;

namespace OtlpTap.Web;

/// <summary>The API's parts, each mapped for itself. All that the admin port answers is described in openapi.json.</summary>
internal static class ApiEndpoints
{
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    private static readonly Lazy<byte[]> OpenApi = new(ReadOpenApi);

    /// <summary><c>GET /api/v1/advice</c> and <c>GET /api/v1/advice/stream</c>.</summary>
    /// <param name="stopping">The tap goes down: streams end.</param>
    public static void MapAdvice(this IEndpointRouteBuilder endpoints, IAdviceSource source, ApiMetrics metrics, TimeProvider time, CancellationToken stopping) =>
        new AdviceEndpoints(source, new AdviceStreams(source, metrics, time, stopping), time).Map(endpoints);

    /// <summary><c>POST /mcp</c>.</summary>
    /// <param name="version">Of the tap.</param>
    public static void MapMcp(this IEndpointRouteBuilder endpoints, IAdviceSource source, IHealthReport health, string version, TimeProvider time) =>
        new McpEndpoint(new McpTools(source, health, time), version).Map(endpoints);

    /// <summary><c>GET /api/v1/openapi.json</c>.</summary>
    public static void MapOpenApi(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapMethods("/api/v1/openapi.json", Methods, static http => Answers.WriteAsync(http, StatusCodes.Status200OK, OpenApi.Value));

    private static byte[] ReadOpenApi()
    {
        using var resource = Assembly.GetExecutingAssembly().GetManifestResourceStream("openapi.json")!;
        var document = new byte[resource.Length];
        resource.ReadExactly(document);
        return document;
    }
}
