using System.Net;
using System.Text.Json;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using OtlpTap.Cli;
using OtlpTap.Cli.Replaying;
using OtlpTap.Corpus;
using OtlpTap.Replay;

namespace OtlpTap.Tests.Replay;

public sealed class ReplayCommandTests : IAsyncLifetime
{
    private readonly string _root = Directory.CreateTempSubdirectory("otlptap-replay").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly HttpClient _http = new();
    private readonly List<string> _bodies = [];
    private WebApplication? _agent;
    private string _cases = "";
    private int _runs;

    /// <summary>Whether the tool fails in the run of this number.</summary>
    private Func<int, bool> _fails = static _ => false;

    private int _status = 200;

    public async ValueTask InitializeAsync()
    {
        _cases = Path.Combine(_root, "cases");
        SampleCase.Copy(_cases);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _agent = builder.Build();
        _agent.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync();
            lock (_bodies)
            {
                _bodies.Add(body);
            }

            using var span = SampleCase.Span(context.Request.Headers["traceparent"].ToString(), _fails(Interlocked.Increment(ref _runs)));
            using var sent = await _http.PostAsync(new Uri(_otlp!, "/v1/traces"), span);
            context.Response.StatusCode = _status;
        });
        await _agent.StartAsync(TestContext.Current.CancellationToken);
    }

    private Uri? _otlp;

    public async ValueTask DisposeAsync()
    {
        await _agent!.DisposeAsync();
        _http.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task A_case_that_passes_is_fixed_in_the_version_that_ran()
    {
        Assert.Equal(0, await RunAsync("--update"));
        Assert.Equal("""{"input": "refund 12,50 of order 1042"}""", Assert.Single(_bodies));
        Assert.Contains("1 passed, 0 failed, 0 skipped.", _output.ToString(), StringComparison.Ordinal);
        var life = CaseStore.Read(Path.Combine(_cases, "tool_error", SampleCase.Id), out _)!.Life;
        Assert.Equal((CaseStatus.Fixed, "2.0"), (life.Status, life.FixedIn));

        // What is fixed is no longer run, unless it is asked for; and what fails then is open again.
        Assert.Equal(0, await RunAsync());
        _fails = static _ => true;
        Assert.Equal(1, await RunAsync("--status", "fixed", "--update"));
        Assert.Equal(CaseStatus.Open, CaseStore.Read(Path.Combine(_cases, "tool_error", SampleCase.Id), out _)!.Life.Status);
    }

    [Fact]
    public async Task A_case_whose_failure_shows_fails_and_every_report_says_so()
    {
        _fails = static _ => true;
        string File(string name) => Path.Combine(_root, name);
        Assert.Equal(1, await RunAsync("--update", "--report", "junit", File("j.xml"), "--report", "json", File("r.json"), "--report", "markdown", File("r.md")));

        Assert.Equal("1", XDocument.Load(File("j.xml")).Root!.Attribute("failures")!.Value);
        using var json = JsonDocument.Parse(await System.IO.File.ReadAllTextAsync(File("r.json"), TestContext.Current.CancellationToken));
        Assert.Equal("still_fails", json.RootElement.GetProperty("cases")[0].GetProperty("runs")[0].GetProperty("result").GetString());
        Assert.Contains("| failed | 0/1 | tool_error |", await System.IO.File.ReadAllTextAsync(File("r.md"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(CaseStatus.Open, CaseStore.Read(Path.Combine(_cases, "tool_error", SampleCase.Id), out _)!.Life.Status);
    }

    [Theory]
    [InlineData("0.8", 0)]
    [InlineData("0.81", 1)]
    public async Task The_share_of_runs_that_pass_decides(string rate, int exitCode)
    {
        _fails = static run => run == 3;
        Assert.Equal(exitCode, await RunAsync("--repeat", "5", "--pass-rate", rate, "--parallel", "3"));
        Assert.Contains("4/5", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_answers_with_an_error_does_not_pass()
    {
        _status = 503;
        Assert.Equal(1, await RunAsync());
        Assert.Contains("the agent answered 503", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Input_that_cannot_be_used_is_told_at_once()
    {
        var template = Path.Combine(_root, "body.json");
        await File.WriteAllTextAsync(template, """{"q": 1}""", TestContext.Current.CancellationToken);
        Assert.Equal(2, await InvokeAsync("replay", _cases, "--repeat", "0", "--pass-rate", "2", "--body-template", template, "--otlp-http", "nowhere", "--report", "pdf", "x"));
        foreach (var problem in (string[])["--repeat must be 1 to 1000", "--pass-rate must be", "has no place {{input}}", "--otlp-http nowhere", "--report takes junit", "say either --agent or --command"])
        {
            Assert.Contains(problem, _error.ToString(), StringComparison.Ordinal);
        }

        Assert.Equal(2, await InvokeAsync("replay", Path.Combine(_root, "nothing"), "--command", "true"));
        await File.WriteAllTextAsync(Path.Combine(_cases, "tool_error", SampleCase.Id, "case.json"), "{", TestContext.Current.CancellationToken);
        Assert.Equal(2, await InvokeAsync("replay", _cases, "--command", "true"));
    }

    [Fact]
    public async Task A_case_that_cannot_be_run_again_is_skipped_and_said()
    {
        var file = Path.Combine(_cases, "tool_error", SampleCase.Id, "case.json");
        var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(file, text.Replace("\"not_replayable_because\": []", "\"not_replayable_because\": [\"user_input_not_recorded\"]", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.Equal(0, await InvokeAsync("replay", _cases, "--command", "true"));
        Assert.Contains("user_input_not_recorded", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("0 passed, 0 failed, 1 skipped.", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_that_does_not_end_is_ended_and_one_that_fails_tells_its_last_words()
    {
        Assert.Equal(1, await InvokeAsync("replay", _cases, "--command", "sleep 600", "--timeout", "0.3", "--settle", "0"));
        Assert.Contains("the agent did not answer within 0.3 s", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, await InvokeAsync("replay", _cases, "--command", "cat >&2; exit 3", "--settle", "0"));
        Assert.Contains("exit code 3: refund 12,50 of order 1042", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_takes_the_input_as_a_text_whatever_is_in_it()
    {
        Assert.True(BodyTemplate.TryParse("""{"messages": [{"role": "user", "content": {{input}}}], "id": {{case}}}""", out var template, out _));
        var filled = template!.Fill(ReplayRun.New(SampleCase.Read() with { Input = "say \"{{case}}\"\n" }, null));
        using var json = JsonDocument.Parse(filled);
        Assert.Equal("say \"{{case}}\"\n", json.RootElement.GetProperty("messages")[0].GetProperty("content").GetString());
        Assert.Equal(SampleCase.Id, json.RootElement.GetProperty("id").GetString());
        Assert.False(BodyTemplate.TryParse("""{"input": "{{input}}"}""", out _, out var problem));
        Assert.Contains("no JSON once it is filled", problem, StringComparison.Ordinal);
    }

    private Task<int> RunAsync(params string[] more)
    {
        // The agent is a service and must know beforehand where to send: a port that was free a moment ago.
        using (var socket = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            socket.Start();
            _otlp = new Uri($"http://{socket.LocalEndpoint}");
        }

        return InvokeAsync(["replay", _cases, "--agent", _agent!.Urls.First(), "--otlp-http", _otlp.Authority, "--otlp-grpc", "127.0.0.1:0", "--world", "127.0.0.1:0", "--settle", "0.05", .. more]);
    }

    private Task<int> InvokeAsync(params string[] arguments) =>
        CommandLine.InvokeAsync(CommandLine.Create((_, _) => Task.FromResult(0), ReplayCommand.Create(TimeProvider.System)), arguments, _output, _error);
}
