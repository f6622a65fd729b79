using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>
/// The native binary does what the built program does: whatever the ahead-of-time compiler left out would show here.
/// <c>OTLPTAP_NATIVE</c> names it; where it was not built the tests are skipped, in CI that is a failure.
/// </summary>
public sealed class NativeBinaryTests : IDisposable
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures");

    private readonly TapFiles _files = new();
    private readonly TapProgram _binary = Require();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task It_relays_tags_counts_keeps_cases_and_ends_in_order()
    {
        await using var upstream = await StubUpstream.StartAsync();
        _files.Configure(upstream.Endpoint, settle: "50ms");
        await using var tap = await TapProcess.ListeningAsync(_binary, ["--config", _files.ConfigFile]);
        var healthy = await File.ReadAllBytesAsync(Path.Combine(Fixtures, "dotnet-meai/success.traces.otlp.pb"), TestContext.Current.CancellationToken);
        var failing = await File.ReadAllBytesAsync(Path.Combine(Fixtures, "dotnet-meai/tool-throws.traces.otlp.pb"), TestContext.Current.CancellationToken);

        Assert.Empty(await tap.ExportAsync(healthy));
        Assert.Empty(await tap.ExportAsync(failing));

        Assert.Equal(healthy, upstream.Calls.ElementAt(0).Message);
        var spans = ExportTraceServiceRequest.Parser.ParseFrom(upstream.Calls.ElementAt(1).Message).ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans);
        var tagged = Assert.Single(spans, span => span.Attributes.Any(attribute => attribute.Key == "otlptap.failure"));
        Assert.Equal(("execute_tool get_weather", "tool_error"), (tagged.Name, tagged.Attributes.Single(attribute => attribute.Key == "otlptap.failure").Value.StringValue));
        await Deadline.UntilAsync(() => _files.CaseFiles("case.json").Count == 1, "the case is written");
        Assert.Equal(2, await tap.MetricAsync("otlptap_received_requests_total"));
        Assert.Equal(1, await tap.MetricAsync("otlptap_failing_spans_total"));
        Assert.Equal("ready\n", await tap.GetAsync("/readyz"));
        Assert.Equal(0, (await _binary.RunAsync(["health", "--endpoint", tap.AdminEndpoint])).ExitCode);

        tap.Terminate();
        Assert.Equal(0, await tap.ExitCodeAsync());
        Assert.Equal("", tap.Error);
    }

    [Fact]
    public async Task Inspect_finds_what_the_built_program_finds()
    {
        string[] arguments = ["inspect", .. Directory.GetFiles(Fixtures, "*.traces.otlp.*", SearchOption.AllDirectories).Order(StringComparer.Ordinal), "--output", "json"];

        var native = await _binary.RunAsync(arguments);

        Assert.Equal((0, ""), (native.ExitCode, native.Error));
        Assert.NotEqual("", native.Output);
        Assert.Equal((await TapProgram.Built.RunAsync(arguments)).Output, native.Output);
    }

    [Fact]
    public async Task Validate_reads_a_configuration_and_shows_its_problems()
    {
        _files.Configure();
        Assert.Equal((0, "configuration is valid\n", ""), await _binary.RunAsync(["validate", "--config", _files.ConfigFile]));

        await File.WriteAllTextAsync(_files.ConfigFile, "exporter: {}\n", TestContext.Current.CancellationToken);
        Assert.Equal((1, "", $"{_files.ConfigFile}:1:1: exporter: unknown key; did you mean `exporters`?\n"), await _binary.RunAsync(["validate", "--config", _files.ConfigFile]));
    }

    [Fact]
    public async Task The_demo_runs()
    {
        var (exitCode, output, error) = await _binary.RunAsync(["demo", "--cases", _files.Cases]);

        Assert.Equal((0, ""), (exitCode, error));
        Assert.EndsWith("22 runs, 88 spans upstream, 5 cases.\n", output, StringComparison.Ordinal);
        Assert.Equal(5, _files.CaseFiles("trace.json").Count);
    }

    [Fact]
    public async Task Idle_it_holds_less_than_forty_megabytes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The memory of a process is read from /proc.");
        _files.Configure();

        await using var tap = await TapProcess.ListeningAsync(_binary, ["--config", _files.ConfigFile]);
        await tap.GetAsync("/readyz");

        Assert.InRange(tap.ResidentBytes, 1, 40_000_000);
    }

    [Fact]
    public async Task Version_is_the_built_programs()
    {
        Assert.Equal(await TapProgram.Built.RunAsync(["version"]), await _binary.RunAsync(["version"]));
    }

    private static TapProgram Require()
    {
        var path = Environment.GetEnvironmentVariable("OTLPTAP_NATIVE");
        if (string.IsNullOrEmpty(path))
        {
            const string Reason = "OTLPTAP_NATIVE names no native binary (dotnet publish src/OtlpTap -c Release --use-current-runtime -p:PublishAot=true)";
            Assert.False(string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase), Reason);
            Assert.Skip(Reason);
        }

        Assert.True(File.Exists(path), $"OTLPTAP_NATIVE names {path}, which is not there");
        return new TapProgram(path, []);
    }
}
