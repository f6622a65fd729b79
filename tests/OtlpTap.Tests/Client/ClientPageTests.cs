using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using OtlpTap.Advice;
using OtlpTap.Client;
using OtlpTap.Otlp;
using OtlpTap.Tests.Documentation;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Web;

namespace OtlpTap.Tests.Client;

/// <summary>The samples of docs/client.md, run as they stand there.</summary>
public sealed partial class ClientPageTests : IAsyncLifetime
{
    private const string Using = "using OtlpTap.Client;";
    private const string Trace = "0123456789abcdef0123456789abcdef";

    private static readonly Markdown Page = Markdown.Read("docs/client.md");

    private AdviceServer _server = null!;
    private FeedbackStub _feedback = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await AdviceServer.StartAsync();
        _feedback = await FeedbackStub.StartAsync();
        _server.Source.Publish(ScriptedAdvice.Reroute);
    }

    public async ValueTask DisposeAsync()
    {
        await _feedback.DisposeAsync();
        await _server.DisposeAsync();
    }

    /// <summary>The page's code stands here word for word, but for the addresses.</summary>
    [Fact]
    public async Task The_sample_for_dotnet_follows_advice_and_sends_feedback()
    {
        var (admin, otlp, traceId) = (_server.Uri, _feedback.Uri, Trace);
        await using var tap = new TapClient(new TapClientOptions
        {
            AdminEndpoint = admin,
            FeedbackEndpoint = otlp,
            Token = Environment.GetEnvironmentVariable("TAP_TOKEN"), // of service.admin.api; null where it has none
            Service = "shop",
            Agent = "planner",
        });

        async Task<string> SearchAsync(string query)
        {
            if (!tap.Advice.TryGet("reroute", tool: "search", out var advice))
            {
                return await CallToolAsync("search", query);
            }

            using var fallback = Fallback.Begin("reroute", advice.Reason, advice);
            return await CallToolAsync(advice["fallback_tool"] ?? "search", query);
        }

        await tap.ReadyAsync(Deadline.Token());
        Assert.Equal("search_backup: shoes", await SearchAsync("shoes"));
        _server.Source.Publish();
        await Deadline.UntilAsync(async () => await SearchAsync("shoes") == "search: shoes", "the advice is withdrawn");

#pragma warning disable xUnit1051 // as the page has it
        tap.Feedback.ThumbsDown(traceId, "made up the price");
        await tap.SendFeedbackAsync(new UserFeedback { TraceId = traceId, Stars = 2, User = "u-17" });
#pragma warning restore xUnit1051
        await Deadline.UntilAsync(() => _feedback.Taken.Count == 2, "both are taken");

        var here = Words(await File.ReadAllTextAsync(ThisFile(), Deadline.Token()));
        Assert.Equal(2, Page.Blocks("csharp").Count());
        Assert.StartsWith(Using, Page.Blocks("csharp").First(), StringComparison.Ordinal);
        Assert.All(Page.Blocks("csharp"), block => Assert.Contains(Words(block.Replace(Using, "", StringComparison.Ordinal).Replace("new Uri(\"http://127.0.0.1:8888\")", "admin", StringComparison.Ordinal).Replace("new Uri(\"http://127.0.0.1:4318\")", "otlp", StringComparison.Ordinal)), here, StringComparison.Ordinal));

        static Task<string> CallToolAsync(string tool, string query) => Task.FromResult($"{tool}: {query}");
    }

    [Fact]
    public async Task The_answer_that_it_shows_is_the_taps()
    {
        _server.Source.Holdout = 0.1;
        using var response = await _server.GetAsync(Question().Match(Page.Text).Groups["path"].Value);

        Assert.Equal(Known(Page.Blocks("json").Single()), Known(await response.Content.ReadAsStringAsync(Deadline.Token())));

        static string Known(string answer)
        {
            var json = JsonNode.Parse(answer)!;
            json["generated_at"] = "";
            return json.ToJsonString();
        }
    }

    [Fact]
    public async Task The_sample_for_JavaScript_follows_advice_writes_a_fallback_and_sends_feedback()
    {
        var node = ExternalProgram.Require("node", "nodejs");
        var client = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../clients/js"));
        ExternalProgram.RequireDirectory(Path.Combine(client, "node_modules"), "npm ci --prefix tests/clients/js");
        var blocks = Page.Blocks("js").ToList();
        Assert.Equal(2, blocks.Count);
        var sample = Here(blocks[0]) + "const callTool = async tool => tool;\n" + blocks[1] +
            $$"""
            import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
            const spans = new InMemorySpanExporter();
            trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
            while (!advice("reroute", "search")) await new Promise(done => setTimeout(done, 5));
            const result = await search("shoes");
            console.log(JSON.stringify({
              result,
              other: advice("reroute", "pay") ?? null,
              span: [spans.getFinishedSpans()[0].name, spans.getFinishedSpans()[0].attributes],
              heldOut: {{JsonSerializer.Serialize(Traces)}}.map(id => isHeldOut(id, 0.5)),
            }));
            await sendFeedback({ trace_id: "{{Trace}}", thumbs: "down" });
            process.exit(0);
            """;

        // Beside the packages that it imports.
        var file = Path.Combine(client, $"sample-{Guid.NewGuid():N}.mjs");
        try
        {
            await File.WriteAllTextAsync(file, sample, Deadline.Token());
            Check(await node.RunAsync([file], input: null, Deadline.Token()));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task The_sample_for_Python_follows_advice_writes_a_fallback_and_sends_feedback()
    {
        var python = ExternalProgram.Require("python3", "python3");
        var blocks = Page.Blocks("python").ToList();
        Assert.Equal(3, blocks.Count);

        // The standard library alone: of OpenTelemetry as much as the sample calls.
        var sample =
            """
            import sys, types
            spans = []
            class Span:
                def __init__(self, name, attributes): spans.append([name, attributes])
                def __enter__(self): return self
                def __exit__(self, *_): pass
                def get_span_context(self): return types.SimpleNamespace(trace_id=7)
            tracer_of_test = types.SimpleNamespace(start_as_current_span=lambda name, attributes: Span(name, attributes))
            api = types.ModuleType("opentelemetry")
            api.trace = types.SimpleNamespace(get_tracer=lambda name: tracer_of_test, get_current_span=lambda: Span("", {}), format_trace_id=lambda id: format(id, "032x"))
            sys.modules["opentelemetry"] = api

            """ + Here(blocks[0]) + blocks[1] + blocks[2] +
            $$"""

            def call_tool(tool, query): return tool
            while not advice.get("reroute", "search"):
                time.sleep(0.005)
            result = search("shoes")
            span = spans[-1]
            assert current_trace_id() == "0" * 31 + "7"
            print(json.dumps({"result": result, "other": advice.get("reroute", "pay"), "span": span, "heldOut": [is_held_out(id, 0.5) for id in {{JsonSerializer.Serialize(Traces)}}]}))
            assert send_feedback(trace_id="{{Trace}}", thumbs="down") == ["1"]
            """;

        Check(await python.RunAsync(["-"], new MemoryStream(Encoding.UTF8.GetBytes(sample)), Deadline.Token()));
    }

    [Fact]
    public async Task The_samples_for_Python_tell_once_that_the_token_is_wrong_and_what_is_wrong_with_feedback()
    {
        Refuse();
        var sample = Here(Page.Blocks("python").First()) +
            """

            import os, sys
            naps = []
            def nap(seconds):
                naps.append(seconds)
                if len(naps) == 3:
                    try:
                        send_feedback(thumbs="down")
                    except ValueError as problem:
                        print(problem, flush=True)
                    os._exit(0)
            time.sleep = nap
            Advice("shop", "planner", token="wrong")
            threading.Event().wait()
            """;

        var (exitCode, output, error) = await ExternalProgram.Require("python3", "python3").RunAsync(["-"], new MemoryStream(Encoding.UTF8.GetBytes(sample)), Deadline.Token());

        Assert.Equal((0, "HTTP Error 400: Bad Request: {\"error\":\"`stars` must be 1 to 5\"}\n", "WARNING:root:no advice: HTTP Error 401: Unauthorized\n"), (exitCode, output, error));
    }

    [Fact]
    public async Task The_sample_for_JavaScript_tells_once_that_the_token_is_wrong()
    {
        Refuse();
        var node = ExternalProgram.Require("node", "nodejs");
        var sample = Here(Page.Blocks("js").First()).Replace("import { trace } from \"@opentelemetry/api\";", "const trace = { getTracer() {} };", StringComparison.Ordinal) +
            """
            let pauses = 0;
            Math.random = () => ++pauses === 3 ? process.exit(0) : -0.5; // which makes the pause none
            await followAdvice({ service: "shop", agent: "planner", token: "wrong" });
            """;

        var (exitCode, _, error) = await node.RunAsync(["--input-type=module", "-e", sample], input: null, Deadline.Token());

        Assert.Equal((0, "no advice: the tap answered 401: no such token\n"), (exitCode, error));
    }

    [Fact]
    public async Task The_commands_show_the_token_and_call_a_tool()
    {
        string[] asked = [];
        _server.Gate = (http, next) =>
        {
            asked = [.. asked, $"{http.Request.Path} {http.Request.Headers.Authorization}"];
            return next(http);
        };
        var bash = ExternalProgram.Require("bash", "bash");
        ExternalProgram.Require("curl", "curl");
        foreach (var command in Page.Commands())
        {
            var (exitCode, output, error) = await bash.RunAsync(["-c", $"TAP_TOKEN=t-1; {Here(command).Replace("127.0.0.1:8888", _server.Uri.Authority, StringComparison.Ordinal)}"], input: null, Deadline.Token());
            Assert.True(exitCode == 0, error);
            Assert.Contains("search_backup", output, StringComparison.Ordinal);
        }

        Assert.Equal(["/api/v1/advice Bearer t-1", "/mcp Bearer t-1"], asked);
    }

    private void Refuse()
    {
        _server.Gate = (http, _) =>
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return http.Response.WriteAsync("no such token");
        };
        _feedback.Answer = _ => Task.FromResult(StatusCodes.Status400BadRequest);
    }

    private static string[] Traces => [.. Enumerable.Range(1, 40).Select(number => $"{new TraceId(7, (ulong)number)}")];

    private void Check((int ExitCode, string Output, string Error) run)
    {
        Assert.True(run.ExitCode == 0, run.Error);
        using var said = JsonDocument.Parse(run.Output);
        Assert.Equal("search_backup", said.RootElement.GetProperty("result").GetString());
        Assert.Equal(JsonValueKind.Null, said.RootElement.GetProperty("other").ValueKind);
        Assert.Equal(
            """["otlptap.fallback",{"otlptap.fallback":"reroute","otlptap.fallback.reason":"8 of 10 calls failed in the last minute","otlptap.advice.id":"tool-failing:shop/planner/search"}]""",
            JsonSerializer.Serialize(said.RootElement.GetProperty("span")));
        Assert.Equal(
            Traces.Select(id => TraceId.TryParse(id, out var trace) && Holdout.Has(trace, 0.5)),
            said.RootElement.GetProperty("heldOut").EnumerateArray().Select(each => each.GetBoolean()));
        Assert.Equal($$"""{"trace_id":"{{Trace}}","thumbs":"down"}""", JsonSerializer.Serialize(Assert.Single(_feedback.Taken)));
    }

    private string Here(string sample) => sample
        .Replace("http://127.0.0.1:8888", _server.Uri.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal)
        .Replace("http://127.0.0.1:4318", _feedback.Uri.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal);

    private static string Words(string code) => Blanks().Replace(code, " ").Trim();

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"`GET (?<path>/api/v1/advice\?[^`]+)`")]
    private static partial Regex Question();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
