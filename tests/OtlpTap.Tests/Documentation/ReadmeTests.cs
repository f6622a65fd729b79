using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Documentation;

/// <summary>
/// The README's commands, run as they stand there, and their output, compared with what it shows. In place of
/// <c>dotnet run --project src/OtlpTap</c>, which would build, stands the program built beside the tests.
/// </summary>
public sealed partial class ReadmeTests : IDisposable
{
    private const string Run = "dotnet run -c Release --project src/OtlpTap";
    private const string Curl = "curl 127.0.0.1:8888";
    private const string CurlReceiver = "curl 127.0.0.1:4318";
    private const string FreePorts = "{ receivers: { otlp: { protocols: { grpc: { endpoint: '127.0.0.1:0' }, http: { endpoint: '127.0.0.1:0' } } } }, service: { admin: { endpoint: '127.0.0.1:0' } } }";
    private const string Variable = "export OTEL_EXPORTER_OTLP_ENDPOINT=";

    /// <summary>What no test can run, and where it runs instead.</summary>
    private static readonly Dictionary<string, string> RunElsewhere = new()
    {
        ["dotnet test"] = "runs this test",
        ["dotnet run -c Release --project src/OtlpTap.Benchmarks -- e2e"] = ".ci/run has a short one",
        ["dotnet publish src/OtlpTap -c Release --use-current-runtime -p:PublishAot=true -o artifacts/native"] = ".ci/run publishes so, and NativeBinaryTests run what comes out",
        ["docker compose -f config/compose.yaml up --build"] = "needs a container engine; ComposeTests look at the file",
        ["docker build -t otlptap ."] = "needs a container engine",
        ["docker run -p 4317:4317 -p 4318:4318 -p 127.0.0.1:8888:8888 -e TEMPO_ENDPOINT=tempo:4317 -v otlptap:/var/lib/otlptap otlptap"] = "needs a container engine",
    };

    private static readonly Markdown Readme = Markdown.Read("README.md");

    private readonly TapFiles _files = new();

    public ReadmeTests()
    {
        // Commands name files from the root of the repository, and write there; here they write into a directory of their own.
        foreach (var folder in (string[])["config", "tests"])
        {
            Directory.CreateSymbolicLink(Path.Combine(_files.Directory, folder), Markdown.InRepository(folder));
        }

        // As a tap leaves it that has run, which stands above the commands on cases.
        Directory.CreateDirectory(Path.Combine(_files.Directory, "otlptap-data/cases"));
    }

    public static TheoryData<string> EndingCommands =>
        [.. Readme.Commands().Where(command => command.StartsWith(Run + " -- ", StringComparison.Ordinal) && !IsTap(command) && !IsForATap(command))];

    public static TheoryData<string> TapCommands => [.. Readme.Commands().Where(IsTap)];

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Every_command_is_run_by_a_test_here_or_listed_with_the_reason()
    {
        var commands = Readme.Commands().ToList();
        Assert.All(commands, command => Assert.True(
            RunElsewhere.ContainsKey(command)
            || command == Run
            || command.StartsWith(Run + " -- ", StringComparison.Ordinal)
            || command.StartsWith(Curl, StringComparison.Ordinal)
            || command.StartsWith(CurlReceiver, StringComparison.Ordinal)
            || command.StartsWith("export OTEL_", StringComparison.Ordinal),
            $"no test runs `{command}`"));
        Assert.All(RunElsewhere.Keys, command => Assert.Contains(command, commands));
        Assert.Equal(2, commands.Count(IsTap));
    }

    [Theory]
    [MemberData(nameof(EndingCommands))]
    public async Task A_command_that_ends_exits_0(string command)
    {
        var (exitCode, output, error) = await TapProgram.Built.RunAsync(ArgumentsOf(command), _files.Directory);

        Assert.True(exitCode == 0 && error.Length == 0, $"{command}: exit {exitCode}\n{output}\n{error}");
        Assert.NotEqual("", output);
    }

    [Fact]
    public async Task The_demo_prints_what_the_readme_shows()
    {
        var (_, output, _) = await TapProgram.Built.RunAsync(["demo"], _files.Directory);

        AssertShows(output, Readme.Blocks("text").First());
    }

    [Theory]
    [MemberData(nameof(TapCommands))]
    public async Task The_tap_starts_serves_its_metrics_is_healthy_and_stops(string command)
    {
        // The last configuration wins: free ports in place of the default's, which another tap may have.
        await File.WriteAllTextAsync(_files.ConfigFile, FreePorts, TestContext.Current.CancellationToken);
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, [.. ArgumentsOf(command), "--config", _files.ConfigFile], _files.Directory, ("TEMPO_ENDPOINT", upstream.Endpoint));
        var message = new TraceBuilder().Span("execute_tool pay", ("gen_ai.operation.name", "execute_tool")).Failed().ToBytes();

        Assert.Empty(await tap.ExportAsync(message));

        if (command == Run)
        {
            AssertShows(tap.Output, Readme.Blocks("text").ElementAt(1));
            Assert.Empty(upstream.Calls);
        }
        else
        {
            Assert.Single(upstream.Calls);
        }

        foreach (var page in Readme.Commands().Where(other => other.StartsWith(Curl, StringComparison.Ordinal)))
        {
            Assert.NotEqual("", await tap.GetAsync(page[Curl.Length..]));
        }

        var urls = Readme.Commands().Where(other => other.StartsWith(Variable, StringComparison.Ordinal)).Select(other => other[Variable.Length..]).ToList();
        Assert.Equal(["http://127.0.0.1:4318", "http://127.0.0.1:4317"], urls);
        Assert.Contains($"agents need OTEL_EXPORTER_OTLP_ENDPOINT=http://{tap.HttpEndpoint} with OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or http://{tap.GrpcEndpoint} with grpc\n", tap.Output, StringComparison.Ordinal);
        var answers = await PostAsync(tap, Posts());
        Assert.Equal(2, answers.Count);
        Assert.Equal("{}", answers[0]);
        Assert.Matches("""^\{"ids":\["fb_[0-9a-f]{32}"\],"feedback":\[\{"id":"fb_[0-9a-f]{32}","status":"accepted"\}\]\}$""", answers[1]);

        foreach (var other in Readme.Commands().Where(IsForATap))
        {
            var (exitCode, _, error) = await TapProgram.Built.RunAsync([.. ArgumentsOf(other), "--endpoint", tap.AdminEndpoint]);
            Assert.Equal((0, ""), (exitCode, error));
        }

        tap.Terminate();
        Assert.Equal(0, await tap.ExitCodeAsync());
    }

    [Fact]
    public async Task The_span_sent_five_times_brings_the_advice_that_is_shown()
    {
        var fallbacks = Path.Combine(_files.Directory, "fallbacks.yaml");
        await File.WriteAllTextAsync(fallbacks, Readme.Blocks("yaml").Single(block => block.Contains("fallbacks", StringComparison.Ordinal)), Deadline.Token());
        await File.WriteAllTextAsync(_files.ConfigFile, FreePorts, Deadline.Token());
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", fallbacks, "--config", _files.ConfigFile], _files.Directory);
        Assert.Equal(["{}", "{}", "{}", "{}", "{}"], await PostAsync(tap, Enumerable.Repeat(Posts()[0], 5)));

        var given = "";
        await Deadline.UntilAsync(async () => (given = await tap.GetAsync("/api/v1/advice")).Contains("reroute", StringComparison.Ordinal), "there is advice");

        var item = JsonNode.Parse(given)!["advice"]![0]!.AsObject();
        item.Remove("since");
        Assert.Equal(JsonNode.Parse(Assert.Single(Readme.Blocks("json")))!.ToJsonString(), item.ToJsonString());
    }

    [Fact]
    public async Task Every_metric_that_is_named_is_served()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, exporter: $", on_upstream_failure: spool, spool: {{ directory: '{_files.Directory}' }}");
        var served = await tap.GetAsync("/metrics");

        Assert.NotEmpty(Readme.Metrics());
        Assert.All(
            new[] { "docs/rules.md", "docs/detectors.md", "docs/evaluations.md", "docs/feedback.md", "docs/architecture.md", "docs/operations.md", "docs/from-the-collector.md" }.Select(Markdown.Read).Append(Readme).SelectMany(page => page.Metrics()),
            metric => Assert.Contains($"# HELP {metric} ", served, StringComparison.Ordinal));
    }

    /// <summary>The SDK for web projects would start it in the project's folder.</summary>
    [Fact]
    public async Task Files_are_named_from_where_dotnet_run_is_called()
    {
        using var dotnet = Process.Start(new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["msbuild", Markdown.InRepository("src/OtlpTap/OtlpTap.csproj"), "-nologo", "-getProperty:OutputType", "-getProperty:RunWorkingDirectory"]) { RedirectStandardOutput = true })!;
        using var properties = JsonDocument.Parse(await dotnet.StandardOutput.ReadToEndAsync(Deadline.Token()));

        Assert.Equal("Exe", properties.RootElement.GetProperty("Properties").GetProperty("OutputType").GetString());
        Assert.Equal("", properties.RootElement.GetProperty("Properties").GetProperty("RunWorkingDirectory").GetString());
    }

    private static List<string> Posts() => [.. Readme.Commands().Where(command => command.StartsWith(CurlReceiver, StringComparison.Ordinal))];

    /// <summary>What the README sends with curl, which makes its words of a command line as the shell does: they have no quotes inside.</summary>
    private static async Task<List<string>> PostAsync(TapProcess tap, IEnumerable<string> posts)
    {
        using var http = new HttpClient();
        var answers = new List<string>();
        foreach (var command in posts)
        {
            var words = command.Split('\'');
            Assert.Equal(["Content-Type: application/json", " -d ", ""], [words[1], words[2], words[4]]);
            using var body = new StringContent(words[3], Encoding.UTF8, "application/json");
            using var answer = await http.PostAsync(new Uri($"http://{tap.HttpEndpoint}{words[0].Split(' ')[1]["127.0.0.1:4318".Length..]}"), body, TestContext.Current.CancellationToken);
            answers.Add(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        return answers;
    }

    /// <summary>Commands that ask a tap that runs.</summary>
    private static bool IsForATap(string command) => command.EndsWith(" health", StringComparison.Ordinal) || command.EndsWith(" reload", StringComparison.Ordinal) || command.Contains(" -- advice ", StringComparison.Ordinal);

    private static bool IsTap(string command) => command == Run || command.StartsWith(Run + " -- --config ", StringComparison.Ordinal);

    private static string[] ArgumentsOf(string command) => command == Run ? [] : command[(Run + " -- ").Length..].Split(' ');

    /// <summary>All lines that are shown were printed, in this order; ids and ports are another time's.</summary>
    private static void AssertShows(string printed, string shown)
    {
        var at = 0;
        printed = Normal(printed);
        foreach (var line in Normal(shown).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.Trim() != "..."))
        {
            var found = printed.IndexOf(line + "\n", at, StringComparison.Ordinal);
            Assert.True(found >= 0, $"the README shows `{line}`, which was not printed in this place:\n{printed}");
            at = found + line.Length;
        }

        static string Normal(string text) => Id().Replace(Port().Replace(text, "127.0.0.1:port"), "id");
    }

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex Id();

    [GeneratedRegex(@"127\.0\.0\.1:\d+")]
    private static partial Regex Port();
}
