using OtlpTap.Rules;

namespace OtlpTap.Tests.Scan;

/// <summary>Rules that a test expects to compile.</summary>
internal static class TestRules
{
    public static CompiledRules Compile(params Rule[] rules)
    {
        var problems = new List<RuleProblem>();
        var compiled = CompiledRules.Compile(rules, problems);
        Assert.Empty(problems);
        return compiled!;
    }

    /// <summary>A rule on spans whose name is also its kind of failure.</summary>
    public static Rule OnSpan(string name, string condition) => new(name, name, RuleContext.Span, condition);

    public static Rule OnEvent(string name, string condition) => new(name, name, RuleContext.SpanEvent, condition);
}
