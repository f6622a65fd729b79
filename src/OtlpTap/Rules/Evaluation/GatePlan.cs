using System.Text;
using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Patterns;

namespace OtlpTap.Rules.Evaluation;

/// <summary>
/// Spares a healthy span most of the work: rules that are all false, without an error, unless some simple condition
/// holds are put behind that condition, a gate. Typical gates are a status of ERROR, the presence of an attribute, or a
/// match of any of the patterns that several rules try on one attribute.
/// </summary>
internal static class GatePlan
{
    /// <summary>A gate with more alternatives costs what it spares.</summary>
    private const int AlternativesMax = 4;

    private const int StatusError = 2;
    private const double FailureOdds = 0.01;
    private const double MatchOdds = 0.3;
    private const double EqualOdds = 0.2;
    private const double PresentOdds = 0.5;

    /// <summary>Each gate once, with the rules behind it; null for rules without one.</summary>
    public static List<(Condition? Gate, List<(int Rule, Condition Condition)> Rules)> Group(IReadOnlyList<(int Rule, Condition Condition)> rules)
    {
        var groups = new List<(Condition?, List<(int, Condition)>)>();
        foreach (var group in rules.GroupBy(rule => GatesOf(rule.Condition).MinBy(gate => gate.Odds)))
        {
            var members = group.ToList();
            groups.Add((group.Key is { } gate ? ConditionOf(gate, members.ConvertAll(rule => rule.Condition)) : null, members));
        }

        return groups;
    }

    private static Condition? ConditionOf(Gate gate, List<Condition> behind)
    {
        if (gate.Kind != GateKind.Match)
        {
            return gate.Condition;
        }

        // Of each rule, the match that stands first is enough.
        var path = (PathOperand)((MatchCondition)gate.Condition).Target;
        var patterns = behind.ConvertAll(condition => Patterns(condition, path.Slot).First()).Distinct().ToList();
        return (patterns.Count == 1 ? patterns[0] : Pattern.AnyOf(patterns)) is { } any ? new MatchCondition(path, any) : null;
    }

    /// <summary>The gates without which the condition is false and no error.</summary>
    private static IEnumerable<Gate> GatesOf(Condition condition)
    {
        switch (condition)
        {
            case AllCondition all:
                return Reached(all).SelectMany(GatesOf);

            case AnyCondition any:
                return GatesOfAny(any.Parts.Select(part => GatesOf(part).Where(gate => gate.Kind != GateKind.Match).ToList()).ToList());

            case CompareCondition compare:
                return GatesOf(compare);

            case NotCondition { Inner: CompareCondition compare }:
                return IsNilTest(compare, ComparisonOperator.Equal, out var present) ? [Gate.Present(present)] : [];

            case MatchCondition { Target: PathOperand { Keys.Count: 0 } path } match:
                return [new Gate(GateKind.Match, path.Slot.ToString(), match, MatchOdds)];

            case KindCondition { Target: PathOperand { Keys.Count: 0 } path, Kind: not SlotKind.Bytes }:
                return [Gate.Present(path.Slot)];

            default:
                return [];
        }
    }

    /// <summary>Behind a part that can fail nothing counts: the failure would come first.</summary>
    private static IEnumerable<Condition> Reached(AllCondition all) => all.Parts.TakeWhile((_, i) => i == 0 || !CanFail(all.Parts[i - 1]));

    /// <summary>What all alternatives have in common, or one gate of each.</summary>
    private static List<Gate> GatesOfAny(List<List<Gate>> alternatives)
    {
        if (alternatives.Any(gates => gates.Count == 0))
        {
            return [];
        }

        var common = alternatives.Aggregate((left, right) => [.. left.Intersect(right)]);
        if (alternatives.Count > AlternativesMax)
        {
            return common;
        }

        var parts = alternatives.ConvertAll(gates => gates.MinBy(gate => gate.Odds)!);
        var any = new Gate(GateKind.Any, string.Join(" or ", parts.Select(part => part.Key)), new AnyCondition(parts.ConvertAll(part => part.Condition)), parts.Sum(part => part.Odds));
        return [.. common, any];
    }

    private static List<Gate> GatesOf(CompareCondition compare)
    {
        if (IsNilTest(compare, ComparisonOperator.NotEqual, out var present))
        {
            return [Gate.Present(present)];
        }

        // Against a constant that is not nil, every comparison but != is false for nil.
        var (path, constant) = (compare.Left, compare.Right) switch
        {
            (PathOperand left, ConstantOperand right) => (left, right),
            (ConstantOperand left, PathOperand right) => (right, left),
            _ => (null, null),
        };
        if (path is not { Keys.Count: 0 } || constant!.Value.Kind == SlotKind.Missing || compare.Operator == ComparisonOperator.NotEqual)
        {
            return [];
        }

        var gates = new List<Gate> { Gate.Present(path.Slot) };
        if (compare.Operator == ComparisonOperator.Equal && constant.Value.Kind is SlotKind.String or SlotKind.Int)
        {
            gates.Add(Gate.Equal(path, constant));
        }

        return gates;
    }

    private static bool IsNilTest(CompareCondition compare, ComparisonOperator comparison, out SlotReference slot)
    {
        var path = (compare.Left, compare.Right) switch
        {
            (PathOperand left, ConstantOperand { Value.Kind: SlotKind.Missing }) => left,
            (ConstantOperand { Value.Kind: SlotKind.Missing }, PathOperand right) => right,
            _ => null,
        };
        slot = path?.Slot ?? default;
        return path is { Keys.Count: 0 } && compare.Operator == comparison;
    }

    private static bool CanFail(Condition condition) => condition switch
    {
        ConstantCondition => false,
        NotCondition not => CanFail(not.Inner),
        AllCondition all => all.Parts.Any(CanFail),
        AnyCondition any => any.Parts.Any(CanFail),
        SameCondition same => CanFail(same.Left) || CanFail(same.Right),
        KindCondition kind => kind.Target is PathOperand { Keys.Count: > 0 },
        CompareCondition { Left: ConstantOperand { Value.Kind: not (SlotKind.List or SlotKind.Map) }, Right: PathOperand { Keys.Count: 0 } } => false,
        CompareCondition { Right: ConstantOperand { Value.Kind: not (SlotKind.List or SlotKind.Map) }, Left: PathOperand { Keys.Count: 0 } } => false,
        _ => true,
    };

    private static IEnumerable<Pattern> Patterns(Condition condition, SlotReference slot) => condition switch
    {
        AllCondition all => Reached(all).SelectMany(part => Patterns(part, slot)),
        MatchCondition { Target: PathOperand { Keys.Count: 0 } path } match when path.Slot == slot => [match.Pattern],
        _ => [],
    };

    private enum GateKind
    {
        Equal,
        Match,
        Any,
        Present,
    }

    /// <param name="Key">The same for gates that are the same.</param>
    /// <param name="Odds">
    /// How often it is open on healthy spans, guessed: only which of a rule's gates is the smallest matters. A status of
    /// ERROR and attributes that speak of errors are seldom there, a pattern seldom matches, others are as likely as not.
    /// </param>
    private sealed record Gate(GateKind Kind, string Key, Condition Condition, double Odds)
    {
        public static Gate Present(SlotReference slot) => new(
            GateKind.Present,
            $"{slot} present",
            new NotCondition(new CompareCondition(new PathOperand(slot, []), ComparisonOperator.Equal, new ConstantOperand(Constant.Nil))),
            SpeaksOfFailure(slot.Attribute) ? FailureOdds : PresentOdds);

        public static Gate Equal(PathOperand path, ConstantOperand constant) => new(
            GateKind.Equal,
            $"{path.Slot} is {constant.Value.Kind} {constant.Value.Bits} {Convert.ToHexString(constant.Value.Bytes)}",
            new CompareCondition(path, ComparisonOperator.Equal, constant),
            IsFailure(path.Slot, constant.Value) ? FailureOdds : EqualOdds);

        public bool Equals(Gate? other) => other is not null && Kind == other.Kind && Key == other.Key;

        public override int GetHashCode() => HashCode.Combine(Kind, Key);

        private static bool IsFailure(SlotReference slot, Constant value) =>
            (slot == SlotReference.OfField(FixedSlots.StatusCode) && value.Bits == StatusError)
            || SpeaksOfFailure(slot.Attribute)
            || SpeaksOfFailure(Encoding.UTF8.GetString(value.Bytes));

        private static bool SpeaksOfFailure(string text) =>
            text.Contains("error", StringComparison.OrdinalIgnoreCase)
            || text.Contains("fail", StringComparison.OrdinalIgnoreCase)
            || text.Contains("exception", StringComparison.OrdinalIgnoreCase);
    }
}
