using System.Collections.Immutable;
using OtlpTap.Health;

namespace OtlpTap.Advice.Conditions;

/// <summary>
/// Reads a condition:
/// <code>
///   condition  = term { "or" term }          term     = factor { "and" factor }
///   factor     = "not" factor | "(" condition ")" | comparison
///   comparison = operand ( "&gt;" | "&gt;=" | "&lt;" | "&lt;=" | "==" | "!=" ) operand
///   operand    = name | number [ "*" name ] | percentage | duration
/// </code>
/// What makes no sense is said once, at its place; of names and units all that is wrong is said.
/// </summary>
internal sealed class ConditionParser
{
    // Deeper than anybody nests, and no danger to the stack.
    private const int DepthMax = 64;

    private readonly string _text;
    private readonly List<ConditionProblem> _problems;
    private readonly List<string> _names = [];
    private readonly List<HealthValue> _values = [];
    private readonly List<int> _offsets = [];
    private ConditionToken _current;
    private int _depth;

    public ConditionParser(string text, List<ConditionProblem> problems)
    {
        _text = text;
        _problems = problems;
        _current = ConditionLexer.Next(text, 0);
    }

    public ImmutableArray<string> Names => [.. _names];

    public ImmutableArray<HealthValue> Values => [.. _values];

    public ImmutableArray<int> Offsets => [.. _offsets];

    /// <summary>Null where the text is no condition.</summary>
    public ConditionNode? Parse()
    {
        if (_text.Length > PolicyCondition.LengthMax)
        {
            Problem(0, $"a condition has {PolicyCondition.LengthMax} characters at most");
            return null;
        }

        var condition = Condition();
        if (condition is not null && _current.Kind != TokenKind.End)
        {
            return Expected("`and`, `or` or the end of the condition");
        }

        return condition;
    }

    private ConditionNode? Condition()
    {
        var condition = Term();
        while (condition is not null && Take(TokenKind.Or))
        {
            condition = Term() is { } next ? new OrNode(condition, next) : null;
        }

        return condition;
    }

    private ConditionNode? Term()
    {
        var term = Factor();
        while (term is not null && Take(TokenKind.And))
        {
            term = Factor() is { } next ? new AndNode(term, next) : null;
        }

        return term;
    }

    private ConditionNode? Factor()
    {
        if (_current.Kind is not (TokenKind.Not or TokenKind.Open))
        {
            return Comparison();
        }

        if (++_depth > DepthMax)
        {
            Problem(_current.Start, $"a condition is nested {DepthMax} deep at most");
            return null;
        }

        var factor = Take(TokenKind.Not) ? Factor() is { } operand ? new NotNode(operand) : null : Parenthesis();
        _depth--;
        return factor;
    }

    private ConditionNode? Parenthesis()
    {
        Take(TokenKind.Open);
        var inner = Condition();
        return inner is null || Take(TokenKind.Close) ? inner : Expected("`)`");
    }

    private ComparisonNode? Comparison()
    {
        var start = _current.Start;
        if (Operand() is not { } left)
        {
            return null;
        }

        var sign = _current;
        if (!Take(TokenKind.Comparison))
        {
            Expected("`>`, `>=`, `<`, `<=`, `==` or `!=`");
            return null;
        }

        var rightStart = _current.Start;
        if (Operand() is not { } right)
        {
            return null;
        }

        if (!left.IsValue && !right.IsValue)
        {
            Problem(start, "two numbers are compared: one side must name a value");
        }
        else
        {
            CheckUnits(left.IsValue ? left : right, left.IsValue ? right : left, left.IsValue ? rightStart : start);
        }

        return new ComparisonNode(OperatorOf(_text.AsSpan(sign.Start, sign.Length)), left, right);
    }

    private Operand? Operand()
    {
        var token = _current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                return Value(1);
            case TokenKind.Number:
                Advance();
                return Take(TokenKind.Times) ? Factored(token.Number) : new Operand(token.Number, Unit.Any);
            case TokenKind.Percentage:
                Advance();
                return new Operand(token.Number, Unit.Ratio);
            case TokenKind.Duration:
                Advance();
                return new Operand(token.Number, Unit.Seconds);
            default:
                Expected("the name of a value or a number");
                return null;
        }
    }

    private Operand? Factored(double factor)
    {
        if (_current.Kind == TokenKind.Name)
        {
            return Value(factor);
        }

        Expected("the name of a value");
        return null;
    }

    private Operand Value(double factor)
    {
        var (start, name) = (_current.Start, _text.Substring(_current.Start, _current.Length));
        Advance();
        if (!HealthValue.TryParse(name, out var value, out var error))
        {
            Problem(start, error);
            return new Operand(factor, Unit.Any, default(HealthValue));
        }

        if (!_names.Contains(name))
        {
            _names.Add(name);
            _values.Add(value);
            _offsets.Add(start);
            if (_names.Count > PolicyCondition.ValuesMax)
            {
                Problem(start, $"a condition names {PolicyCondition.ValuesMax} values at most");
            }
        }

        return new Operand(factor, Units.Of(value), value);
    }

    private void CheckUnits(Operand value, Operand other, int start)
    {
        if (value.Unit != Unit.Any && other.Unit != Unit.Any && value.Unit != other.Unit)
        {
            Problem(start, $"{Units.Name(other.Unit)} is compared with {Units.Name(value.Unit)}");
        }
        else if (value.Unit == Unit.Ratio && !other.IsValue && other.Factor is < 0 or > 1)
        {
            Problem(start, "a ratio is between 0 and 1, or between 0% and 100%");
        }
    }

    private static ComparisonOperator OperatorOf(ReadOnlySpan<char> sign) => sign switch
    {
        ">" => ComparisonOperator.Greater,
        ">=" => ComparisonOperator.GreaterOrEqual,
        "<" => ComparisonOperator.Less,
        "<=" => ComparisonOperator.LessOrEqual,
        "==" => ComparisonOperator.Equal,
        _ => ComparisonOperator.NotEqual,
    };

    private bool Take(TokenKind kind)
    {
        if (_current.Kind != kind)
        {
            return false;
        }

        Advance();
        return true;
    }

    private void Advance() => _current = ConditionLexer.Next(_text, _current.Start + _current.Length);

    private ConditionNode? Expected(string what)
    {
        var found = _text.Substring(_current.Start, _current.Length) switch
        {
            "" => "the end of the condition",
            "&" => "`&`: write `and`",
            "|" => "`|`: write `or`",
            "!" => "`!`: write `not`",
            "=" => "`=`: write `==`",
            var text => $"`{text}`",
        };
        Problem(_current.Start, $"{what} is expected here, not {found}");
        return null;
    }

    private void Problem(int offset, string message) => _problems.Add(ConditionProblem.At(_text, offset, message));
}
