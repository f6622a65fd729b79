using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Values;

namespace OtlpTap.Rules.Expressions;

/// <summary>What a condition that came to an error counts as. The names are the Collector's <c>error_mode</c>.</summary>
internal enum ErrorMode : byte
{
    /// <summary>An error remains one.</summary>
    Propagate,

    /// <summary>An error counts as false, and is reported.</summary>
    Ignore,

    /// <summary>An error counts as false.</summary>
    Silent,
}

/// <param name="Error">Empty unless there was one to report.</param>
internal readonly record struct ConditionOutcome(Outcome Outcome, string Error);

/// <summary>
/// A condition in all of OTTL, evaluated by walking its tree: for commands, detectors and tests. On the line the slot
/// programs of <see cref="CompiledRules"/> run; what both can do they do alike.
/// </summary>
internal sealed class OttlCondition
{
    private readonly Expression _expression;

    private OttlCondition(Expression expression) => _expression = expression;

    /// <summary>Null, and all problems that were found, when the text is no condition of the context.</summary>
    /// <param name="allowBarePaths">Whether <c>attributes["x"]</c> is read as one of the condition's own context.</param>
    /// <param name="clock">What <c>Now()</c> is.</param>
    public static OttlCondition? Parse(string text, RuleContext context, bool allowBarePaths, TimeProvider clock, List<OttlProblem> problems)
    {
        if (Parser.Parse(text, out var problem) is not { } syntax)
        {
            problems.Add(problem);
            return null;
        }

        return ExpressionBinder.Bind(syntax, context, allowBarePaths, clock, problems) is { } expression ? new OttlCondition(expression) : null;
    }

    public ConditionOutcome Evaluate(TelemetryItem item, ErrorMode mode = ErrorMode.Propagate) => (_expression.Get(item), mode) switch
    {
        (BoolValue boolean, _) => new ConditionOutcome(boolean.Value ? Outcome.True : Outcome.False, ""),
        (Failure failure, ErrorMode.Propagate) => new ConditionOutcome(Outcome.Error, failure.Message),
        (Failure failure, ErrorMode.Ignore) => new ConditionOutcome(Outcome.False, failure.Message),
        _ => new ConditionOutcome(Outcome.False, ""),
    };
}
