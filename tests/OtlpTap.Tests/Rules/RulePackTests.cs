using OtlpTap.Rules;
using OtlpTap.Rules.Packs;

namespace OtlpTap.Tests.Rules;

public sealed class RulePackTests
{
    [Fact]
    public void A_pack_reads_its_rules_with_defaults_and_definitions()
    {
        var pack = Read(
            """
            pack: shop
            description: the shop's own
            define:
              failed: span.status.code == 2
              tool_failed: '@failed and span.name == "@failed"'
            rules:
              - name: one
                failure: tool_error
                condition: '@tool_failed or span.kind == 1'
                description: what it means
              - { name: two, failure: other, context: spanevent, condition: 'true', tag: false, tee: false, metric: false }
            """);

        Assert.Equal(("shop", "the shop's own"), (pack.Name, pack.Description));
        Assert.Equal(
            [
                new Rule("one", "tool_error", RuleContext.Span, "((span.status.code == 2) and span.name == \"@failed\") or span.kind == 1", Source: "shop.yaml:9", Description: "what it means"),
                new Rule("two", "other", RuleContext.SpanEvent, "true", Tag: false, Tee: false, Metric: false, Source: "shop.yaml:11"),
            ],
            pack.Rules);
    }

    [Fact]
    public void All_problems_of_a_pack_come_at_once_with_line_and_column()
    {
        var problems = Problems(
            """
            pack: shop
            packs: typo
            define:
              failed: span.status.code == 2
            rules:
              - name: one
                failure: tool_error
                condition: '@faild'
              - name: two
                falure: tool_error
                context: spam
                tag: maybe
                condition: [a]
              - three
            """);

        Assert.Equal(
            [
                "shop.yaml: 2:1: The key packs is unknown; did you mean pack?",
                "shop.yaml: 8:16: @faild is not defined; did you mean failed?",
                "shop.yaml: 10:5: The key falure is unknown; did you mean failure?",
                "shop.yaml: 9:5: failure is missing.",
                "shop.yaml: 11:14: The context is span, spanevent or log, not spam.",
                "shop.yaml: 12:10: tag is true or false.",
                "shop.yaml: 14:5: A rule is a map.",
            ],
            problems);
    }

    [Theory]
    [InlineData("", "A pack is one map")]
    [InlineData("- a", "A pack is one map")]
    [InlineData("pack: a\nrules: 5", "rules is missing or no list")]
    [InlineData("pack: a\npack: b\nrules: []", "Duplicate key")]
    [InlineData("pack: [", "")]
    [InlineData("pack: a\nrules: []\ndefine: x", "define is a map")]
    [InlineData("pack: *none\nrules: []", "")]
    public void What_is_no_pack_is_refused_with_a_place(string yaml, string message)
    {
        var problem = Problems(yaml)[0];

        Assert.StartsWith("shop.yaml: ", problem, StringComparison.Ordinal);
        Assert.Contains(message, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Packs_are_chosen_by_name_each_once()
    {
        var problems = new List<RuleProblem>();

        var all = RulePacks.Load(["all", "genai"], problems)!;
        var mcp = RulePacks.Load(["mcp"], problems)!;
        var none = RulePacks.Load(["none"], problems)!;

        Assert.Empty(problems);
        Assert.Contains("genai", RulePacks.Names);
        Assert.Empty(none);
        Assert.NotEmpty(mcp);
        Assert.True(all.Count > mcp.Count);
        Assert.Equal(all.Count, all.Select(rule => rule.Name).Distinct().Count());
    }

    [Fact]
    public void A_pack_that_is_not_there_is_told_with_the_nearest_that_is()
    {
        var problems = new List<RuleProblem>();

        Assert.Null(RulePacks.Load(["genia"], problems));

        Assert.Contains("There is no pack genia; did you mean genai?", Assert.Single(problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_of_the_user_takes_the_place_of_the_packs_rule_of_that_name()
    {
        Rule[] packs = [Named("a", "pack"), Named("b", "pack"), Named("c", "pack")];

        var merged = RulePacks.Override(packs, [Named("b", "user"), Named("d", "user")]);

        Assert.Equal([("a", "pack"), ("b", "user"), ("c", "pack"), ("d", "user")], merged.Select(rule => (rule.Name, rule.Failure)));
    }

    [Fact]
    public void The_same_name_twice_among_the_users_rules_stays_for_the_compiler_to_refuse()
    {
        var merged = RulePacks.Override([Named("a", "pack")], [Named("a", "first"), Named("a", "second")]);

        var problems = new List<RuleProblem>();
        Assert.Null(CompiledRules.Compile(merged, problems));
        Assert.Contains("twice", Assert.Single(problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_embedded_rule_names_its_pack_and_says_what_it_means()
    {
        var problems = new List<RuleProblem>();
        foreach (var name in RulePacks.Names)
        {
            Assert.All(RulePacks.Load([name], problems)!, rule =>
            {
                Assert.StartsWith(name + "_", rule.Name, StringComparison.Ordinal);
                Assert.NotEqual("", rule.Description);
            });
        }

        Assert.Empty(problems);
    }

    private static Rule Named(string name, string failure) => new(name, failure, RuleContext.Span, "true");

    private static RulePack Read(string yaml)
    {
        var problems = new List<RuleProblem>();
        var pack = RulePackReader.Read("shop.yaml", new StringReader(yaml), problems);
        Assert.Empty(problems);
        return pack!;
    }

    private static List<string> Problems(string yaml)
    {
        var problems = new List<RuleProblem>();
        Assert.Null(RulePackReader.Read("shop.yaml", new StringReader(yaml), problems));
        return problems.ConvertAll(problem => problem.ToString());
    }
}
