using System.Text.Json;
using System.Text.RegularExpressions;
using OtlpTap.Cli;
using OtlpTap.Rules;
using OtlpTap.Rules.Expressions;
using OtlpTap.Tests.Documentation;

namespace OtlpTap.Tests.Cli;

/// <summary>Conditions on the command line: what comes out, and what is unusable.</summary>
public sealed class TryCommandTests : IDisposable
{
    private static readonly string Reference = Path.Combine(AppContext.BaseDirectory, "Rules", "ottl");

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("otlptap-test-");
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Json_is_one_object_a_line_for_each_condition()
    {
        var payload = Write("run.traces.pb", new TraceBuilder().Span("pay", ("amount", 5)).Span("rest").ToBytes());

        Assert.Equal(0, await TryAsync("--context", "span", "--condition", "span.attributes[\"amount\"] + 1 > 5", "--condition", "span.nme == nil", payload, "--output", "json"));

        Assert.Equal(
            """
            {"condition":"span.attributes[\"amount\"] + 1 > 5","parse_error":null,"results":[true,"error: nil + int64 cannot be calculated"]}
            {"condition":"span.nme == nil","parse_error":"1:6: span has no field nme; did you mean name?","results":[]}

            """,
            _output.ToString());
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public async Task Text_names_the_items_and_counts_those_that_match()
    {
        var payload = Write("run.traces.pb", new TraceBuilder().Span("pay", ("amount", 5)).Span("rest").ToBytes());

        Assert.Equal(0, await TryAsync("--context", "span", "--condition", "span.name == \"pay\"", payload));

        Assert.Equal(
            """
            span.name == "pay"
              true   span 0000000000000001 pay
              false  span 0000000000000002 rest
              1 of 2 match.

            """,
            _output.ToString());
    }

    [Theory]
    [InlineData("span", "input.traces.pb", 16)]
    [InlineData("spanevent", "input.traces.pb", 11)]
    [InlineData("log", "input.logs.pb", 12)]
    public async Task Every_item_of_the_context_has_a_result(string context, string payload, int count)
    {
        Assert.Equal(0, await TryAsync("--context", context, "--condition", "resource.attributes[\"missing\"] == nil", Path.Combine(Reference, payload), "-o", "json"));

        using var line = JsonDocument.Parse(_output.ToString());
        Assert.Equal(count, line.RootElement.GetProperty("results").EnumerateArray().Count(result => result.GetBoolean()));
    }

    [Fact]
    public async Task A_file_holds_one_condition_a_line_as_a_JSON_string()
    {
        var payload = Write("run.traces.json", """{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a\nb"}]}]}]}"""u8.ToArray());
        var conditions = Write("conditions.txt", """
            "span.name == \"a\\nb\""

            "log.body == nil"

            """u8.ToArray());

        Assert.Equal(0, await TryAsync("--context", "span", "--conditions", conditions, payload, "--output", "json"));

        var lines = _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.EndsWith("\"parse_error\":null,\"results\":[true]}", lines[0], StringComparison.Ordinal);
        Assert.Contains("A span condition cannot read log", lines[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("propagate", "[\"error: division by zero\"]", "")]
    [InlineData("ignore", "[false]", "1 / 0 == 1: division by zero\n")]
    [InlineData("silent", "[false]", "")]
    public async Task The_error_mode_says_what_an_error_counts_as(string mode, string results, string errors)
    {
        var payload = Write("run.traces.pb", new TraceBuilder().Span("span").ToBytes());

        Assert.Equal(0, await TryAsync("--context", "span", "--condition", "1 / 0 == 1", payload, "-o", "json", "--error-mode", mode));

        Assert.Contains($"\"results\":{results}", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(errors, _error.ToString());
    }

    [Fact]
    public async Task A_bare_path_is_refused_unless_it_is_asked_for()
    {
        var payload = Write("run.traces.pb", new TraceBuilder().Span("span").ToBytes());

        Assert.Equal(0, await TryAsync("--context", "span", "--condition", "name == \"span\"", payload, "-o", "json"));
        Assert.Equal(0, await TryAsync("--context", "span", "--condition", "name == \"span\"", payload, "-o", "json", "--bare-paths"));

        Assert.Contains("1:1: A path starts with its context: span.name.", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"results\":[true]", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Input_that_cannot_be_read_is_named_and_exits_2()
    {
        var good = Write("run.traces.pb", new TraceBuilder().Span("span").ToBytes());
        var bad = Write("bad.traces.pb", [0x0a, 0x05, 0x01]);
        var numbers = Write("numbers.txt", "1\n"u8.ToArray());

        Assert.Equal(2, await TryAsync("--context", "span", "--condition", "true", bad));
        Assert.Equal(2, await TryAsync("--context", "span", "--condition", "true", Path.Combine(_directory.FullName, "none.pb")));
        Assert.Equal(2, await TryAsync("--context", "span", "--conditions", numbers, good));
        Assert.Equal(2, await TryAsync("--context", "span", "--conditions", numbers + "x", good));

        Assert.Equal("", _output.ToString());
        Assert.Contains("line 1: a condition is a JSON string", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--context", "span")]
    [InlineData("--context", "metric", "--condition", "true")]
    [InlineData("--condition", "true")]
    [InlineData("--context", "span", "--condition", "true", "--conditions", "file")]
    public async Task Arguments_that_make_no_sense_exit_1(params string[] arguments)
    {
        var payload = Write("run.traces.pb", new TraceBuilder().Span("span").ToBytes());

        Assert.Equal(1, await TryAsync([.. arguments, payload]));
        Assert.NotEqual("", _error.ToString());
    }

    [Fact]
    public void What_the_page_on_rules_says_of_the_command_is_so()
    {
        var page = Markdown.Read("docs/rules.md");
        var shown = page.Blocks("console").SelectMany(block => Regex.Matches(block, "--context (?<context>\\S+) --condition '(?<condition>[^']+)'")).ToList();
        Assert.NotEmpty(shown);
        Assert.All(shown, match => Assert.NotNull(OttlCondition.Parse(match.Groups["condition"].Value, RuleContext.Span, allowBarePaths: false, TimeProvider.System, [])));

        var options = TryCommand.Create().Options.Select(option => option.Name).Order().ToList();
        Assert.Equal(options, Regex.Matches(page.Text, "^\\| `(?<option>--[a-z-]+)` \\|", RegexOptions.Multiline).Select(match => match.Groups["option"].Value).Order());
    }

    private string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(_directory.FullName, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private Task<int> TryAsync(params string[] arguments) =>
        CommandLine.InvokeAsync(CommandLine.Create((_, _) => Task.FromResult(0), TryCommand.Create()), ["try", .. arguments], _output, _error);
}
