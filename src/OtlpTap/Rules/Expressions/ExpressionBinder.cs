using OtlpTap.Rules.Ottl;

namespace OtlpTap.Rules.Expressions;

/// <summary>Makes a tree that evaluates itself of a condition as it is written: all of OTTL, for wherever there is time for it.</summary>
internal sealed class ExpressionBinder
{
    private readonly RuleContext _context;
    private readonly bool _allowBarePaths;
    private readonly TimeProvider _clock;
    private readonly List<OttlProblem> _problems;
    private readonly IReadOnlyList<string> _readable;

    private ExpressionBinder(RuleContext context, bool allowBarePaths, TimeProvider clock, List<OttlProblem> problems)
    {
        _context = context;
        _allowBarePaths = allowBarePaths;
        _clock = clock;
        _problems = problems;
        _readable = Names.ContextsFor(context);
    }

    /// <summary>Null when problems were added.</summary>
    /// <param name="allowBarePaths">Whether <c>attributes["x"]</c> is read as one of the condition's own context.</param>
    public static Expression? Bind(BooleanSyntax syntax, RuleContext context, bool allowBarePaths, TimeProvider clock, List<OttlProblem> problems)
    {
        var before = problems.Count;
        var expression = new ExpressionBinder(context, allowBarePaths, clock, problems).Bind(syntax);
        return problems.Count == before ? expression : null;
    }

    private static LiteralExpression Constant(bool value) => new(BoolValue.Of(value));

    private Expression Bind(BooleanSyntax syntax)
    {
        switch (syntax)
        {
            case ConstantSyntax constant:
                return Constant(constant.Value);
            case NotSyntax not:
                return Bind(not.Inner) switch { LiteralExpression literal => Constant(literal.Value != BoolValue.True), var inner => new NotExpression(inner) };
            case AndSyntax and:
                return Chain(and.Terms, decisive: false);
            case OrSyntax or:
                return Chain(or.Terms, decisive: true);
            case ConverterConditionSyntax converter:
                return new ConverterConditionExpression(Bind(converter.Converter));
            default:
                var comparison = (ComparisonSyntax)syntax;
                var left = Bind(comparison.Left);
                var right = Bind(comparison.Right);
                return left is LiteralExpression x && right is LiteralExpression y
                    ? new LiteralExpression(ValueComparison.Compare(x.Value, comparison.Operator, y.Value))
                    : new ComparisonExpression(left, comparison.Operator, right);
        }
    }

    // A constant anywhere decides a chain, even behind a part that would fail.
    private Expression Chain(IReadOnlyList<BooleanSyntax> terms, bool decisive)
    {
        var parts = terms.Select(Bind).ToList();
        if (parts.Exists(part => part is LiteralExpression literal && literal.Value == BoolValue.Of(decisive)))
        {
            return Constant(decisive);
        }

        parts.RemoveAll(part => part is LiteralExpression);
        return parts.Count switch { 0 => Constant(!decisive), 1 => parts[0], _ => new ChainExpression(parts, decisive) };
    }

    private Expression Bind(ValueSyntax syntax)
    {
        switch (syntax)
        {
            case NilSyntax:
                return new LiteralExpression(Value.Nil);
            case StringSyntax text:
                return new LiteralExpression(new TextValue(ByteText.Of(text.Value)));
            case IntSyntax number:
                return new LiteralExpression(new IntValue(number.Value));
            case FloatSyntax number:
                return new LiteralExpression(new DoubleValue(number.Value));
            case BoolSyntax boolean:
                return Constant(boolean.Value);
            case BytesSyntax bytes:
                return new LiteralExpression(new BytesValue(bytes.Value));
            case EnumSyntax symbol:
                return Names.EnumValue(symbol.Name, _context) is { } value
                    ? new LiteralExpression(new IntValue(value))
                    : Problem(symbol.Position, $"There is no enum symbol {symbol.Name}{Names.Suggest(symbol.Name, Names.EnumsFor(_context))}");
            case SignSyntax { Negative: true, IsOfSum: false, Inner: IntSyntax number }:
                return new LiteralExpression(new IntValue(-number.Value));
            case SignSyntax { Negative: true, IsOfSum: false, Inner: FloatSyntax number }:
                return new LiteralExpression(new DoubleValue(-number.Value));
            case SignSyntax sign:
                return sign.Negative ? new NegateExpression(Bind(sign.Inner)) : Bind(sign.Inner);
            case ArithmeticSyntax arithmetic:
                return new ArithmeticExpression(Bind(arithmetic.Left), arithmetic.Operator, Bind(arithmetic.Right));
            case ListSyntax list:
                var elements = list.Values.Select(Bind).ToList();
                return Folded(new ListExpression(elements), elements);
            case MapSyntax map:
                return BindMap(map);
            case PathSyntax path:
                return BindPath(path);
            case ConverterSyntax converter:
                return BindConverter(converter);
            default:
                var name = (FunctionNameSyntax)syntax;
                return Problem(name.Position, $"'{name.Name}' is no value: a converter is called with parentheses.");
        }
    }

    private Expression BindMap(MapSyntax map)
    {
        var entries = new Dictionary<string, Expression>(StringComparer.Ordinal);
        foreach (var (key, value) in map.Entries)
        {
            entries[ByteText.Of(key)] = Bind(value);
        }

        var literal = Folded(new MapExpression([.. entries]), entries.Values);
        return literal is LiteralExpression { Value: Failure failure } ? Problem(map.Position, $"This map cannot be made: {failure.Message}.") : literal;
    }

    /// <summary>Of literals alone it is one.</summary>
    private static Expression Folded(Expression expression, IEnumerable<Expression> parts) =>
        parts.All(part => part is LiteralExpression) ? new LiteralExpression(expression.Get(null!)) : expression;

    private Expression BindPath(PathSyntax path)
    {
        IReadOnlyList<FieldSyntax> fields = path.Fields;
        var context = _readable[0];
        if (fields.Count > 1 && fields[0].Keys.Count == 0 && Names.ContextOf(fields[0].Name) is { } named)
        {
            if (!_readable.Contains(named))
            {
                return Problem(path.Position, $"A {_readable[0]} condition cannot read {fields[0].Name}; it reads {string.Join(", ", _readable)}.");
            }

            context = named;
            fields = [.. fields.Skip(1)];
        }
        else if (!_allowBarePaths)
        {
            var first = fields[0].Name;
            return Problem(path.Position, fields.Count > 1 && fields[0].Keys.Count == 0 && !IsField(first)
                ? $"{first} is no context of a {_readable[0]} condition{Names.Suggest(first, _readable)}"
                : $"A path starts with its context: {_readable[0]}.{first}.");
        }

        var name = string.Join('.', fields.Select(field => field.Name));
        var keys = fields[^1].Keys;
        if (fields.Take(fields.Count - 1).Any(field => field.Keys.Count > 0))
        {
            return Problem(fields[^1].Position, $"Nothing can follow a key with a dot; a further key stands in brackets: [\"{fields[^1].Name}\"].");
        }

        var bound = keys.Select(Bind).ToList();
        if (PathBinding.Find(_context, context, name, bound) is { } get)
        {
            return new FunctionExpression(get);
        }

        return Problem(fields[0].Position, keys.Count > 0 && Names.FieldsOf(context).Contains(name)
            ? $"{context}.{name} has no such keys."
            : name == "cache" ? $"The cache is {_readable[0]}.cache; {context} has none."
            : fields.Count > 1 && Names.FieldsOf(context).Contains(fields[0].Name) && fields[0].Name is "attributes" or "cache" or "body"
                ? $"Nothing can follow {context}.{fields[0].Name} with a dot; a key stands in brackets: {context}.{fields[0].Name}[\"{fields[1].Name}\"]."
            : $"{context} has no field {name}{Names.Suggest(name, Names.FieldsOf(context))}");
    }

    private bool IsField(string name) => Names.FieldsOf(_readable[0]).Any(field => field.Split('.')[0] == name);

    private Expression BindConverter(ConverterSyntax syntax)
    {
        if (!Converters.All.TryGetValue(syntax.Name, out var converter))
        {
            return Problem(syntax.Position, $"There is no converter named {syntax.Name}{Names.Suggest(syntax.Name, Names.Converters)}");
        }

        if (converter.Name == Converters.IsRootSpan && _context != RuleContext.Span)
        {
            return Problem(syntax.Position, "IsRootSpan() exists in the span context only.");
        }

        var arguments = new Expression?[converter.Parameters.Count];
        var positions = new int[converter.Parameters.Count];
        if (!converter.IgnoresArguments && !TryArguments(syntax, converter, arguments, positions))
        {
            return new LiteralExpression(Value.Nil);
        }

        var call = new ConverterCall(converter.Name, arguments, (parameter, problem) => Problem(parameter < 0 ? syntax.Position : positions[parameter], problem), _clock);
        var keys = syntax.Keys.Select(Bind).ToList();
        if (converter.Bind(call) is not { } get)
        {
            return new LiteralExpression(Value.Nil);
        }

        var answer = new FunctionExpression(get);
        return keys.Count == 0 ? answer : new IndexExpression(answer, keys);
    }

    private bool TryArguments(ConverterSyntax syntax, Converter converter, Expression?[] arguments, int[] positions)
    {
        var parameters = converter.Parameters;
        var required = parameters.Count(parameter => !parameter.IsOptional);
        var given = syntax.Arguments;
        if (given.Count < required || given.Count > parameters.Count)
        {
            var expected = required == parameters.Count ? $"{required}" : $"{required} to {parameters.Count}";
            Problem(syntax.Position, $"{converter.Name} takes {expected} argument{(parameters.Count == 1 ? "" : "s")} ({string.Join(", ", parameters.Select(parameter => parameter.ConditionName))}), not {given.Count}.");
            return false;
        }

        var problemsBefore = _problems.Count;
        var isNamed = false;
        for (var i = 0; i < given.Count; i++)
        {
            var argument = given[i];
            isNamed |= argument.Name is not null;
            var at = argument.Name is null ? i : IndexOf(parameters, argument.Name);
            if (isNamed && argument.Name is null)
            {
                Problem(argument.Position, "An argument without a name stands behind one with a name.");
                return false;
            }

            if (at < 0)
            {
                var names = parameters.Select(parameter => parameter.ConditionName).ToList();
                Problem(argument.Position, $"{converter.Name} has no parameter named {argument.Name} ({string.Join(", ", names)}){Names.Suggest(argument.Name!, names)}");
                return false;
            }

            positions[at] = argument.Position;
            arguments[at] = BindArgument(parameters[at].Kind, argument.Value);
        }

        for (var i = 0; i < parameters.Count; i++)
        {
            if (arguments[i] is null && !parameters[i].IsOptional)
            {
                // One was named twice, and took this one's place in the count.
                positions[i] = syntax.Position;
                arguments[i] = Missing(parameters[i]);
            }
        }

        return _problems.Count == problemsBefore;
    }

    private static int IndexOf(IReadOnlyList<Parameter> parameters, string argument)
    {
        for (var i = 0; i < parameters.Count; i++)
        {
            if (parameters[i].IsNamed(argument))
            {
                return i;
            }
        }

        return -1;
    }

    private static Expression Missing(Parameter parameter) => parameter.Kind switch
    {
        ParameterKind.LiteralText => new LiteralExpression(TextValue.Empty),
        ParameterKind.LiteralBool => Constant(false),
        ParameterKind.AnyList or ParameterKind.TextList or ParameterKind.TextLikeList or ParameterKind.LiteralTextList => new ArgumentList([]),
        _ => new FunctionExpression(_ => new Failure($"the argument {parameter.ConditionName} is missing")),
    };

    private Expression BindArgument(ParameterKind kind, ValueSyntax value)
    {
        switch (kind)
        {
            case ParameterKind.LiteralText:
                return value is StringSyntax ? Bind(value) : Problem(value.Position, "A string written in place is expected here.");
            case ParameterKind.LiteralBool:
                return value is BoolSyntax ? Bind(value) : Problem(value.Position, "true or false is expected here.");
            case ParameterKind.LiteralTextList:
                return BindList(value, ParameterKind.LiteralText);
            case ParameterKind.TextList:
                return BindList(value, ParameterKind.Text);
            case ParameterKind.TextLikeList:
                return BindList(value, ParameterKind.TextLike);
            case ParameterKind.AnyList:
                return BindList(value, ParameterKind.Any);
        }

        var expression = Bind(value);
        if (kind == ParameterKind.Any)
        {
            return expression;
        }

        if (expression is not LiteralExpression literal)
        {
            return new FunctionExpression(item => ParameterConversion.Convert(kind, expression.Get(item)));
        }

        // A literal is checked when the condition is read.
        var converted = ParameterConversion.Convert(kind, literal.Value);
        return converted is Failure failure ? Problem(value.Position, $"This argument does not fit: {failure.Message}.") : new LiteralExpression(converted);
    }

    private Expression BindList(ValueSyntax value, ParameterKind kind) =>
        value is ListSyntax list
            ? new ArgumentList([.. list.Values.Select(element => BindArgument(kind, element))])
            : Problem(value.Position, "A list written in place is expected here: [\"a\", \"b\"].");

    private LiteralExpression Problem(int position, string message)
    {
        _problems.Add(new OttlProblem(position, message));
        return new LiteralExpression(Value.Nil);
    }
}
