using System.CommandLine;
using System.Text.Json;
using System.Text.RegularExpressions;
using OtlpTap.Cli;
using OtlpTap.Configuration;
using OtlpTap.Rules;
using OtlpTap.Rules.Packs;
using OtlpTap.Tests.Configuration;

namespace OtlpTap.Tests.Documentation;

/// <summary>What the pages say can be used as it stands: links lead somewhere, configurations are valid, conditions compile.</summary>
public sealed partial class PagesTests
{
    public static TheoryData<string> Pages =>
    [
        "README.md",
        "CHANGELOG.md",
        "src/OtlpTap.Benchmarks/README.md",
        "src/OtlpTap.Benchmarks/results/README.md",
        .. Directory.GetFiles(Markdown.InRepository("docs"), "*.md", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Markdown.InRepository("."), file)),
    ];

    public static TheoryData<string, string> Snippets =>
    [
        .. from page in new[] { "README.md", "docs/rules.md" }
           from snippet in Markdown.Read(page).Blocks("yaml")
           select (page, snippet),
    ];

    public static TheoryData<string> Conditions =>
    [
        .. Markdown.Read("docs/rules.md").Blocks("ottl"),
        .. PathInTable().Matches(Markdown.Read("docs/rules.md").Text).Select(path => $"{path.Groups["path"].Value} != nil").Distinct(),
    ];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Links_and_files_that_a_page_names_are_there(string page)
    {
        var markdown = Markdown.Read(page);
        var folder = Path.GetDirectoryName(Markdown.InRepository(page))!;
        Assert.All(
            markdown.Links().Where(link => !link.StartsWith("https://", StringComparison.Ordinal)).Select(link => Path.Combine(folder, link))
                .Concat(markdown.Paths().Select(path => Markdown.InRepository(path))),
            path => Assert.True(Path.Exists(path), $"{page} names {path}, which is not there"));
    }

    [Theory]
    [MemberData(nameof(Snippets))]
    public void A_snippet_of_yaml_is_valid_as_it_stands(string page, string snippet)
    {
        if (snippet.StartsWith("pack:", StringComparison.Ordinal))
        {
            var problems = new List<RuleProblem>();
            var pack = RulePackReader.Read(page, new StringReader(snippet), problems);
            Assert.Empty(problems);
            Assert.NotNull(CompiledRules.Compile(pack!.Rules, problems));
        }
        else
        {
            var loaded = new ConfigurationLoader(environment: _ => null).LoadText([(page, snippet)]);
            Assert.Empty(loaded.Problems);
        }
    }

    [Theory]
    [MemberData(nameof(Conditions))]
    public void A_condition_compiles(string condition)
    {
        var problems = new List<RuleProblem>();
        CompiledRules.Compile([new Rule("page", "page", RuleContext.SpanEvent, condition)], problems);
        Assert.Empty(problems);
    }

    [Fact]
    public async Task The_rule_of_the_readme_finds_what_it_is_for_and_its_query_names_it()
    {
        var readme = Markdown.Read("README.md");
        using var config = new TemporaryFile(readme.Blocks("yaml").Single());
        using var high = new TemporaryFile(Refund(50_001));
        using var low = new TemporaryFile(Refund(50_000));
        using var output = new StringWriter();
        using var error = new StringWriter();

        Assert.Equal(0, await CommandLine.InvokeAsync(
            new RootCommand { InspectCommand.Create() },
            ["inspect", "--config", config.Path, "--signal", "traces", "--output", "json", high.Path, low.Path],
            output,
            error));

        using var verdict = JsonDocument.Parse(output.ToString());
        Assert.Equal("planning_error", verdict.RootElement.GetProperty("failure").GetString());
        var rule = verdict.RootElement.GetProperty("rules")[0].GetString();
        Assert.Contains($"{{ span.otlptap.rules = \"{rule}\" }}", readme.Blocks("traceql").Single(), StringComparison.Ordinal);

        static byte[] Refund(int cents) => new TraceBuilder().Trace((byte)(cents % 256)).Span("execute_tool issue_refund", ("gen_ai.tool.name", "issue_refund"), ("shop.amount_cents", cents)).ToBytes();
    }

    [Fact]
    public void The_kinds_of_failure_that_the_readme_names_are_those_of_the_packs()
    {
        var kinds = RulePacks.Load([RulePacks.All], [])!.Select(rule => rule.Failure).Distinct().Order();
        var sentence = Regex.Match(Markdown.Read("README.md").Text, @"The built-in packs .*?\.\n", RegexOptions.Singleline).Value;
        Assert.Equal(kinds, Regex.Matches(sentence, "`([a-z_]+)`").Select(kind => kind.Groups[1].Value).Order());
    }

    [GeneratedRegex(@"`(?<path>(span|spanevent|resource|instrumentation_scope)\.[^`]+)`")]
    private static partial Regex PathInTable();
}
