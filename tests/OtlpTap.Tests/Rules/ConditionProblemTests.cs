using OtlpTap.Rules;

namespace OtlpTap.Tests.Rules;

/// <summary>What the writer of a wrong condition reads.</summary>
public sealed class ConditionProblemTests
{
    [Theory]
    [InlineData("span.attributes[\"a\"] = 1", 1, 22, "Expected a comparison (== != < <= > >=), found '='.")]
    [InlineData("true\nand and true", 2, 5, "Expected a value, found 'and'.")]
    [InlineData("span.name == \"😀\" &&true", 1, 18, "'&' has no meaning in OTTL: write and.")]
    [InlineData("span.name == 'x'", 1, 14, "strings stand in double quotes")]
    [InlineData("span.name == \"x", 1, 14, "This string has no end.")]
    [InlineData("span.name == \"\\d\"", 1, 15, "A backslash itself is written twice.")]
    [InlineData("(span.kind == 1", 1, 16, "The condition ends where ) is expected.")]
    [InlineData("", 1, 1, "The condition ends where a value is expected.")]
    [InlineData("span.kind == 08", 1, 14, "octal")]
    [InlineData("span.kind == 9223372036854775808", 1, 14, "does not fit into 64 bits")]
    [InlineData("isMatch(span.name, \"x\")", 1, 1, "names start with an upper-case letter")]
    public void A_syntax_error_names_the_place_and_what_was_expected(string condition, int line, int column, string message)
    {
        var problem = Assert.Single(ConditionRun.Refused(condition));

        Assert.Equal((line, column), (problem.Line, problem.Column));
        Assert.Contains(message, problem.Message, StringComparison.Ordinal);
        Assert.True(problem.Supported);
    }

    [Theory]
    [InlineData("span.nam == \"x\"", "did you mean name?")]
    [InlineData("span.status.mesage == \"x\"", "did you mean status.message?")]
    [InlineData("spam.name == \"x\"", "did you mean span?")]
    [InlineData("span.kind == SPAN_KIND_CLEINT", "did you mean SPAN_KIND_CLIENT?")]
    [InlineData("HasPrefx(span.name, \"x\")", "did you mean HasPrefix?")]
    [InlineData("span.attributes.foo == 1", "span.attributes[\"foo\"]")]
    [InlineData("log.body == 1", "it reads span, resource, instrumentation_scope, otelcol")]
    [InlineData("span.name[\"x\"] == 1", "has no keys")]
    [InlineData("IsMatch(span.name)", "IsMatch takes 2 arguments (target, pattern), not 1.")]
    [InlineData("IsMatch(span.name, 5)", "A pattern is a string.")]
    [InlineData("IsMatch(span.name, \"(\")", "a '(' is not closed")]
    [InlineData("HasPrefix(5, \"x\")", "HasPrefix takes strings.")]
    public void A_wrong_name_or_type_is_told_with_what_would_be_right(string condition, string message)
    {
        var problem = Assert.Single(ConditionRun.Refused(condition));

        Assert.Contains(message, problem.Message, StringComparison.Ordinal);
        Assert.True(problem.Supported);
    }

    [Theory]
    [InlineData("ToLowerCase(span.name) == \"x\"")]
    [InlineData("ToLowerCase(span.name) > \"x\"")]
    [InlineData("Len([1]) == 1")]
    [InlineData("span.kind + 1 == 2")]
    [InlineData("span.trace_id.string == \"x\"")]
    [InlineData("IsMatch(span.name, span.status.message)")]
    [InlineData("span.attributes[span.name] == 1")]
    [InlineData("span.attributes == {}")]
    [InlineData("IsRootSpan()")]
    [InlineData("ParseJSON(span.name)[\"x\"] == 1")]
    [InlineData("[{\"a\": 1}] == span.attributes[\"a\"]")]
    public void What_OTTL_has_and_a_rule_cannot_evaluate_is_refused_and_says_so(string condition)
    {
        var problem = Assert.Single(ConditionRun.Refused(condition));

        Assert.False(problem.Supported);
        Assert.Contains("Not supported in a rule", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_problems_of_all_rules_come_at_once()
    {
        var problems = new List<RuleProblem>();
        var compiled = CompiledRules.Compile(
            [
                new Rule("first", "failure", RuleContext.Span, "span.nam == 1 and span.kin == 2", Source: "rules.yaml:3"),
                new Rule("second", "failure", RuleContext.Span, "span.kind ==", Source: "rules.yaml:7"),
                new Rule("third", "failure", RuleContext.Span, "true", Source: "rules.yaml:9"),
                new Rule("third", "failure", RuleContext.Span, "true", Source: "rules.yaml:11"),
                new Rule("fourth", "failure", RuleContext.Log, "log.bdy == 1", Source: "rules.yaml:12"),
            ],
            problems);

        Assert.Null(compiled);
        Assert.Equal(["rules.yaml:11", "rules.yaml:3", "rules.yaml:3", "rules.yaml:7", "rules.yaml:12"], problems.Select(problem => problem.Source));
        Assert.Equal([(1, 6), (1, 24)], problems.Where(problem => problem.Source == "rules.yaml:3").Select(problem => (problem.Line, problem.Column)));
    }

    [Fact]
    public void Conditions_of_any_depth_and_length_end_in_a_problem_not_in_an_exception()
    {
        Assert.Contains("nested", Assert.Single(ConditionRun.Refused(new string('(', 10_000))).Message, StringComparison.Ordinal);
        Assert.Contains("nested", Assert.Single(ConditionRun.Refused("span.attributes[\"a\"] == " + new string('[', 10_000))).Message, StringComparison.Ordinal);
        Assert.Contains("nested", Assert.Single(ConditionRun.Refused(string.Concat(Enumerable.Repeat("Len(", 10_000)))).Message, StringComparison.Ordinal);
        Assert.Contains("characters", Assert.Single(ConditionRun.Refused(new string(' ', 100_000))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_part_and_every_mutation_of_a_condition_is_compiled_or_refused()
    {
        const string condition = "not (span.attributes[\"a\"][0] >= -1.5e3 or IsMatch(target=resource.attributes[\"b\"], pattern=\"^(?i)[^x]{2,3}\\\\.$\")) and span.kind != SPAN_KIND_SERVER";
        var random = new Random(1);
        for (var i = 0; i < 3000; i++)
        {
            var start = random.Next(condition.Length);
            var mutated = condition.Remove(start, random.Next(Math.Min(4, condition.Length - start))).Insert(start, random.Next(3) switch
            {
                0 => "",
                1 => ((char)random.Next(0, 0x250)).ToString(),
                _ => condition.Substring(random.Next(condition.Length - 8), random.Next(8)),
            });
            var problems = new List<RuleProblem>();
            var compiled = CompiledRules.Compile([new Rule("rule", "failure", RuleContext.Span, mutated)], problems);
            Assert.Equal(compiled is null, problems.Count > 0);
        }
    }
}
