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

    /// <summary>What no test can run, and where it runs instead.</summary>
    private static readonly Dictionary<string, string> RunElsewhere = new()
    {
        ["dotnet test"] = "runs this test",
        ["dotnet run -c Release --project src/OtlpTap.Benchmarks -- e2e"] = ".ci/run has a short one",
        ["dotnet publish src/OtlpTap -c Release --use-current-runtime -p:PublishAot=true -o artifacts/native"] = ".ci/run publishes so, and NativeBinaryTests run what comes out",
        ["docker build -t otlptap ."] = "needs a container engine",
        ["docker run -p 4317:4317 -p 127.0.0.1:8888:8888 -e TEMPO_ENDPOINT=tempo:4317 -v ./cases:/var/lib/otlptap/cases otlptap"] = "needs a container engine",
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
    }

    public static TheoryData<string> EndingCommands =>
        [.. Readme.Commands().Where(command => command.StartsWith(Run + " -- ", StringComparison.Ordinal) && !IsTap(command) && !command.EndsWith(" health", StringComparison.Ordinal))];

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
        await File.WriteAllTextAsync(
            _files.ConfigFile,
            "{ receivers: { otlp: { protocols: { grpc: { endpoint: '127.0.0.1:0' } } } }, service: { admin: { endpoint: '127.0.0.1:0' } } }",
            TestContext.Current.CancellationToken);
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

        var variable = Readme.Commands().Single(other => other.StartsWith("export OTEL_EXPORTER_OTLP_ENDPOINT=", StringComparison.Ordinal))["export ".Length..];
        Assert.Contains(variable.Replace("127.0.0.1:4317", tap.GrpcEndpoint, StringComparison.Ordinal) + " ", tap.Output, StringComparison.Ordinal);
        var health = Readme.Commands().Single(other => other.EndsWith(" health", StringComparison.Ordinal));
        Assert.Equal((0, "", ""), await TapProgram.Built.RunAsync([.. ArgumentsOf(health), "--endpoint", tap.AdminEndpoint]));

        tap.Terminate();
        Assert.Equal(0, await tap.ExitCodeAsync());
    }

    [Fact]
    public async Task Every_metric_that_is_named_is_served()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        var served = await tap.GetAsync("/metrics");

        Assert.NotEmpty(Readme.Metrics());
        Assert.All(
            new[] { Readme, Markdown.Read("docs/rules.md"), Markdown.Read("docs/architecture.md") }.SelectMany(page => page.Metrics()),
            metric => Assert.Contains($"# HELP {metric} ", served, StringComparison.Ordinal));
    }

    private static bool IsTap(string command) => command == Run || command.StartsWith(Run + " -- --config ", StringComparison.Ordinal);

    private static string[] ArgumentsOf(string command) => command == Run ? [] : command[(Run + " -- ").Length..].Split(' ');

    /// <summary>All lines that are shown were printed, in this order; ids and ports are another time's.</summary>
    private static void AssertShows(string printed, string shown)
    {
        var at = 0;
        printed = Normal(printed);
        foreach (var line in Normal(shown).Split('\n', StringSplitOptions.RemoveEmptyEntries))
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
