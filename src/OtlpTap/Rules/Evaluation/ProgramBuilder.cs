using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Patterns;
using OtlpTap.Rules.Values;

namespace OtlpTap.Rules.Evaluation;

/// <summary>
/// Turns conditions into instructions. Each condition is written from its end to its start, so that whatever it jumps to
/// is there already.
/// </summary>
internal sealed class ProgramBuilder(SlotLayout layout)
{
    private readonly List<Instruction> _instructions = [];
    private readonly List<Pattern> _patterns = [];
    private readonly List<Slot> _constants = [];
    private readonly List<byte> _constantBytes = [];
    private readonly List<ValueKey[]> _keys = [];

    /// <param name="rules">Indexes of the rules, and their conditions.</param>
    public RuleProgram Build(IReadOnlyList<(int Rule, Condition Condition)> rules)
    {
        var plan = GatePlan.Group(rules);
        var groups = new RuleGroup[plan.Count];
        var entries = new List<RuleEntry>();
        var next = Instruction.Miss;
        for (var i = plan.Count - 1; i >= 0; i--)
        {
            var (gate, members) = plan[i];
            groups[i] = new RuleGroup(entries.Count, members.Count, next);
            foreach (var (rule, condition) in members)
            {
                entries.Add(new RuleEntry((ushort)rule, Write(condition, Instruction.Hit, Instruction.Miss, Instruction.Error)));
            }

            var open = Instruction.OfGroup(i);
            next = gate is null ? open : Write(gate, open, next, open);
        }

        return new RuleProgram
        {
            Start = next,
            Groups = groups,
            Entries = [.. entries],
            Instructions = [.. _instructions],
            Patterns = [.. _patterns],
            Constants = [.. _constants],
            ConstantBytes = [.. _constantBytes],
            Keys = [.. _keys],
        };
    }

    private int Write(Condition condition, int whenTrue, int whenFalse, int whenError)
    {
        switch (condition)
        {
            case ConstantCondition constant:
                return constant.Value ? whenTrue : whenFalse;

            case NotCondition not:
                return Write(not.Inner, whenFalse, whenTrue, whenError);

            case AllCondition all:
                for (var i = all.Parts.Count - 1; i >= 0; i--)
                {
                    whenTrue = Write(all.Parts[i], whenTrue, whenFalse, whenError);
                }

                return whenTrue;

            case AnyCondition any:
                for (var i = any.Parts.Count - 1; i >= 0; i--)
                {
                    whenFalse = Write(any.Parts[i], whenTrue, whenFalse, whenError);
                }

                return whenFalse;

            case SameCondition same:
                return Write(same.Left, Write(same.Right, whenTrue, whenFalse, whenError), Write(same.Right, whenFalse, whenTrue, whenError), whenError);

            case CompareCondition { Operator: ComparisonOperator.NotEqual } compare:
                return Write(compare with { Operator = ComparisonOperator.Equal }, whenFalse, whenTrue, whenError);

            default:
                _instructions.Add(InstructionOf(condition) with { WhenTrue = whenTrue, WhenFalse = whenFalse, WhenError = whenError });
                return _instructions.Count - 1;
        }
    }

    private Instruction InstructionOf(Condition condition) => condition switch
    {
        CompareCondition compare => CompareInstruction(compare),
        MatchCondition match => new Instruction { Operation = Operation.IsMatch, Left = Code(match.Target), Pattern = PatternIndex(match.Pattern) },
        AffixCondition affix => new Instruction
        {
            Operation = affix is { Target: PathOperand { Keys.Count: 0 }, Affix: ConstantOperand }
                ? affix.AtStart ? Operation.StartsWith : Operation.EndsWith
                : affix.AtStart ? Operation.HasPrefix : Operation.HasSuffix,
            Left = Code(affix.Target),
            Right = Code(affix.Affix),
        },
        KindCondition kind => new Instruction { Operation = Operation.IsKind, Left = Code(kind.Target), Kind = kind.Kind },
        ContainsCondition contains => new Instruction { Operation = Operation.ContainsValue, Left = Code(contains.Target), Right = Code(contains.Item) },
        _ => throw new InvalidOperationException($"{condition} decides nothing by itself."),
    };

    private Instruction CompareInstruction(CompareCondition compare)
    {
        // Equality does not mind which side is which.
        if (compare.Operator == ComparisonOperator.Equal && compare.Left is ConstantOperand)
        {
            compare = compare with { Left = compare.Right, Right = compare.Left };
        }

        var operation = compare is { Operator: ComparisonOperator.Equal, Left: PathOperand { Keys.Count: 0 }, Right: ConstantOperand { Value.Kind: var kind } }
            ? kind switch
            {
                SlotKind.String => Operation.EqualsString,
                SlotKind.Int => Operation.EqualsInt,
                SlotKind.Missing => Operation.IsNil,
                _ => Operation.Compare,
            }
            : Operation.Compare;
        return new Instruction { Operation = operation, Comparison = compare.Operator, Left = Code(compare.Left), Right = Code(compare.Right) };
    }

    private OperandCode Code(Operand operand)
    {
        if (operand is PathOperand path)
        {
            return new OperandCode(false, Conversion.None, layout.SlotOf(path.Slot), path.Keys.Count == 0 ? -1 : KeysIndex(path.Keys));
        }

        if (operand is ConvertedOperand converted)
        {
            return new OperandCode(false, converted.Conversion, layout.SlotOf(converted.Path.Slot), KeysIndex(converted.Path.Keys));
        }

        var constant = ((ConstantOperand)operand).Value;
        _constants.Add(new Slot { Kind = constant.Kind, Offset = _constantBytes.Count, Length = constant.Bytes.Length, Bits = constant.Bits });
        _constantBytes.AddRange(constant.Bytes);
        return new OperandCode(true, Conversion.None, _constants.Count - 1, -1);
    }

    private int KeysIndex(IReadOnlyList<ValueKey> keys)
    {
        _keys.Add([.. keys]);
        return _keys.Count - 1;
    }

    private int PatternIndex(Pattern pattern)
    {
        var known = _patterns.FindIndex(other => other.Text == pattern.Text);
        if (known >= 0)
        {
            return known;
        }

        _patterns.Add(pattern);
        return _patterns.Count - 1;
    }
}
