using OtlpTap.Rules;

namespace OtlpTap.Configuration;

/// <summary><see cref="CompiledRules.Compile"/>: null when <paramref name="problems"/> has got any.</summary>
internal delegate CompiledRules? CompileRules(IReadOnlyList<Rule> rules, List<RuleProblem> problems);

/// <summary>Where each rule's condition stands, so that what the compiler finds in it is shown in the operator's file.</summary>
/// <param name="compile">The Rules room's compiler.</param>
internal sealed class RuleTexts(CompileRules compile)
{
    private readonly Dictionary<Rule, (string Path, ConfigNode Node)> _conditions = new(ReferenceEqualityComparer.Instance);

    /// <summary>Compiles each condition alone, so that every problem is known to be that rule's.</summary>
    public void Compile(IReadOnlyList<Rule> rules, ProblemList problems)
    {
        foreach (var rule in rules)
        {
            var found = new List<RuleProblem>();
            _ = compile([rule], found);
            foreach (var problem in found)
            {
                Report(rule, problem.Line, problem.Column, problem.Message, problems);
            }
        }
    }

    public void Add(Rule rule, string path, ConfigNode condition) => _conditions.Add(rule, (path, condition));

    /// <summary>A problem at a line and column of the condition, both from 1.</summary>
    public void Report(Rule rule, int line, int column, string message, ProblemList problems)
    {
        if (!_conditions.TryGetValue(rule, out var condition))
        {
            // A pack's own rule: its source names pack and line.
            problems.Error(new Mark(rule.Source, line, column), rule.Name, message);
        }
        else
        {
            problems.ErrorIn(condition.Node, condition.Path, "condition", line, column, message);
        }
    }
}
