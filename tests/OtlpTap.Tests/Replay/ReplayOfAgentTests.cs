using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using OtlpTap.Cli;
using OtlpTap.Cli.Replaying;
using OtlpTap.Corpus;
using OtlpTap.Runs;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Replay;

/// <summary>
/// The life of a case with a real agent, on the Vercel AI SDK: it fails in production, fails again in a rerun, is fixed, and
/// comes back. Needs <c>npm ci --prefix tests/clients/agent</c>.
/// </summary>
public sealed class ReplayOfAgentTests : IDisposable
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Theory]
    [InlineData("chat", "")]
    [InlineData("chat", "1")]
    [InlineData("responses", "")]
    [InlineData("responses", "1")]
    public async Task A_case_is_open_until_a_rerun_passes_and_regresses_when_production_fails_again(string api, string stream)
    {
        var node = ExternalProgram.Require("node", "nodejs");
        Assert.NotNull(node);
        ExternalProgram.RequireDirectory(Path.Combine(SampleCase.AgentFolder(), "node_modules"), "npm ci --prefix tests/clients/agent");
        await using var tap = await RunningTap.StartAsync();
        await using var model = await StartModelAsync();

        await ProduceAsync(tap, model.Urls.First(), "1.0", hasBug: true);
        var file = Assert.Single(await tap.CaseFilesAsync("case.json", 1));
        Assert.Equal(CaseStatus.Open, StatusOf(file));
        await Deadline.UntilAsync(() => CaseStore.Read(Path.GetDirectoryName(file)!, out _)?.Run is { } run && JsonText.Text(run, "answer") is not null, "the case has the answer");

        Assert.Equal(1, await ReplayAsync(tap.Directory, api, stream, "AGENT_BUG=1", "1.0", "--update"));
        Assert.Contains("not an amount: 12,50", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(CaseStatus.Open, StatusOf(file));

        // Another result of the tool makes another request, for which nothing is recorded: that is said, or left out of account.
        Assert.Equal(1, await ReplayAsync(tap.Directory, api, stream, "AGENT_BUG=", "1.1"));
        Assert.Contains("no recorded answer for this request", _output.ToString(), StringComparison.Ordinal);
        var code = await ReplayAsync(tap.Directory, api, stream, "AGENT_BUG=", "1.1", "--ignore-tool-results", "--update");
        Assert.True(code == 0, _output.ToString());
        Assert.Equal((CaseStatus.Fixed, "1.1"), (StatusOf(file), CaseStore.Read(Path.GetDirectoryName(file)!, out _)!.Life.FixedIn));

        await ProduceAsync(tap, model.Urls.First(), "1.2", hasBug: true);
        await Deadline.UntilAsync(() => StatusOf(file) == CaseStatus.Regressed, "the case has regressed");
    }

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    private static CaseStatus? StatusOf(string file) => CaseStore.Read(Path.GetDirectoryName(file)!, out _)?.Life.Status;

    private Task<int> ReplayAsync(string cases, string api, string stream, string bug, string version, params string[] more)
    {
        var command = $"{bug} AGENT_API={api} AGENT_STREAM={stream} OTEL_SERVICE_NAME=shop OTEL_RESOURCE_ATTRIBUTES=\"$OTEL_RESOURCE_ATTRIBUTES,service.version={version}\" node '{Path.Combine(SampleCase.AgentFolder(), "agent.mjs")}'";
        return CommandLine.InvokeAsync(
            CommandLine.Create((_, _) => Task.FromResult(0), ReplayCommand.Create(TimeProvider.System)),
            ["replay", cases, "--command", command, "--stub-model", "--spans-within", "60", .. more],
            _output,
            _error);
    }

    /// <summary>The agent in production: it sends to the tap, and asks a model that knows nothing of cases.</summary>
    private static async Task ProduceAsync(RunningTap tap, string model, string version, bool hasBug)
    {
        var start = new ProcessStartInfo("node", [Path.Combine(SampleCase.AgentFolder(), "agent.mjs")]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["AGENT_API"] = "chat";
        start.Environment["AGENT_BUG"] = hasBug ? "1" : "";
        start.Environment["OPENAI_BASE_URL"] = $"{model}/v1";
        start.Environment["OPENAI_API_KEY"] = "none";
        start.Environment["OTEL_SERVICE_NAME"] = "shop";
        start.Environment["OTEL_RESOURCE_ATTRIBUTES"] = $"service.version={version}";
        start.Environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://{tap.Host.HttpEndpoint}";
        using var agent = Process.Start(start)!;
        try
        {
            await agent.StandardInput.WriteAsync("refund 12,50 of order 1042");
            agent.StandardInput.Close();

            // A whole JavaScript SDK is loaded first: on a busy machine that alone takes a while.
            using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(5));
            var answer = await agent.StandardOutput.ReadToEndAsync(deadline.Token);
            await agent.WaitForExitAsync(deadline.Token);
            Assert.Equal("Your request was handled.", answer);
        }
        finally
        {
            if (!agent.HasExited)
            {
                agent.Kill();
            }
        }
    }

    private static async Task<WebApplication> StartModelAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var model = builder.Build();
        model.Run(async context =>
        {
            using var request = await JsonDocument.ParseAsync(context.Request.Body);
            var isAnswered = request.RootElement.GetProperty("messages").EnumerateArray().Last().GetProperty("role").GetString() == "tool";
            var (message, reason) = isAnswered
                ? ("""{"role":"assistant","content":"Your request was handled."}""", "stop")
                : ("""{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"refund","arguments":"{\"order\":\"1042\",\"amount\":\"12,50\"}"}}]}""", "tool_calls");
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync($$"""{"id":"x","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{{message}},"finish_reason":"{{reason}}"}],"usage":{"prompt_tokens":5,"completion_tokens":5,"total_tokens":10} }""");
        });
        await model.StartAsync(TestContext.Current.CancellationToken);
        return model;
    }
}
