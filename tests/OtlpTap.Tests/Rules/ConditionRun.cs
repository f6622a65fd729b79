using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;

namespace OtlpTap.Tests.Rules;

/// <summary>One condition, compiled and run on requests through the scan.</summary>
internal sealed class ConditionRun
{
    private readonly CompiledRules _rules;
    private readonly Signal _signal;

    private ConditionRun(CompiledRules rules, RuleContext context)
    {
        _rules = rules;
        _signal = context == RuleContext.Log ? Signal.Logs : Signal.Traces;
    }

    public static ConditionRun Of(string condition, RuleContext context = RuleContext.Span)
    {
        var problems = new List<RuleProblem>();
        var rules = CompiledRules.Compile([new Rule("rule", "failure", context, condition, Source: "test")], problems);
        Assert.True(problems.Count == 0, $"{condition}: {string.Join("; ", problems)}");
        return new ConditionRun(rules!, context);
    }

    /// <summary>The problems of a condition that does not compile.</summary>
    public static List<RuleProblem> Refused(string condition, RuleContext context = RuleContext.Span)
    {
        var problems = new List<RuleProblem>();
        Assert.Null(CompiledRules.Compile([new Rule("rule", "failure", context, condition, Source: "test")], problems));
        Assert.NotEmpty(problems);
        return problems;
    }

    public static char OutcomeOf(string condition, TraceBuilder request) => Of(condition).Outcome(request.ToBytes());

    /// <summary>T, F or E for an error; the request has one span, and one event at most, or one log record.</summary>
    public char Outcome(byte[] request)
    {
        var errors = _rules.ErrorsOf(0);
        var result = new ScanResult();
        Assert.True(new RequestScanner(_rules).TryScan(_signal, request, result, out _));
        return _rules.ErrorsOf(0) > errors ? 'E' : result.RuleIndexes.Length > 0 ? 'T' : 'F';
    }
}
