using OtlpTap.Configuration;
using OtlpTap.Rules;

namespace OtlpTap.Tests.Configuration;

/// <summary>The compiler counts lines and columns within a condition; the operator reads them within the file.</summary>
public sealed class RuleTextsTests
{
    [Theory]
    [InlineData("condition: span.name = 1", 1, 11, "tap.yaml:1:22: path: wrong")]
    [InlineData("condition: 'span.name = 1'", 1, 11, "tap.yaml:1:23: path: wrong")]
    [InlineData("condition: \"span.name = 1\"", 1, 11, "tap.yaml:1:23: path: wrong")]
    [InlineData("condition: \"span.name = \\\"1\\\"\"", 1, 11, "tap.yaml:1:12: path: in line 1, column 11 of the condition: wrong")]
    [InlineData("condition: |\n  span.name\n  = 1\n", 2, 1, "tap.yaml:1:12: path: in line 2, column 1 of the condition: wrong")]
    [InlineData("condition: span.name\n  = 1\n", 1, 11, "tap.yaml:1:12: path: in line 1, column 11 of the condition: wrong")]
    public void The_place_is_exact_where_the_text_stands_in_the_file_as_it_is(string yaml, int line, int column, string expected)
    {
        var problems = new ProblemList();
        var node = YamlReader.ReadMap("tap.yaml", yaml, problems)!.Find("condition")!.Value;
        var texts = new RuleTexts((_, _) => null);
        var rule = new Rule("name", "failure", RuleContext.Span, "");
        texts.Add(rule, "path", node);

        texts.Report(rule, line, column, "wrong", problems);

        Assert.Equal(expected, Assert.Single(problems.InOrderOf(["tap.yaml"])).ToString());
    }

    [Fact]
    public void Every_condition_is_compiled_and_what_is_found_is_shown_at_its_rule_even_where_two_stand_in_one_line()
    {
        CompileRules compile = (rules, problems) =>
        {
            foreach (var rule in rules.Where(rule => rule.Condition.StartsWith("bad", StringComparison.Ordinal)))
            {
                problems.Add(new RuleProblem(rule.Source, 1, 5, $"`{rule.Condition[4..]}` is no path"));
            }

            return null;
        };
        const string Text =
            """
            processors:
              tap:
                rules: [{ name: a, failure: x, condition: bad first }, { name: b, failure: x, condition: bad second }]
            exporters: { otlp: { timeout: 1s } }
            """;

        var loaded = new ConfigurationLoader(_ => null, new PackNames([]), compile).LoadText([("tap.yaml", Text)]);

        Assert.Equal(
            [
                "tap.yaml:3:51: processors.tap.rules[0].condition: `first` is no path",
                "tap.yaml:3:98: processors.tap.rules[1].condition: `second` is no path",
                "tap.yaml:4:20: exporters.otlp.endpoint: must be set",
            ],
            loaded.Problems.Select(problem => problem.ToString()));
    }

    [Fact]
    public void Rules_that_are_right_alone_and_cannot_be_together_are_a_problem_and_no_exception()
    {
        CompileRules compile = (rules, problems) =>
        {
            if (rules.Count > 1)
            {
                problems.Add(new RuleProblem("rules", 1, 1, "too many"));
                return null;
            }

            return CompiledRules.None;
        };
        const string Text = "processors:\n  tap:\n    rules: [{ name: a, failure: x, condition: y }, { name: b, failure: x, condition: y }]\n";

        var loaded = new ConfigurationLoader(_ => null, new PackNames([]), compile).LoadText([("tap.yaml", Text)]);

        Assert.Null(loaded.Options);
        Assert.Equal("tap.yaml:2:3: processors.tap.rules: rules: too many", Assert.Single(loaded.Problems).ToString());
    }

    [Fact]
    public void A_rule_of_a_pack_is_shown_where_the_pack_says_it_stands()
    {
        var problems = new ProblemList();

        new RuleTexts((_, _) => null).Report(new Rule("name", "failure", RuleContext.Span, "", Source: "genai.yaml:12"), 1, 5, "wrong", problems);

        Assert.Equal("genai.yaml:12:1:5: name: wrong", Assert.Single(problems.InOrderOf([])).ToString());
    }
}
