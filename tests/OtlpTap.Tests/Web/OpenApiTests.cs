using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Web;

/// <summary>The document that describes the admin port is valid, and says what is there and nothing else.</summary>
public sealed class OpenApiTests
{
    /// <summary>On another port.</summary>
    private const string Feedback = "POST /v1/feedback";

    [Fact]
    public async Task All_that_the_admin_port_answers_is_described_and_all_that_is_described_is_there()
    {
        await using var tap = await RunningTap.StartAsync();
        using var document = JsonDocument.Parse(await tap.GetAsync("/api/v1/openapi.json"));

        var described = document.RootElement.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Where(member => member.Name is not ("servers" or "parameters")).Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}"));
        var answered = tap.Host.AdminRoutes.SelectMany(route => route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Select(method => $"{method} {route.RoutePattern.RawText}"));

        Assert.Equal(answered.Append(Feedback).Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task It_is_valid_OpenAPI()
    {
        var node = ExternalProgram.Require("node", "nodejs");
        var client = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../clients/js"));
        ExternalProgram.RequireDirectory(Path.Combine(client, "node_modules"), "npm ci --prefix tests/clients/js");
        await using var tap = await RunningTap.StartAsync();

        var run = await node.RunAsync([Path.Combine(client, "openapi.mjs"), $"http://{tap.Host.AdminEndpoint}/api/v1/openapi.json"], input: null, Deadline.Token());

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("OpenAPI 3.1.0\n", run.Output);
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
