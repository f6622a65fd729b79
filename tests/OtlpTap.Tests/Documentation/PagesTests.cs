using System.CommandLine;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using OtlpTap.Cli;
using OtlpTap.Cli.Demo;
using OtlpTap.Configuration;
using OtlpTap.Detectors;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Rules.Packs;
using OtlpTap.Tests.Configuration;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Documentation;

/// <summary>What the pages say can be used as it stands: links lead somewhere, configurations are valid, conditions compile.</summary>
public sealed partial class PagesTests
{
    private const string FromTheCollector = "docs/from-the-collector.md";
    private const string Operations = "docs/operations.md";

    /// <summary>What the page quotes and no single text of the sources has.</summary>
    private static readonly Dictionary<string, string> QuotedFromElsewhere = new()
    {
        ["not ready: upstream not reachable: otlp_grpc/tempo"] = "put together, and tried with the admin port",
        ["authorization: Bearer TOKEN"] = "a header",
    };

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
        .. from page in new[] { "README.md", "docs/rules.md", "docs/detectors.md", "docs/judge.md", "docs/evaluations.md", "docs/feedback.md", "docs/advice.md", "docs/advice-effect.md" }
           from snippet in Markdown.Read(page).Blocks("yaml")
           select (page, snippet),

        // The first one is shown with what is said of it.
        .. from snippet in Markdown.Read(FromTheCollector).Blocks("yaml").Skip(1)
           select (FromTheCollector, snippet),
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
    [MemberData(nameof(Pages))]
    public void Headings_that_a_page_links_to_are_there(string page)
    {
        var folder = Path.GetDirectoryName(page)!;
        Assert.All(
            Markdown.Read(page).HeadingLinks(),
            link => Assert.Contains(link.Heading, Markdown.Read(link.Page.Length == 0 ? page : Path.Combine(folder, link.Page)).Headings()));
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

            // Secrets are where the reader has them.
            Assert.Empty(loaded.Problems.Where(problem => problem.Message != "no file `/run/secrets/openai`"));
        }
    }

    [Fact]
    public void Of_a_pasted_Collector_configuration_is_said_what_the_page_shows()
    {
        var page = Markdown.Read(FromTheCollector);
        var loaded = new ConfigurationLoader(environment: _ => null).LoadText([("collector.yaml", page.Blocks("yaml").First())]);

        Assert.NotNull(loaded.Options);
        Assert.Equal(page.Blocks("text").Single(), string.Concat(loaded.Problems.Select(problem => problem + "\n")));
    }

    /// <summary>Who greps for a phrase of the page in a log has to find it: "..." stands for what differs.</summary>
    [Fact]
    public void Lines_and_answers_that_the_operations_page_quotes_are_those_of_the_tap()
    {
        var sources = string.Concat(Directory.GetFiles(Markdown.InRepository("src/OtlpTap"), "*.cs", SearchOption.AllDirectories).Where(file => !file.Contains("/obj/", StringComparison.Ordinal)).Select(File.ReadAllText));
        var quotes = Quote().Matches(Markdown.Read(Operations).Text).Select(quote => quote.Groups["text"].Value).Where(text => text.Split(' ').Length > 2 && !text.StartsWith("otlptap ", StringComparison.Ordinal)).ToHashSet();

        Assert.True(quotes.Count > 8);
        Assert.All(QuotedFromElsewhere.Keys, quote => Assert.Contains(quote, quotes));
        Assert.All(
            quotes.Except(QuotedFromElsewhere.Keys).SelectMany(quote => quote.Split(" ... ")),
            part => Assert.Contains(part, sources, StringComparison.Ordinal));
    }

    [Fact]
    public void No_page_says_the_same_in_two_rows()
    {
        Assert.All(
            new[] { "README.md", "CHANGELOG.md", "docs/architecture.md", "docs/metrics.md", "docs/detectors.md", "docs/rules.md", "docs/corpus-format.md" },
            page => Assert.Empty(FirstCell().Matches(Markdown.Read(page).Text).GroupBy(row => row.Value).Where(rows => rows.Count() > 1).Select(rows => rows.Key)));
    }

    [Fact]
    public async Task Commands_of_the_operations_page_are_understood()
    {
        var root = CommandLine.Create(
            (_, _) => throw new InvalidOperationException("no tap runs here"), InspectCommand.Create(), TryCommand.Create(), DemoCommand.Create(), HealthCommand.Create(), ReloadCommand.Create());
        var commands = Markdown.Read(Operations).Commands().ToList();
        var requests = commands.Where(command => command.StartsWith("curl ", StringComparison.Ordinal)).ToList();
        commands.RemoveAll(requests.Contains);

        Assert.NotEmpty(commands);
        Assert.All(commands, command =>
        {
            Assert.StartsWith("otlptap ", command, StringComparison.Ordinal);
            Assert.Empty(root.Parse(command["otlptap ".Length..]).Errors);
        });

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Accepted], await PostAsync(requests));
    }

    /// <summary>Sends what the page sends with curl to a tap that has recorded the trace it speaks of.</summary>
    private static async Task<List<HttpStatusCode>> PostAsync(List<string> requests)
    {
        await using var tap = await RunningTap.StartAsync();
        await tap.ExportAsync(Signal.Traces, new TraceBuilder().Trace(7).Span("chat").ToBytes());
        using var http = new HttpClient();
        var answers = new List<HttpStatusCode>();
        foreach (var request in requests)
        {
            var words = request.Split(" -d ");
            var url = words[0]["curl -X POST ".Length..].Replace("127.0.0.1:8888", tap.Host.AdminEndpoint.ToString(), StringComparison.Ordinal).Replace("TRACE_ID", $"{new TraceId(0, 7)}", StringComparison.Ordinal);
            using var body = words.Length > 1 ? new StringContent(words[1].Trim('\'')) : null;
            using var answer = await http.PostAsync(new Uri($"http://{url}"), body, TestContext.Current.CancellationToken);
            answers.Add(answer.StatusCode);
        }

        return answers;
    }

    [Fact]
    public async Task The_readiness_page_says_which_upstream_it_does_not_reach_as_the_operations_page_shows()
    {
        await using var tap = await RunningTap.ConfiguredAsync(directory =>
            $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { corpus: { directory: '{{directory}}' } } }
            exporters: { otlp_grpc/tempo: { endpoint: "127.0.0.1:1", tls: { insecure: true } } }
            service: { admin: { endpoint: "127.0.0.1:0" } }
            """);
        using var http = new HttpClient();

        await Deadline.UntilAsync(
            async () => await http.GetAsync(new Uri($"http://{tap.Host.AdminEndpoint}/readyz")) is { StatusCode: HttpStatusCode.ServiceUnavailable } answer
                && await answer.Content.ReadAsStringAsync() == "not ready: upstream not reachable: otlp_grpc/tempo\n",
            "the tap says which upstream it does not reach");
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
    public void The_page_on_detectors_has_a_row_for_each_and_no_other()
    {
        var detectors = DetectorSet.Names.Order();
        Assert.Equal(detectors, DetectorRow().Matches(Markdown.Read("docs/detectors.md").Text).Select(row => row.Groups["name"].Value).Order());
    }

    [Fact]
    public async Task The_rule_of_the_readme_finds_what_it_is_for_and_its_query_names_it()
    {
        var readme = Markdown.Read("README.md");
        using var config = new TemporaryFile(readme.Blocks("yaml").Single(block => block.Contains("rules:", StringComparison.Ordinal)));
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

    /// <summary>The name in a row that is no heading, in code or of a room, or what a change's line begins with.</summary>
    [GeneratedRegex(@"^(?!.*\n\|-)(\| (`[^|]+`|[A-Z][a-z]+) \||- .{40})", RegexOptions.Multiline)]
    private static partial Regex FirstCell();

    [GeneratedRegex(@"^\| `(?<name>[a-z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex DetectorRow();

    [GeneratedRegex(@"(?<!`)`(?<text>[^`\n]+)`(?!`)")]
    private static partial Regex Quote();

    [GeneratedRegex(@"`(?<path>(span|spanevent|resource|instrumentation_scope)\.[^`]+)`")]
    private static partial Regex PathInTable();
}
