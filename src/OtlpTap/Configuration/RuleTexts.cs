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

    /// <summary>
    /// A problem at a line and column of the condition, both from 1. Where the condition stands in the file character by
    /// character the place is exact; in a block, in a folded or escaped text and in a variable it is the condition's start,
    /// and the message says where in the condition.
    /// </summary>
    public void Report(Rule rule, int line, int column, string message, ProblemList problems)
    {
        if (!_conditions.TryGetValue(rule, out var condition))
        {
            // A pack's own rule: its source names pack and line.
            problems.Error(new Mark(rule.Source, line, column), rule.Name, message);
        }
        else if (condition.Node is ConfigScalar { InnerOffset: >= 0 and var offset } && line == 1)
        {
            var mark = condition.Node.Mark;
            problems.Error(mark with { Column = mark.Column + offset + column - 1 }, condition.Path, message);
        }
        else
        {
            problems.Error(condition.Node.Mark, condition.Path, $"in line {line}, column {column} of the condition: {message}");
        }
    }
}
