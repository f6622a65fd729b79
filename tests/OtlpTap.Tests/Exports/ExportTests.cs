using System.Text.Json;
using System.Xml.Linq;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Cli;
using OtlpTap.Exports;

namespace OtlpTap.Tests.Exports;

public sealed class ExportTests : IDisposable
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures", "exports");

    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public static TheoryData<string> Formats() => [.. CaseFormats.All.Select(format => format.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task An_export_is_what_it_was(string format)
    {
        Assert.Equal(0, await ExportAsync("--format", format));
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(Fixtures, "golden", format), TestContext.Current.CancellationToken), _output.ToString());
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Cases_that_cannot_be_run_again_are_left_out_of_what_is_for_reruns_and_told(string format)
    {
        Assert.Equal(0, await ExportAsync("--format", format));
        var isForReruns = format is not ("jsonl" or "junit");
        Assert.Equal(isForReruns ? "1 cases left out that cannot be run again: 1 user_input_not_recorded\n" : "", _error.ToString());
        Assert.Equal(!isForReruns, _output.ToString().Contains("00000000000000a6", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Only_what_is_asked_for_is_exported()
    {
        Assert.Equal(0, await ExportAsync("--format", "jsonl", "--status", "open", "--failure", "tool_error"));
        var only = Assert.Single(_output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal("00000000000000a1", JsonDocument.Parse(only).RootElement.GetProperty("fingerprint").GetString());
    }

    [Fact]
    public async Task A_file_is_written_as_standard_output_would_be()
    {
        var file = Path.Combine(Path.GetTempPath(), $"otlptap-{Guid.NewGuid():n}.xml");
        try
        {
            Assert.Equal(0, await ExportAsync("--format", "junit", "--output", file));
            Assert.Equal("", _output.ToString());
            Assert.Equal(6, XDocument.Load(file).Descendants("testcase").Count());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_told()
    {
        Assert.Equal(2, await ExportAsync("--format", "junit", "--output", Path.Combine(Fixtures, "nowhere", "file")));
        Assert.Contains("nowhere", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_format_is_refused_with_the_known_ones()
    {
        Assert.NotEqual(0, await ExportAsync("--format", "csv"));
        Assert.Contains("promptfoo", _error.ToString(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    private Task<int> ExportAsync(params string[] arguments) =>
        CommandLine.InvokeAsync(CommandLine.Create((_, _) => Task.FromResult(0), CasesCommand.Create(new FakeTimeProvider())), ["cases", "export", Path.Combine(Fixtures, "cases"), .. arguments], _output, _error);
}
