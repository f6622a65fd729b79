namespace OtlpTap.Rules;

/// <summary>Why a rule cannot be put in force.</summary>
/// <param name="Source">Where the rule stands, as <see cref="Rule.Source"/> has it, or a file.</param>
/// <param name="Line">In the condition, or in the file; from 1.</param>
/// <param name="Column">In the condition, or in the file; from 1.</param>
/// <param name="Supported">False when the condition is right as OTTL and only cannot be evaluated in a rule.</param>
internal sealed record RuleProblem(string Source, int Line, int Column, string Message, bool Supported = true)
{
    public override string ToString() => $"{Source}: {Line}:{Column}: {Message}";
}
