namespace OtlpTap.Rules.Expressions;

/// <summary>A call of a converter, its arguments bound to its parameters.</summary>
internal sealed class ConverterCall(string name, Expression?[] arguments, Action<int, string> report, TimeProvider clock)
{
    public string Name => name;

    /// <summary>What is the present for a time without a year.</summary>
    public TimeProvider Clock => clock;

    public bool IsGiven(int parameter) => arguments[parameter] is not null;

    /// <summary>The argument of a parameter that must be there.</summary>
    public Expression this[int parameter] => arguments[parameter]!;

    /// <summary>Null unless the argument is known without an item.</summary>
    public Value? Literal(int parameter) => arguments[parameter] is LiteralExpression literal ? literal.Value : null;

    public string? LiteralText(int parameter) => Literal(parameter) is TextValue text ? text.Text : null;

    public bool LiteralBool(int parameter) => Literal(parameter) == BoolValue.True;

    /// <summary>The elements of a list that is written in place.</summary>
    public IReadOnlyList<Expression> Elements(int parameter) => ((ArgumentList)arguments[parameter]!).Elements;

    /// <summary>The call is refused: null, for the caller to return.</summary>
    public Func<TelemetryItem, Value>? Refuse(int parameter, string problem)
    {
        report(parameter, problem);
        return null;
    }

    /// <summary>All arguments at an item, in order; nil for one that is not given. The first that fails is returned.</summary>
    public Failure? Evaluate(TelemetryItem item, Value[] values)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            values[i] = arguments[i]?.Get(item) ?? Value.Nil;
            if (values[i] is Failure failure)
            {
                return failure;
            }
        }

        return null;
    }
}

/// <summary>A list written in place for a parameter that takes one: its elements have the parameter's type.</summary>
internal sealed class ArgumentList(IReadOnlyList<Expression> elements) : Expression
{
    private readonly ListExpression _list = new(elements);

    public IReadOnlyList<Expression> Elements => elements;

    public override Value Get(TelemetryItem item) => _list.Get(item);
}
