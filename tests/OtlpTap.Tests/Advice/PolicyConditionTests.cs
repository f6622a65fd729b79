using OtlpTap.Advice.Conditions;
using OtlpTap.Health;

namespace OtlpTap.Tests.Advice;

public sealed class PolicyConditionTests
{
    private static readonly HealthScope Tool = new("shop", "planner", "search", "");

    private readonly ScriptedHealth _health = new();

    [Theory]
    [InlineData("tool.calls_1m > 9", true)]
    [InlineData("tool.calls_1m > 10", false)]
    [InlineData("tool.calls_1m >= 10", true)]
    [InlineData("tool.calls_1m < 10", false)]
    [InlineData("tool.calls_1m <= 10", true)]
    [InlineData("tool.calls_1m == 10", true)]
    [InlineData("tool.calls_1m != 10", false)]
    [InlineData("tool.calls_1m != 9", true)]
    [InlineData("9 < tool.calls_1m", true)]
    [InlineData("tool.errors.ratio_1m >= 80%", true)]
    [InlineData("tool.errors.ratio_1m > 0.79", true)]
    [InlineData("tool.errors.ratio_1m>80.5%", false)]
    [InlineData("tool.latency.p95_5m > 499ms", true)]
    [InlineData("tool.latency.p95_5m > 0.5s", false)]
    [InlineData("tool.latency.p95_5m > 0.4", true)]
    [InlineData("tool.latency.p95_5m < 1m and tool.latency.p95_5m < 1h", true)]
    [InlineData("tool.latency.p95_5m > 3 * tool.latency.p50_1h", true)]
    [InlineData("tool.latency.p95_5m > 6 * tool.latency.p50_1h", false)]
    [InlineData("tool.errors.timeout_1m == 3", true)]
    [InlineData("not tool.calls_1m > 10", true)]
    [InlineData("not not tool.calls_1m > 9", true)]
    [InlineData("not (tool.calls_1m > 9)", false)]
    [InlineData("tool.calls_1m > 99 or tool.calls_1m > 9", true)]
    [InlineData("tool.calls_1m > 9 or tool.calls_1m > 9 and tool.calls_1m > 99", true)]
    [InlineData("(tool.calls_1m > 9 or tool.calls_1m > 9) and tool.calls_1m > 99", false)]
    [InlineData("tool.calls_1m > -1\n and\t(tool.calls_1m > 1)", true)]
    public void A_condition_says_what_is_written(string text, bool holds)
    {
        _health.Set(Tool, ("tool.calls_1m", 10), ("tool.errors.ratio_1m", 0.8), ("tool.latency.p95_5m", 0.5), ("tool.latency.p50_1h", 0.1), ("tool.errors.timeout_1m", 3));
        Assert.Equal(holds, Parse(text).Holds(new ConditionReading(_health).At(Tool)));
    }

    [Theory]
    [InlineData("tool.latency.p95_1m > 0")]
    [InlineData("tool.latency.p95_1m <= 0")]
    [InlineData("tool.latency.p95_1m != 0")]
    [InlineData("tool.latency.p95_1m == tool.latency.p95_1m")]
    [InlineData("2 * tool.latency.p95_1m < 5")]
    public void A_comparison_with_what_is_not_known_is_false(string text)
    {
        _health.Add(Tool);
        Assert.False(Parse(text).Holds(new ConditionReading(_health).At(Tool)));
        Assert.True(Parse($"not {text}").Holds(new ConditionReading(_health).At(Tool)));
    }

    [Fact]
    public void A_value_is_read_once_and_only_when_it_decides_something()
    {
        _health.Set(Tool, ("tool.calls_1m", 4), ("tool.errors.ratio_1m", 1));
        Assert.False(Parse("tool.calls_1m >= 5 and tool.errors.ratio_1m > 1% or tool.calls_1m > 10").Holds(new ConditionReading(_health).At(Tool)));
        Assert.Equal(1, _health.ReadCount);
    }

    [Theory]
    [InlineData("hallucination.ratio_1h > 0.1 and feedback.count_1h > 1 and run.calls_1m > 1", "Agent")]
    [InlineData("evaluation.answer.relevance.mean_1h < 3 or grounding.mean_1h < 0.3", "Agent")]
    [InlineData("llm.latency.p95_5m > 8s and hallucination.ratio_1h > 0.1", "Model")]
    [InlineData("tokens.total_1m > 1000000", "Model")]
    [InlineData("hallucination.ratio_1h > 0.1 and tool.calls_1m > 1 and llm.calls_1m > 2", "Tool")]
    public void The_most_specific_value_decides_where_a_condition_is_evaluated(string text, string level) => Assert.Equal(level, Parse(text).Level.ToString());

    [Fact]
    public void Values_of_other_levels_are_read_at_the_agent_above()
    {
        var other = new HealthScope("shop", "other", "search", "");
        _health.Set(Tool, ("tool.calls_1m", 10), ("feedback.negative.ratio_1h", 0));
        _health.Set(HealthScope.OfAgent("shop", "planner"), ("feedback.negative.ratio_1h", 0.5), ("llm.calls_1m", 7), ("tool.calls_1m", 0));
        _health.Set(other, ("tool.calls_1m", 10), ("feedback.negative.ratio_1h", 0.5));
        var condition = Parse("tool.calls_1m >= 5 and feedback.negative.ratio_1h > 20% and llm.calls_1m == 7");

        Assert.True(condition.Holds(new ConditionReading(_health).At(Tool)));
        Assert.False(condition.Holds(new ConditionReading(_health).At(other)));
    }

    [Theory]
    [InlineData("", 1, 1, "the name of a value or a number is expected here, not the end of the condition")]
    [InlineData("tool.calls_1m", 1, 14, "`>`, `>=`, `<`, `<=`, `==` or `!=` is expected here, not the end of the condition")]
    [InlineData("tool.calls_1m > ", 1, 17, "the name of a value or a number is expected here, not the end of the condition")]
    [InlineData("tool.calls_1m = 5", 1, 15, "`>`, `>=`, `<`, `<=`, `==` or `!=` is expected here, not `=`: write `==`")]
    [InlineData("tool.calls_1m > 5 && tool.calls_1m > 6", 1, 19, "`and`, `or` or the end of the condition is expected here, not `&`: write `and`")]
    [InlineData("tool.calls_1m > 5 tool.calls_1m > 6", 1, 19, "`and`, `or` or the end of the condition is expected here, not `tool.calls_1m`")]
    [InlineData("!tool.calls_1m > 5", 1, 1, "the name of a value or a number is expected here, not `!`: write `not`")]
    [InlineData("(tool.calls_1m > 5", 1, 19, "`)` is expected here, not the end of the condition")]
    [InlineData("tool.calls_1m > 5)", 1, 18, "`and`, `or` or the end of the condition is expected here, not `)`")]
    [InlineData("tool.calls_1m > 5x", 1, 17, "the name of a value or a number is expected here, not `5x`")]
    [InlineData("tool.calls_1m > 5.", 1, 17, "the name of a value or a number is expected here, not `5.`")]
    [InlineData("tool.calls_1m > 1.2.3", 1, 17, "the name of a value or a number is expected here, not `1.2.3`")]
    [InlineData("tool.calls_1m > 2 * 3", 1, 21, "the name of a value is expected here, not `3`")]
    [InlineData("1 < 2", 1, 1, "two numbers are compared: one side must name a value")]
    [InlineData("tool.calls_1m > 1\nand\n  tool.cals_1m > 2", 3, 3, "`tool.cals_1m` is no value: the nearest is `tool.calls_1m`; docs/health.md has them all")]
    [InlineData("tool.calls_2m > 1", 1, 1, "`tool.calls_2m` is no value: the nearest is `tool.calls_1m`; docs/health.md has them all")]
    [InlineData("tool.calls_1m > 20%", 1, 17, "a ratio is compared with a count")]
    [InlineData("5s < tool.calls_1m", 1, 1, "a duration is compared with a count")]
    [InlineData("tool.latency.p95_1m > tool.calls_1m", 1, 23, "a count is compared with a duration")]
    [InlineData("tool.errors.ratio_1m > 50", 1, 24, "a ratio is between 0 and 1, or between 0% and 100%")]
    [InlineData("tool.errors.ratio_1m > 150%", 1, 24, "a ratio is between 0 and 1, or between 0% and 100%")]
    public void What_is_wrong_is_said_at_its_place(string text, int line, int column, string message)
    {
        var problems = new List<ConditionProblem>();
        Assert.Null(PolicyCondition.Parse(text, problems));
        var problem = Assert.Single(problems);
        Assert.Equal((line, column), (problem.Line, problem.Column));
        Assert.StartsWith(message, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_unknown_names_are_said_at_once()
    {
        var problems = new List<ConditionProblem>();
        PolicyCondition.Parse("tol.calls_1m > 1 and llm.latency.p96_1m > 2 and tool.calls_1m > 1", problems);
        Assert.Equal([1, 22], problems.Select(problem => problem.Column));
    }

    [Fact]
    public void Hostile_conditions_are_refused_and_nothing_else_happens()
    {
        var problems = new List<ConditionProblem>();
        Assert.Null(PolicyCondition.Parse(new string('(', PolicyCondition.LengthMax), problems));
        Assert.Null(PolicyCondition.Parse(string.Concat(Enumerable.Repeat("not ", 1000)) + "tool.calls_1m > 1", problems));
        Assert.Null(PolicyCondition.Parse(string.Join(" and ", Enumerable.Range(0, 65).Select(i => $"tool.errors.k{i}_1m > 1")), problems));
        Assert.Null(PolicyCondition.Parse(new string('a', PolicyCondition.LengthMax + 1), problems));
        Assert.Equal(4, problems.Count);
        Assert.NotNull(PolicyCondition.Parse(string.Join(" and ", Enumerable.Range(0, 64).Select(i => $"tool.errors.k{i}_1m > 1")), problems));
    }

    private static PolicyCondition Parse(string text)
    {
        var problems = new List<ConditionProblem>();
        var condition = PolicyCondition.Parse(text, problems);
        Assert.Empty(problems);
        return condition!;
    }
}
