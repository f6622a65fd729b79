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
    /// <summary>Each gate once, with the rules behind it; null for rules without one.</summary>
    public static List<(Condition? Gate, List<(int Rule, Condition Condition)> Rules)> Group(IReadOnlyList<(int Rule, Condition Condition)> rules)
    {
        var groups = new List<(Condition?, List<(int, Condition)>)>();
        var open = rules.Select(rule => (rule.Rule, rule.Condition, Gates: GatesOf(rule.Condition).Distinct().ToList())).ToList();
        while (open.Count > 0)
        {
            // The gate that most of the remaining rules share; of equals the more selective one.
            var best = open.SelectMany(rule => rule.Gates)
                .GroupBy(gate => gate)
                .OrderByDescending(group => group.Count())
                .ThenBy(group => group.Key.Kind)
                .FirstOrDefault();
            if (best is null)
            {
                groups.Add((null, open.ConvertAll(rule => (rule.Rule, rule.Condition))));
                break;
            }

            var members = open.FindAll(rule => rule.Gates.Contains(best.Key));
            open.RemoveAll(rule => rule.Gates.Contains(best.Key));
            var conditions = members.ConvertAll(rule => (rule.Rule, rule.Condition));
            groups.Add((ConditionOf(best.Key, conditions.ConvertAll(rule => rule.Condition)), conditions));
        }

        return groups;
    }

    private static Condition? ConditionOf(Gate gate, List<Condition> behind)
    {
        var path = new PathOperand(gate.Slot, []);
        switch (gate.Kind)
        {
            case GateKind.Equal:
                return new CompareCondition(path, ComparisonOperator.Equal, new ConstantOperand(new Constant(gate.ValueKind, gate.Bits, Convert.FromHexString(gate.Bytes))));

            case GateKind.Match:
                // Of each rule, the match that stands first is enough.
                var patterns = behind.ConvertAll(condition => Patterns(condition, gate.Slot).First()).Distinct().ToList();
                return (patterns.Count == 1 ? patterns[0] : Pattern.AnyOf(patterns)) is { } any ? new MatchCondition(path, any) : null;

            default:
                return new NotCondition(new CompareCondition(path, ComparisonOperator.Equal, new ConstantOperand(Constant.Nil)));
        }
    }

    /// <summary>The gates without which the condition is false and no error.</summary>
    private static IEnumerable<Gate> GatesOf(Condition condition)
    {
        switch (condition)
        {
            case AllCondition all:
                // Behind a part that can fail nothing counts: the failure would come first.
                var reached = all.Parts.TakeWhile((_, i) => i == 0 || !CanFail(all.Parts[i - 1])).ToList();
                return reached.SelectMany(GatesOf);

            case AnyCondition any:
                return any.Parts.Select(GatesOf).Aggregate((left, right) => left.Intersect(right)).Where(gate => gate.Kind != GateKind.Match);

            case CompareCondition compare:
                return GatesOf(compare);

            case NotCondition { Inner: CompareCondition compare }:
                return IsNilTest(compare, ComparisonOperator.Equal, out var present) ? [Gate.Present(present)] : [];

            case MatchCondition { Target: PathOperand { Keys.Count: 0 } path }:
                return [Gate.Match(path.Slot)];

            case KindCondition { Target: PathOperand { Keys.Count: 0 } path, Kind: not SlotKind.Bytes }:
                return [Gate.Present(path.Slot)];

            default:
                return [];
        }
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
        if (compare.Operator == ComparisonOperator.Equal && constant.Value.Kind is SlotKind.String or SlotKind.Int or SlotKind.Bool)
        {
            gates.Add(Gate.Equal(path.Slot, constant.Value));
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
        AllCondition all => all.Parts.TakeWhile((_, i) => i == 0 || !CanFail(all.Parts[i - 1])).SelectMany(part => Patterns(part, slot)),
        MatchCondition { Target: PathOperand { Keys.Count: 0 } path } match when path.Slot == slot => [match.Pattern],
        _ => [],
    };

    /// <summary>In the order of preference.</summary>
    private enum GateKind
    {
        Equal,
        Match,
        Present,
    }

    private readonly record struct Gate(GateKind Kind, SlotReference Slot, SlotKind ValueKind = default, long Bits = 0, string Bytes = "")
    {
        public static Gate Present(SlotReference slot) => new(GateKind.Present, slot);

        public static Gate Match(SlotReference slot) => new(GateKind.Match, slot);

        public static Gate Equal(SlotReference slot, Constant value) => new(GateKind.Equal, slot, value.Kind, value.Bits, Convert.ToHexString(value.Bytes));
    }
}
