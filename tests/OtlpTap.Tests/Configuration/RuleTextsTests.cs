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
        var texts = new RuleTexts();
        var rule = new Rule("name", "failure", RuleContext.Span, "");
        texts.Add(rule, "path", node);

        texts.Report(rule, line, column, "wrong", problems);

        Assert.Equal(expected, Assert.Single(problems.InOrderOf(["tap.yaml"])).ToString());
    }

    [Fact]
    public void A_rule_of_a_pack_is_shown_where_the_pack_says_it_stands()
    {
        var problems = new ProblemList();

        new RuleTexts().Report(new Rule("name", "failure", RuleContext.Span, "", Source: "genai.yaml:12"), 1, 5, "wrong", problems);

        Assert.Equal("genai.yaml:12:1:5: name: wrong", Assert.Single(problems.InOrderOf([])).ToString());
    }
}
