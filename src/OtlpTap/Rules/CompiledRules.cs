namespace OtlpTap.Rules;

/// <summary>All rules in force, ready for the scan. Immutable; a new configuration is a new instance.</summary>
internal sealed class CompiledRules
{
    public static readonly CompiledRules None = new([]);

    private readonly Rule[] _rules;

    private CompiledRules(Rule[] rules) => _rules = rules;

    public int Count => _rules.Length;

    public Rule this[int index] => _rules[index];
}
