using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Cli;

namespace OtlpTap.Tests.Exports;

/// <summary>
/// The export run by promptfoo itself, offline, against a stub agent that sends its spans to promptfoo. It comes from npm:
/// <c>npm ci --omit=optional --prefix tests/clients/promptfoo</c>.
/// </summary>
public sealed class PromptfooTests : IDisposable
{
    // Loading promptfoo takes seconds; a loaded machine ten times as long.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly ExternalProgram _env = ExternalProgram.Require("env", "coreutils");
    private readonly string _folder = Directory.CreateTempSubdirectory("otlptap-promptfoo-").FullName;

    [Fact]
    public async Task Cases_fail_while_the_agent_has_its_bugs_and_pass_when_it_has_not()
    {
        ExternalProgram.Require("node", "nodejs");
        ExternalProgram.RequireDirectory(Path.Combine(Client(), "node_modules"), "npm ci --omit=optional --prefix tests/clients/promptfoo");

        var broken = await RunAsync("broken");
        Assert.Equal(
            ["empty_output/00000000000000a4", "hallucination/00000000000000a2", "tool_error/00000000000000a1", "tool_error/00000000000000a5"],
            broken.Where(result => !result.Passed).Select(result => result.Case));

        var repaired = await RunAsync("fixed");
        Assert.Equal(5, repaired.Count);
        Assert.All(repaired, result => Assert.True(result.Passed, result.Reason));

        // What a user wrote in templates and as a file's name was neither run nor read.
        var hostile = Assert.Single(repaired, result => result.Case == "hallucination/00000000000000a3");
        Assert.Equal("file:///etc/hostname {{ env.HOME | upper }} {{{% set x %}", hostile.Received.Replace("\u2060", "", StringComparison.Ordinal));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<List<(string Case, bool Passed, string Reason, string Received)>> RunAsync(string agent)
    {
        var port = FreePort();
        var config = Path.Combine(_folder, $"{agent}.json");
        var results = Path.Combine(_folder, $"{agent}.results.json");
        await ExportAsync(config, port);
        using var deadline = new CancellationTokenSource(Patience);
        var run = await _env.RunAsync(
            [
                "PROMPTFOO_DISABLE_TELEMETRY=1", "PROMPTFOO_DISABLE_UPDATE=1", "PROMPTFOO_DISABLE_REMOTE_GENERATION=true", $"PROMPTFOO_CONFIG_DIR={_folder}",
                $"AGENT={agent}", $"RECEIVER=http://127.0.0.1:{port}", "http_proxy=http://127.0.0.1:9", "https_proxy=http://127.0.0.1:9", "no_proxy=127.0.0.1",
                "node", Path.Combine(Client(), "node_modules/promptfoo/dist/src/entrypoint.js"), "eval", "--config", config, "--output", results, "--no-cache", "--no-table", "--no-progress-bar",
            ],
            input: null,
            deadline.Token);

        Assert.True(File.Exists(results), run.Output + run.Error);
        using var json = JsonDocument.Parse(await File.ReadAllBytesAsync(results, deadline.Token));
        return
        [
            .. json.RootElement.GetProperty("results").GetProperty("results").EnumerateArray().Select(result => (
                result.GetProperty("testCase").GetProperty("metadata").GetProperty("case").GetString()!,
                result.GetProperty("success").GetBoolean(),
                result.TryGetProperty("error", out var error) ? error.GetString() ?? "" : "",
                result.GetProperty("prompt").GetProperty("raw").GetString()!)).OrderBy(result => result.Item1, StringComparer.Ordinal),
        ];
    }

    /// <summary>As the command writes it; but promptfoo's receiver gets a port of its own, for others test on this machine.</summary>
    private static async Task ExportAsync(string file, int port)
    {
        await using var output = new StringWriter();
        await using var error = new StringWriter();
        var cases = Path.Combine(AppContext.BaseDirectory, "fixtures", "exports", "cases");
        var root = CommandLine.Create((_, _) => Task.FromResult(0), CasesCommand.Create(new FakeTimeProvider()));
        Assert.Equal(0, await CommandLine.InvokeAsync(root, ["cases", "export", cases, "--format", "promptfoo", "--provider", $"file://{Path.Combine(Client(), "agent.mjs")}", "--output", file], output, error));
        var config = JsonNode.Parse(await File.ReadAllBytesAsync(file))!;
        var http = config["tracing"]!["otlp"]!["http"]!;
        http["port"] = port;
        http["host"] = "127.0.0.1";
        await File.WriteAllTextAsync(file, config.ToJsonString());
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static string Client([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "../../clients/promptfoo"));
}
