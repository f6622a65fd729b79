using System.Collections.Immutable;
using OtlpTap.Health;

namespace OtlpTap.Advice.Conditions;

/// <summary>
/// A condition over values of health, such as <c>tool.errors.ratio_1m > 50% and tool.calls_1m >= 5</c>. A comparison with a
/// value of which nothing is known is false. Two are equal when their texts are.
/// </summary>
internal sealed class PolicyCondition : IEquatable<PolicyCondition>
{
    /// <summary>Conditions are written by hand.</summary>
    public const int LengthMax = 4096;

    /// <summary>Advice shows them all.</summary>
    public const int ValuesMax = 64;

    private readonly ConditionNode _root;

    private PolicyCondition(string text, ConditionNode root, ConditionParser parser)
    {
        Text = text;
        _root = root;
        Names = parser.Names;
        Values = parser.Values;
        Offsets = parser.Offsets;
        Level = Values.Max(value => Levels.Of(value.Subject));
    }

    public string Text { get; }

    /// <summary>Of <see cref="Values"/>, in the order in which they are first named.</summary>
    public ImmutableArray<string> Names { get; }

    public ImmutableArray<HealthValue> Values { get; }

    /// <summary>Where in <see cref="Text"/> each of them is first named.</summary>
    public ImmutableArray<int> Offsets { get; }

    /// <summary>The scopes that it is evaluated at. Values of other levels are read at the agent above.</summary>
    public Level Level { get; }

    /// <summary>Null where there are problems.</summary>
    public static PolicyCondition? Parse(string text, List<ConditionProblem> problems)
    {
        var before = problems.Count;
        var parser = new ConditionParser(text, problems);
        var root = parser.Parse();
        return root is null || problems.Count > before ? null : new PolicyCondition(text, root, parser);
    }

    /// <param name="values">At a scope of <see cref="Level"/>.</param>
    public bool Holds(ConditionReading values) => _root.Holds(values);

    public bool Equals(PolicyCondition? other) => other is not null && Text == other.Text;

    public override bool Equals(object? obj) => Equals(obj as PolicyCondition);

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Text;
}
