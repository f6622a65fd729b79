using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Cli;
using OtlpTap.Corpus;
using OtlpTap.Tests.Corpus;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Cli;

public sealed class CasesCommandTests : IDisposable
{
    private readonly TapRig _tap = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public CasesCommandTests()
    {
        foreach (var trace in Enumerable.Range(1, 3))
        {
            _tap.Receive(RequestFrom($"service {trace}", Span(trace, 1, failed: true)));
        }

        _tap.Receive(RequestFrom("service 1", Span(10, 1, failed: true)));
        _tap.Settle();
        _tap.Pass(60);
    }

    [Fact]
    public async Task The_list_shows_all_cases_as_a_table_and_as_json()
    {
        Assert.Equal(0, await RunAsync("list"));
        var lines = _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("STATUS  FAILURE     COUNT  LAST SEEN", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.StartsWith("open    tool_error  2      2026-11-01 00:00:05  service 1", StringComparison.Ordinal));

        _output.GetStringBuilder().Clear();
        Assert.Equal(0, await RunAsync("list", "-o", "json"));
        var cases = _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.Clone()).ToList();
        Assert.Equal(3, cases.Count);
        Assert.All(cases, listed => Assert.Equal("open", listed.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task A_case_is_muted_unmuted_expected_fixed_and_reopened()
    {
        var id = IdOf(1);
        foreach (var (arguments, expected) in new (string[], CaseStatus)[]
        {
            (["mute", id, "--reason", "known"], CaseStatus.Muted),
            (["unmute", id], CaseStatus.Open),
            (["expect", id, "--reason", "by design"], CaseStatus.Expected),
            (["fix", id[..8], "--in", "2.1"], CaseStatus.Fixed),
            (["reopen", $"tool_error/{id}"], CaseStatus.Open),
        })
        {
            Assert.Equal(0, await RunAsync(arguments));
            Assert.Equal(expected, TapRig.ReadCase(_tap.CasePath(1))!.Life.Status);
        }

        Assert.Equal(0, await RunAsync("list", "--status", "muted"));
        Assert.EndsWith("no cases\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_meant_to_happen_needs_a_reason()
    {
        Assert.Equal(1, await RunAsync("expect", IdOf(1)));
        Assert.Contains("--reason", _error.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, await RunAsync("expect", IdOf(1), "--reason", " "));
    }

    [Fact]
    public async Task A_wrong_id_changes_nothing_and_is_told()
    {
        Assert.Equal(1, await RunAsync("mute", IdOf(1), "zzz"));
        Assert.Equal($"no case zzz in {_tap.Corpus.Directory}; `otlptap cases list` shows what there is\n", _error.ToString());
        Assert.Equal(CaseStatus.Open, TapRig.ReadCase(_tap.CasePath(1))!.Life.Status);
        Assert.Equal(1, await RunAsync("unmute", IdOf(1)));
        Assert.Contains("is open, not muted", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_file_is_told_with_its_line_and_the_others_are_listed()
    {
        var file = Path.Combine(_tap.CasePath(1), "case.json");
        await File.WriteAllTextAsync(file, "{\n  oops", TestContext.Current.CancellationToken);
        Assert.Equal(2, await RunAsync("list"));
        Assert.StartsWith($"{file}: line 2, byte 3: ", _error.ToString(), StringComparison.Ordinal);
        Assert.Equal(3, _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task A_case_is_shown()
    {
        Assert.Equal(0, await RunAsync("show", IdOf(1)));
        Assert.Contains("what           service 1: tool error in `step 1`: no answer\n", _output.ToString(), StringComparison.Ordinal);
        Assert.Matches(@"\nseen           2 times \(as of \S+Z\), first 2026-11-01T00:00:05.000Z", _output.ToString());
        _output.GetStringBuilder().Clear();
        Assert.Equal(0, await RunAsync("show", IdOf(1), "-o", "json"));
        using var json = JsonDocument.Parse(_output.ToString());
        Assert.Equal("otlptap.case/2", json.RootElement.GetProperty("format").GetString());
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_told()
    {
        var root = CommandLine.Create((_, _) => Task.FromResult(0), CasesCommand.Create(new FakeTimeProvider()));
        Assert.Equal(2, await CommandLine.InvokeAsync(root, ["cases", "list", "-d", Path.Combine(_tap.Folder, "nowhere")], _output, _error));
        Assert.Contains("there is no such folder", _error.ToString(), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _tap.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    private string IdOf(int trace) => Path.GetFileName(_tap.CasePath(trace));

    private Task<int> RunAsync(params string[] arguments) =>
        CommandLine.InvokeAsync(CommandLine.Create((_, _) => Task.FromResult(0), CasesCommand.Create(_tap.Time)), ["cases", .. arguments, "--directory", _tap.Corpus.Directory], _output, _error);
}
