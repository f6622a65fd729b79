using System.CommandLine;
using OtlpTap.Cli;
using OtlpTap.Tests.Configuration;

namespace OtlpTap.Tests.Cli;

public sealed class CommandLineTests : IDisposable
{
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly List<IReadOnlyList<string>> _runs = [];

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task Without_a_command_the_tap_runs_with_the_built_in_default()
    {
        Assert.Equal(7, await InvokeAsync());
        Assert.Equal([], Assert.Single(_runs));
    }

    [Fact]
    public async Task Configuration_files_are_handed_over_in_the_order_given()
    {
        Assert.Equal(7, await InvokeAsync("--config", "b.yaml", "-c", "a.yaml", "--config=c.yaml"));
        Assert.Equal(["b.yaml", "a.yaml", "c.yaml"], Assert.Single(_runs));
    }

    [Fact]
    public async Task Validate_says_so_when_a_configuration_is_valid()
    {
        using var file = new TemporaryFile("exporters: { otlp: { endpoint: tempo:4317 } }\n");

        Assert.Equal(0, await InvokeAsync("validate", "--config", file.Path));
        Assert.Equal(("configuration is valid\n", ""), (_output.ToString(), _error.ToString()));
        Assert.Empty(_runs);
    }

    [Fact]
    public async Task Validate_names_all_problems_on_standard_error_and_exits_1()
    {
        using var first = new TemporaryFile("exporter: {}\nservice: { admin: { endpoint: nowhere } }\n");
        using var second = new TemporaryFile("processors: { tap: { corpus: { settle: soon } } }\n");

        Assert.Equal(1, await InvokeAsync("validate", "--config", first.Path, "--config", second.Path));
        Assert.Equal("", _output.ToString());
        Assert.Equal(
            [
                $"{first.Path}:1:1: exporter: unknown key; did you mean `exporters`?",
                $"{first.Path}:2:31: service.admin.endpoint: `nowhere` has no port: an endpoint is `host:port`",
                $"{second.Path}:1:40: processors.tap.corpus.settle: a duration such as `5s`, `100ms` or `1h30m` is expected here, not `soon`",
            ],
            _error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Validate_shows_warnings_and_is_content()
    {
        using var file = new TemporaryFile("exporters: { otlp: { endpoint: tempo:4317 } }\nservice: { pipelines: { traces: { receivers: [otlp], processors: [tap] } } }\n");

        Assert.Equal(0, await InvokeAsync("validate", "--config", file.Path));
        Assert.Equal($"{file.Path}:1:14: warning: exporters.otlp: no pipeline uses this exporter\n", _error.ToString());
    }

    [Theory]
    [InlineData("validate")]
    [InlineData("--config")]
    [InlineData("--confog", "a.yaml")]
    [InlineData("valdate")]
    public async Task Arguments_that_cannot_be_understood_are_told_on_standard_error(params string[] arguments)
    {
        Assert.Equal(1, await InvokeAsync(arguments));
        var lines = _error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(lines.Length, 2, 3);
        Assert.EndsWith(" --help` shows what there is.", lines[^1], StringComparison.Ordinal);
        Assert.Equal("", _output.ToString());
        Assert.Empty(_runs);
    }

    [Fact]
    public async Task Where_to_find_help_is_said_with_the_whole_name_of_a_command()
    {
        var root = CommandLine.Create((_, _) => Task.FromResult(0), CasesCommand.Create(TimeProvider.System));

        Assert.Equal(1, await CommandLine.InvokeAsync(root, ["cases", "show"], _output, _error));

        Assert.EndsWith("\n`otlptap cases show --help` shows what there is.\n", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_is_one_line()
    {
        Assert.Equal(0, await InvokeAsync("version"));
        Assert.Equal($"otlptap {VersionCommand.Version}\n", _output.ToString());
        Assert.Matches(@"^\d+\.\d+\.\d+", VersionCommand.Version);
    }

    [Fact]
    public async Task Help_names_every_command_and_the_variable_that_an_agent_needs()
    {
        Assert.Equal(0, await InvokeAsync("--help"));
        Assert.All(["validate", "version", "extra", "--config", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", "http://127.0.0.1:4317 where their SDK speaks gRPC"], word => Assert.Contains(word, _output.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_command_of_another_room_is_added_and_run()
    {
        Assert.Equal(3, await InvokeAsync("extra"));
        Assert.Empty(_runs);
    }

    [Fact]
    public async Task A_mistake_of_ours_reaches_the_top()
    {
        var root = CommandLine.Create((_, _) => throw new InvalidOperationException("ours"));

        await Assert.ThrowsAsync<InvalidOperationException>(() => CommandLine.InvokeAsync(root, [], _output, _error));
    }

    private Task<int> InvokeAsync(params string[] arguments)
    {
        var extra = new Command("extra", "A command of another room.");
        extra.SetAction(_ => 3);
        var root = CommandLine.Create(
            (files, _) =>
            {
                _runs.Add(files);
                return Task.FromResult(7);
            },
            extra);
        return CommandLine.InvokeAsync(root, arguments, _output, _error);
    }
}
