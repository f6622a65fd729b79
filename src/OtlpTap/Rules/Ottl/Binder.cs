using OtlpTap.Rules.Patterns;
using OtlpTap.Rules.Values;

namespace OtlpTap.Rules.Ottl;

/// <summary>
/// Gives the names of a condition their meaning and checks its types. Collects all problems of the condition; whatever
/// OTTL has and a rule cannot evaluate is one of them, and says so.
/// </summary>
internal sealed class Binder
{
    private readonly RuleContext _context;
    private readonly BindingProblems _problems;
    private readonly ConstantBinder _constants;
    private readonly PathBinder _paths;
    private readonly Dictionary<string, Pattern> _patterns;

    private Binder(RuleContext context, List<OttlProblem> problems, Dictionary<string, Pattern> patterns)
    {
        _patterns = patterns;
        _context = context;
        _problems = new BindingProblems(problems);
        _constants = new ConstantBinder(context, _problems);
        _paths = new PathBinder(context, _problems);
    }

    /// <summary>Null when problems were added.</summary>
    /// <param name="patterns">Those of conditions bound before, by their text: packs say the same in many rules, and a pattern costs a millisecond and its memory.</param>
    public static Condition? Bind(BooleanSyntax syntax, RuleContext context, List<OttlProblem> problems, Dictionary<string, Pattern> patterns)
    {
        var before = problems.Count;
        var condition = new Binder(context, problems, patterns).Bind(syntax);
        return problems.Count == before ? condition : null;
    }

    private Condition Bind(BooleanSyntax syntax) => syntax switch
    {
        ConstantSyntax constant => new ConstantCondition(constant.Value),
        NotSyntax not => Negate(Bind(not.Inner)),
        AndSyntax and => All(and.Terms.Select(Bind).ToList()),
        OrSyntax or => Any(or.Terms.Select(Bind).ToList()),
        ConverterConditionSyntax converter => BindCondition(converter.Converter),
        _ => BindComparison((ComparisonSyntax)syntax),
    };

    // A constant anywhere decides a chain, even behind a part that would fail: so does the reference, when it parses.
    private static Condition All(List<Condition> parts)
    {
        if (parts.Contains(Condition.False))
        {
            return Condition.False;
        }

        parts.RemoveAll(part => part == Condition.True);
        return parts.Count switch { 0 => Condition.True, 1 => parts[0], _ => new AllCondition(parts) };
    }

    private static Condition Any(List<Condition> parts)
    {
        if (parts.Contains(Condition.True))
        {
            return Condition.True;
        }

        parts.RemoveAll(part => part == Condition.False);
        return parts.Count switch { 0 => Condition.False, 1 => parts[0], _ => new AnyCondition(parts) };
    }

    private static Condition Negate(Condition condition) =>
        condition is ConstantCondition constant ? new ConstantCondition(!constant.Value) : new NotCondition(condition);

    private Condition BindComparison(ComparisonSyntax syntax)
    {
        var left = ConversionOf(syntax.Left) is null ? syntax.Left as ConverterSyntax : null;
        var right = ConversionOf(syntax.Right) is null ? syntax.Right as ConverterSyntax : null;
        if (left is null && right is null)
        {
            return Compare(BindOperand(syntax.Left), syntax.Operator, BindOperand(syntax.Right));
        }

        var equal = syntax.Operator == ComparisonOperator.Equal;
        if (!equal && syntax.Operator != ComparisonOperator.NotEqual)
        {
            return Unsupported(syntax.Position, "a converter's answer is compared with == and != only");
        }

        if (left is not null && right is not null)
        {
            var same = new SameCondition(BindCondition(left), BindCondition(right));
            return equal ? same : new NotCondition(same);
        }

        var other = left is null ? syntax.Left : syntax.Right;
        var problemsBefore = _problems.Count;
        var condition = BindCondition(left ?? right!);
        if (other is not BoolSyntax expected)
        {
            // One problem with the converter is enough.
            if (_problems.Count > problemsBefore)
            {
                return Condition.False;
            }

            return Unsupported(other.Position, "a converter's answer is compared with true, false or another converter's answer only");
        }

        return expected.Value == equal ? condition : Negate(condition);
    }

    private static Condition Compare(Operand? left, ComparisonOperator comparison, Operand? right)
    {
        if (left is null || right is null)
        {
            return Condition.False;
        }

        if (left is not ConstantOperand(var leftValue) || right is not ConstantOperand(var rightValue))
        {
            return new CompareCondition(left, comparison, right);
        }

        var outcome = Comparison.Compare(ViewOf(leftValue), comparison, ViewOf(rightValue));
        return outcome == Outcome.True ? Condition.True : Condition.False;
    }

    private static ValueView ViewOf(Constant constant) =>
        new(new Slot { Kind = constant.Kind, Length = constant.Bytes.Length, Bits = constant.Bits }, constant.Bytes);

    private Condition BindCondition(ConverterSyntax converter)
    {
        if (converter.Keys.Count > 0)
        {
            return Unsupported(converter.Keys[0].Position, $"a converter's answer cannot be indexed{Names.Elsewhere(converter.Name)}");
        }

        switch (converter.Name)
        {
            case "IsMatch":
                return Arguments(converter, "target", "pattern") is [var target, var pattern] ? BindMatch(target, pattern) : Condition.False;
            case "HasPrefix":
                return Arguments(converter, "target", "prefix") is [var text, var prefix] ? BindAffix(converter.Name, text, prefix, atStart: true) : Condition.False;
            case "HasSuffix":
                return Arguments(converter, "target", "suffix") is [var whole, var suffix] ? BindAffix(converter.Name, whole, suffix, atStart: false) : Condition.False;
            case "ContainsValue":
                return Arguments(converter, "target", "item") is [var list, var item] ? BindContains(list, item) : Condition.False;
            case "IsString":
                return BindKind(converter, SlotKind.String);
            case "IsBool":
                return BindKind(converter, SlotKind.Bool);
            case "IsInt":
                return BindKind(converter, SlotKind.Int);
            case "IsDouble":
                return BindKind(converter, SlotKind.Double);
            case "IsMap":
                return BindKind(converter, SlotKind.Map);
            case "IsList":
                return BindKind(converter, SlotKind.List);
            case "IsRootSpan" when _context != RuleContext.Span:
                return Problem(converter.Position, "IsRootSpan() exists in the span context only.");
            case var name when Names.IsConverter(name):
                return Unsupported(converter.Position, $"the converter {name} cannot be used{Names.Elsewhere(name)}");
            default:
                return Problem(converter.Position, $"There is no converter named {converter.Name}{Names.Suggest(converter.Name, Names.Converters)}");
        }
    }

    /// <summary>In the order of the parameters; null when the call is wrong.</summary>
    private List<ValueSyntax>? Arguments(ConverterSyntax converter, params ReadOnlySpan<string> parameters)
    {
        if (converter.Arguments.Count != parameters.Length)
        {
            Problem(converter.Position, $"{converter.Name} takes {parameters.Length} arguments ({string.Join(", ", parameters)}), not {converter.Arguments.Count}.");
            return null;
        }

        var values = new ValueSyntax?[parameters.Length];
        for (var i = 0; i < converter.Arguments.Count; i++)
        {
            var argument = converter.Arguments[i];
            var at = argument.Name is null ? i : parameters.IndexOf(argument.Name);
            if (argument.Name is null && i > 0 && converter.Arguments[i - 1].Name is not null)
            {
                Problem(argument.Position, "An argument without a name stands behind one with a name.");
                return null;
            }

            if (at < 0)
            {
                Problem(argument.Position, $"{converter.Name} has no parameter named {argument.Name} ({string.Join(", ", parameters)}).");
                return null;
            }

            if (values[at] is not null)
            {
                // The reference lets it pass and crashes when it comes to it.
                Unsupported(argument.Position, $"the argument {parameters[at]} is given twice");
                return null;
            }

            values[at] = argument.Value;
        }

        return [.. values.Select(value => value!)];
    }

    private Condition BindMatch(ValueSyntax target, ValueSyntax pattern)
    {
        var operand = BindOperand(target);
        switch (pattern)
        {
            case StringSyntax text:
                if (!_patterns.TryGetValue(text.Value, out var parsed))
                {
                    parsed = Pattern.Parse(text.Value, out var problem);
                    if (parsed is null)
                    {
                        return Problem(text.Position, problem);
                    }

                    _patterns.Add(text.Value, parsed);
                }

                return operand is null ? Condition.False : new MatchCondition(operand, parsed);

            case PathSyntax or ConverterSyntax or ArithmeticSyntax:
                return Unsupported(pattern.Position, "a pattern is a string written in the condition, so that it is checked before spans come");

            default:
                return Problem(pattern.Position, "A pattern is a string.");
        }
    }

    private Condition BindAffix(string name, ValueSyntax target, ValueSyntax affix, bool atStart)
    {
        var text = BindText(name, target);
        var part = BindText(name, affix);
        return text is null || part is null ? Condition.False : new AffixCondition(text, part, atStart);
    }

    private Operand? BindText(string name, ValueSyntax syntax)
    {
        var operand = BindOperand(syntax);
        if (operand is ConstantOperand { Value.Kind: not SlotKind.String })
        {
            Problem(syntax.Position, $"{name} takes strings.");
            return null;
        }

        return operand;
    }

    private Condition BindKind(ConverterSyntax converter, SlotKind kind)
    {
        if (Arguments(converter, "target") is not [var target] || BindOperand(target) is not { } operand)
        {
            return Condition.False;
        }

        if (operand is not ConstantOperand(var constant))
        {
            return new KindCondition(operand, kind);
        }

        // The reference checks a constant against the type in question when it parses; only for lists it does not.
        return constant.Kind == kind ? Condition.True
            : kind == SlotKind.List ? Condition.False
            : Problem(target.Position, $"{converter.Name} of a constant of another type.");
    }

    private Condition BindContains(ValueSyntax target, ValueSyntax item)
    {
        var list = BindOperand(target);
        var value = BindOperand(item);
        if (list is ConstantOperand { Value.Kind: not SlotKind.List })
        {
            return Problem(target.Position, "ContainsValue looks into a list.");
        }

        return list is null || value is null ? Condition.False : new ContainsCondition(list, value);
    }

    /// <summary>Null for what is no converter that a slot program can apply to a value.</summary>
    private static Conversion? ConversionOf(ValueSyntax syntax) => (syntax as ConverterSyntax)?.Name switch
    {
        "Int" => Conversion.Int,
        "Double" => Conversion.Double,
        "Len" => Conversion.Length,
        _ => null,
    };

    /// <summary>Null when problems were added.</summary>
    private Operand? BindOperand(ValueSyntax syntax)
    {
        if (syntax is PathSyntax path)
        {
            return _paths.Bind(path);
        }

        if (ConversionOf(syntax) is { } conversion)
        {
            var converter = (ConverterSyntax)syntax;
            if (Arguments(converter, "target") is not [var target])
            {
                return null;
            }

            if (target is PathSyntax argument && converter.Keys.Count == 0)
            {
                return _paths.Bind(argument) is { } bound ? new ConvertedOperand(bound, conversion) : null;
            }

            Unsupported(converter.Position, $"{converter.Name} takes a path");
            return null;
        }

        if (syntax is SignSyntax { Negative: false, Inner: var inner })
        {
            return BindOperand(inner);
        }

        return _constants.Bind(syntax) is { } constant ? new ConstantOperand(constant) : null;
    }

    private Condition Problem(int position, string message)
    {
        _problems.Wrong(position, message);
        return Condition.False;
    }

    private Condition Unsupported(int position, string what)
    {
        _problems.Unsupported(position, what);
        return Condition.False;
    }
}
