using OtlpTap.Rules;
using OtlpTap.Rules.Expressions;
using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Values;

namespace OtlpTap.Tests.Rules;

/// <summary>Conditions and contents made to hurt: they end with an error, soon and without filling the memory.</summary>
public sealed class HostileConditionTests
{
    /// <summary>Far more than any of them takes, far less than what they would take without a bound.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    public static TheoryData<string> Refused =>
    [
        new string('(', 60_000) + "true" + new string(')', 60_000),
        new string('(', 30_000) + "true" + new string(')', 30_000),
        new string('(', 20_000) + "1" + new string(')', 20_000) + " == 1",
        string.Concat(Enumerable.Repeat("not (", 12_000)) + "true" + new string(')', 12_000),
        "span.attributes[\"a\"] == " + new string('[', 1_000_000) + new string(']', 1_000_000),
        "span.attributes[\"a\"] == " + new string('[', 30_000) + new string(']', 30_000),
        string.Concat(Enumerable.Repeat("{\"a\":", 10_000)) + "1" + new string('}', 10_000) + " == nil",
        string.Concat(Enumerable.Repeat("Int(", 15_000)) + "1" + new string(')', 15_000) + " == 1",
        "span.attributes" + string.Concat(Enumerable.Repeat("[span.attributes", 3_500)) + new string(']', 3_500) + " == nil",
        $"IsMatch(span.name, \"{new string('(', 20_000)}{new string(')', 20_000)}\")",
        "IsMatch(span.name, \"(a{1000}){1000}\")",
        $"IsMatch(span.name, \"{string.Concat(Enumerable.Repeat("\\\\pL{500}", 200))}\")",
        $"ExtractPatterns(span.name, \"(?P<a>{string.Concat(Enumerable.Repeat("[a-z]{1000}", 400))})\")[\"a\"] == nil",
        "ExtractGrokPatterns(span.name, \"%{A:a}\", true, [\"A=%{B}%{B}%{B}\", \"B=%{A}%{A}%{A}\"]) == nil",
        $"Time(span.name, \"{string.Concat(Enumerable.Repeat("%z", 10_000))}\") == nil",
        new string('a', 100_000),
    ];

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_condition_beyond_measure_is_refused_with_a_reason(string condition)
    {
        var started = ProcessorTime.OfThisThread;
        var problems = new List<OttlProblem>();

        Assert.Null(OttlCondition.Parse(condition, RuleContext.Span, allowBarePaths: true, TimeProvider.System, problems));
        Assert.NotEmpty(problems);
        Assert.Null(CompiledRules.Compile([new Rule("rule", "failure", RuleContext.Span, condition)], []));
        Assert.True(ProcessorTime.OfThisThread - started < Bound);
    }

    public static TheoryData<string, string> Failing => new()
    {
        { "Format(\"" + string.Concat(Enumerable.Repeat("%999999[1]d", 40)) + "\", [1]) == \"\"", "" },
        { "ParseJSON(span.attributes[\"a\"]) == nil", new string('[', 1_000_000) },
        { "ParseJSON(span.attributes[\"a\"]) == nil", string.Concat(Enumerable.Repeat("{\"a\":", 300_000)) },
        { "ParseXML(span.attributes[\"a\"]) == nil", string.Concat(Enumerable.Repeat("<a>", 500_000)) },
        { "ExtractPatterns(span.attributes[\"a\"], \"(?P<x>(a|b|ab)*)(?P<y>(a|b|ab)*)(?P<z>(a|b|ab)*)c\") == nil", string.Concat(Enumerable.Repeat("ab", 2_000_000)) },
        { "Concat([Concat([Concat([Concat([span.attributes[\"a\"], span.attributes[\"a\"]], span.attributes[\"a\"]), span.attributes[\"a\"]], span.attributes[\"a\"]), span.attributes[\"a\"]], span.attributes[\"a\"]), span.attributes[\"a\"]], span.attributes[\"a\"]) == \"\"", new string('a', 8_000_000) },
    };

    [Theory]
    [MemberData(nameof(Failing))]
    public void A_value_beyond_measure_is_an_error(string condition, string attribute) => Assert.Equal(Outcome.Error, OutcomeOf(condition, attribute));

    [Theory]
    [InlineData("IsMatch(span.attributes[\"a\"], \"^(a+)+$\")", false)]
    [InlineData("IsMatch(span.attributes[\"a\"], \"(a|aa)+b$\")", true)]
    [InlineData("IsMatch(span.attributes[\"a\"], \"(x+x+)+y\")", false)]
    [InlineData("Len(Split(span.attributes[\"a\"], \"a\")) > 1000000", true)]
    [InlineData("ToUpperCase(span.attributes[\"a\"]) == SHA256(span.attributes[\"a\"])", false)]
    [InlineData("Int(span.attributes[\"a\"]) == nil", true)]
    [InlineData("IsInCIDR(span.attributes[\"a\"], [\"10.0.0.0/8\"])", false)]
    public void A_text_of_ten_megabytes_takes_linear_time(string condition, bool expected)
    {
        var started = ProcessorTime.OfThisThread;

        Assert.Equal(expected ? Outcome.True : Outcome.False, OutcomeOf(condition, new string('a', 10_000_000) + "b"));
        Assert.True(ProcessorTime.OfThisThread - started < Bound);
    }

    private static Outcome OutcomeOf(string condition, string attribute)
    {
        var problems = new List<OttlProblem>();
        var parsed = OttlCondition.Parse(condition, RuleContext.Span, allowBarePaths: false, TimeProvider.System, problems);
        Assert.Empty(problems);
        return parsed!.Evaluate(TelemetryItem.SpansOf(new TraceBuilder().Span("span", ("a", attribute)).Request.ResourceSpans).Single()).Outcome;
    }
}
