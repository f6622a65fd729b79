using System.Globalization;

namespace OtlpTap.Rules.Ottl;

/// <summary>
/// Reads a condition:
/// <code>
///   condition  = term { "or" term }             term    = operand { "and" operand }
///   operand    = [ "not" ] ( comparison | true | false | converter | "(" condition ")" )
///   comparison = value operator value           value   = nil | bytes | string | bool | enum | map | list | sum
///   sum        = product { ("+" | "-") product }        product = factor { ("*" | "/") factor }
///   factor     = [ "+" | "-" ] ( converter | float | int | path | "(" sum ")" )
///   converter  = name "(" [ argument { "," argument } ] ")" { key }
///   argument   = [ name "=" ] ( value | name )          path    = field { "." field }       field = name { key }
///   key        = "[" ( string | int | sum ) "]"         list    = "[" { value } { "," value } "]"
///   map        = "{" { string ":" value [ "," ] } "}"
/// </code>
/// A parenthesis may open a sum or a condition: the first is tried before the second. An error is the one that lies
/// furthest in the text, because that is how far the text made sense.
/// Source: github.com/open-telemetry/opentelemetry-collector-contrib, pkg/ottl/grammar.go.
/// </summary>
internal sealed class Parser
{
    /// <summary>Conditions are written by hand; generated ones with hundreds of alternatives fit as well.</summary>
    public const int LengthMax = 64 * 1024;

    /// <summary>Keeps the recursion within the smallest stack; a parenthesis costs the reading of its inside once for each level.</summary>
    private const int DepthMax = 128;

    private readonly string _text;
    private readonly List<Token> _tokens;
    private OttlProblem? _problem;
    private int _at;
    private int _depth;

    private Parser(string text, List<Token> tokens)
    {
        _text = text;
        _tokens = tokens;
    }

    private Token Current => _tokens[_at];

    /// <summary>Null, and a problem, when the text is no condition.</summary>
    public static BooleanSyntax? Parse(string text, out OttlProblem problem)
    {
        if (text.Length > LengthMax)
        {
            problem = new OttlProblem(0, $"The condition has {text.Length} characters; at most {LengthMax} are read.");
            return null;
        }

        var tokens = Lexer.Tokenize(text, out problem);
        if (tokens is null)
        {
            return null;
        }

        var parser = new Parser(text, tokens);
        var condition = parser.Condition();
        if (condition is not null && parser.Current.Kind != TokenKind.End)
        {
            condition = null;
            parser.Expected("and, or, or the end of the condition");
        }

        problem = condition is null ? parser._problem!.Value : default;
        return condition;
    }

    private BooleanSyntax? Condition()
    {
        var position = Current.Start;
        var terms = Chain(TokenKind.Or, Term);
        return terms is null ? null : terms.Count == 1 ? terms[0] : new OrSyntax(position, terms);
    }

    private BooleanSyntax? Term()
    {
        var position = Current.Start;
        var operands = Chain(TokenKind.And, Operand);
        return operands is null ? null : operands.Count == 1 ? operands[0] : new AndSyntax(position, operands);
    }

    private List<BooleanSyntax>? Chain(TokenKind separator, Func<BooleanSyntax?> next)
    {
        var parts = new List<BooleanSyntax>();
        do
        {
            if (next() is not { } part)
            {
                return null;
            }

            parts.Add(part);
        }
        while (Accept(separator));
        return parts;
    }

    private BooleanSyntax? Operand()
    {
        var position = Current.Start;
        if (!Accept(TokenKind.Not))
        {
            return Positive();
        }

        return Positive() is { } inner ? new NotSyntax(position, inner) : null;
    }

    private BooleanSyntax? Positive()
    {
        var start = _at;
        var position = Current.Start;
        if (Value() is { } left)
        {
            if (Current.Kind == TokenKind.Comparison)
            {
                var comparison = ComparisonOf(Current);
                _at++;
                return Value() is { } right ? new ComparisonSyntax(position, left, comparison, right) : null;
            }

            switch (left)
            {
                case BoolSyntax constant:
                    return new ConstantSyntax(position, constant.Value);
                case ConverterSyntax converter when _tokens[start].Kind == TokenKind.Uppercase:
                    return new ConverterConditionSyntax(position, converter);
            }

            Expected("a comparison (== != < <= > >=)");
        }

        // What was no value may still be a condition in parentheses.
        _at = start;
        return Accept(TokenKind.LeftParenthesis) ? Nested(Condition) : null;
    }

    private ComparisonOperator ComparisonOf(Token token) => token.In(_text) switch
    {
        "==" => ComparisonOperator.Equal,
        "!=" => ComparisonOperator.NotEqual,
        "<" => ComparisonOperator.Less,
        "<=" => ComparisonOperator.LessOrEqual,
        ">" => ComparisonOperator.Greater,
        _ => ComparisonOperator.GreaterOrEqual,
    };

    private ValueSyntax? Value()
    {
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Nil:
                _at++;
                return new NilSyntax(token.Start);

            case TokenKind.Boolean:
                _at++;
                return new BoolSyntax(token.Start, token.Length == "true".Length);

            case TokenKind.String:
                return StringValue() is { } text ? new StringSyntax(token.Start, text) : null;

            case TokenKind.Bytes:
                return BytesValue();

            case TokenKind.Uppercase when !IsConverterAhead():
                _at++;
                if (Current.Kind != TokenKind.Lowercase)
                {
                    return new EnumSyntax(token.Start, token.In(_text).ToString());
                }

                Expected("( after a converter's name", AfterName());
                return null;

            case TokenKind.LeftBracket:
                _at++;
                return Deeper(List, token.Start);

            case TokenKind.LeftBrace:
                _at++;
                return Deeper(Map, token.Start);

            default:
                return Sum();
        }
    }

    private ValueSyntax? Sum() => Operations(TokenKind.PlusMinus, Product);

    private ValueSyntax? Product() => Operations(TokenKind.TimesDivide, Factor);

    private ValueSyntax? Operations(TokenKind operation, Func<ValueSyntax?> operand)
    {
        var left = operand();
        while (left is not null && Current.Kind == operation)
        {
            var token = Current;
            _at++;
            left = operand() is { } right ? new ArithmeticSyntax(left.Position, left, _text[token.Start], right) : null;
        }

        return left;
    }

    private ValueSyntax? Factor()
    {
        var token = Current;
        if (!Accept(TokenKind.PlusMinus))
        {
            return Literal();
        }

        var isOfSum = Current.Kind == TokenKind.LeftParenthesis;
        return Literal() is { } inner ? new SignSyntax(token.Start, _text[token.Start] == '-', inner, isOfSum) : null;
    }

    private ValueSyntax? Literal()
    {
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Int:
                return IntValue() is { } number ? new IntSyntax(token.Start, number) : null;

            case TokenKind.Float:
                return FloatValue();

            case TokenKind.Uppercase when IsConverterAhead():
                return Converter();

            case TokenKind.Lowercase when IsConverterAhead():
                Fail(token.Start, $"Functions in a condition are converters, and their names start with an upper-case letter: '{NameAhead()}' does not.");
                return null;

            case TokenKind.Lowercase:
                return Path();

            case TokenKind.LeftParenthesis:
                _at++;
                return Nested(Sum);

            default:
                Expected("a value");
                return null;
        }
    }

    private T? Nested<T>(Func<T?> inside)
        where T : class
    {
        if (_depth == DepthMax)
        {
            Fail(Current.Start, $"Parentheses are nested more than {DepthMax} deep.");
            return null;
        }

        _depth++;
        var inner = inside();
        _depth--;
        return inner is not null && Expect(TokenKind.RightParenthesis, ")") ? inner : null;
    }

    private ValueSyntax? Deeper(Func<int, ValueSyntax?> inside, int position)
    {
        if (_depth == DepthMax)
        {
            Fail(position, $"Values are nested more than {DepthMax} deep.");
            return null;
        }

        _depth++;
        var value = inside(position);
        _depth--;
        return value;
    }

    private ConverterSyntax? Converter()
    {
        var position = Current.Start;
        var name = NameAhead();
        _at = AfterName() + 1;
        return (ConverterSyntax?)Deeper(start => ConverterRest(start, name), position);
    }

    private ConverterSyntax? ConverterRest(int position, string name)
    {
        var arguments = new List<ArgumentSyntax>();
        if (Current.Kind != TokenKind.RightParenthesis)
        {
            do
            {
                if (Argument() is not { } argument)
                {
                    return null;
                }

                arguments.Add(argument);
            }
            while (Accept(TokenKind.Comma));
        }

        return Expect(TokenKind.RightParenthesis, ", or )") && Keys() is { } keys
            ? new ConverterSyntax(position, name, arguments, keys)
            : null;
    }

    private ArgumentSyntax? Argument()
    {
        var position = Current.Start;
        string? name = null;
        if (Current.Kind == TokenKind.Lowercase && _tokens[AfterName()].Kind == TokenKind.Equal)
        {
            name = NameAhead();
            _at = AfterName() + 1;
        }

        var after = AfterName();
        if (Current.Kind == TokenKind.Uppercase && after > _at + 1 && _tokens[after].Kind != TokenKind.LeftParenthesis)
        {
            var function = new FunctionNameSyntax(Current.Start, NameAhead());
            _at = after;
            return new ArgumentSyntax(position, name, function);
        }

        return Value() is { } value ? new ArgumentSyntax(position, name, value) : null;
    }

    private PathSyntax? Path()
    {
        var position = Current.Start;
        var fields = new List<FieldSyntax>();
        do
        {
            var token = Current;
            if (!Expect(TokenKind.Lowercase, "the name of a field") || Keys() is not { } keys)
            {
                return null;
            }

            fields.Add(new FieldSyntax(token.Start, token.In(_text).ToString(), keys));
        }
        while (Accept(TokenKind.Dot));
        return new PathSyntax(position, fields);
    }

    private List<ValueSyntax>? Keys()
    {
        var keys = new List<ValueSyntax>();
        while (Accept(TokenKind.LeftBracket))
        {
            if (Key() is not { } key || !Expect(TokenKind.RightBracket, "]"))
            {
                return null;
            }

            keys.Add(key);
        }

        return keys;
    }

    private ValueSyntax? Key()
    {
        var token = Current;
        return token.Kind switch
        {
            TokenKind.String => StringValue() is { } text ? new StringSyntax(token.Start, text) : null,
            // A plain number ends the key: [1 + 1] is no key, [(1 + 1)] is one.
            TokenKind.Int => IntValue() is { } number ? new IntSyntax(token.Start, number) : null,
            _ => Deeper(_ => Sum(), token.Start),
        };
    }

    private ListSyntax? List(int position)
    {
        var values = new List<ValueSyntax>();
        while (Current.Kind is not (TokenKind.Comma or TokenKind.RightBracket))
        {
            if (Value() is not { } value)
            {
                return null;
            }

            values.Add(value);
        }

        while (Accept(TokenKind.Comma))
        {
            if (Value() is not { } value)
            {
                return null;
            }

            values.Add(value);
        }

        return Expect(TokenKind.RightBracket, ", or ]") ? new ListSyntax(position, values) : null;
    }

    private MapSyntax? Map(int position)
    {
        var entries = new List<(string, ValueSyntax)>();
        while (Current.Kind == TokenKind.String)
        {
            if (StringValue() is not { } key || !Expect(TokenKind.Colon, ":") || Value() is not { } value)
            {
                return null;
            }

            entries.Add((key, value));
            Accept(TokenKind.Comma);
        }

        return Expect(TokenKind.RightBrace, "a key in quotes, or }") ? new MapSyntax(position, entries) : null;
    }

    private string? StringValue()
    {
        var token = Current;
        _at++;
        var value = StringLiteral.Unquote(token.In(_text), out var wrongAt);
        if (value is null)
        {
            Fail(token.Start + wrongAt, @"This escape is unknown; known are \a \b \f \n \r \t \v \\ \"" \x41 \101 \u0041 \U00000041. A backslash itself is written twice.");
        }

        return value;
    }

    private BytesSyntax? BytesValue()
    {
        var token = Current;
        _at++;
        if (token.Length % 2 != 0)
        {
            Fail(token.Start, "Bytes have two hexadecimal digits each: one is missing.");
            return null;
        }

        return new BytesSyntax(token.Start, Convert.FromHexString(token.In(_text)[2..]));
    }

    /// <summary>A leading 0 makes it octal.</summary>
    private long? IntValue()
    {
        var token = Current;
        _at++;
        var digits = token.In(_text);
        var numberBase = digits.Length > 1 && digits[0] == '0' ? 8UL : 10UL;
        var value = 0UL;
        foreach (var digit in digits)
        {
            var next = (ulong)(digit - '0');
            if (next >= numberBase)
            {
                Fail(token.Start, "A number that starts with 0 is octal and has no digit above 7.");
                return null;
            }

            if (value > (long.MaxValue - next) / numberBase)
            {
                Fail(token.Start, "This number does not fit into 64 bits.");
                return null;
            }

            value = (value * numberBase) + next;
        }

        return (long)value;
    }

    private FloatSyntax? FloatValue()
    {
        var token = Current;
        _at++;
        var value = double.Parse(token.In(_text), NumberStyles.Float, CultureInfo.InvariantCulture);
        if (double.IsInfinity(value))
        {
            Fail(token.Start, "This number is too large for a 64-bit float.");
            return null;
        }

        return new FloatSyntax(token.Start, value);
    }

    private bool IsConverterAhead() => _tokens[AfterName()].Kind == TokenKind.LeftParenthesis;

    /// <summary>Index of the token after a function's name, whose parts are several tokens.</summary>
    private int AfterName()
    {
        var at = _at;
        while (_tokens[at].Kind is TokenKind.Uppercase or TokenKind.Lowercase)
        {
            at++;
        }

        return at;
    }

    private string NameAhead()
    {
        var name = "";
        for (var i = _at; i < AfterName(); i++)
        {
            name += _tokens[i].In(_text).ToString();
        }

        return name;
    }

    private bool Accept(TokenKind kind)
    {
        if (Current.Kind != kind)
        {
            return false;
        }

        _at++;
        return true;
    }

    private bool Expect(TokenKind kind, string what)
    {
        if (Accept(kind))
        {
            return true;
        }

        Expected(what);
        return false;
    }

    private void Expected(string what) => Expected(what, _at);

    private void Expected(string what, int at)
    {
        var token = _tokens[at];
        Fail(token.Start, token.Kind == TokenKind.End
            ? $"The condition ends where {what} is expected."
            : $"Expected {what}, found '{token.In(_text)}'.");
    }

    private void Fail(int position, string message)
    {
        if (_problem is not { } earlier || position > earlier.Position)
        {
            _problem = new OttlProblem(position, message);
        }
    }
}
