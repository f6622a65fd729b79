using OtlpTap.Rules.Ottl;

namespace OtlpTap.Rules.Expressions;

/// <summary>A part of a condition that comes to a value on each item. Errors are values too: <see cref="Failure"/>.</summary>
internal abstract class Expression
{
    public abstract Value Get(TelemetryItem item);
}

/// <summary>Known without an item: what is made of it is checked when the condition is read.</summary>
internal sealed class LiteralExpression(Value value) : Expression
{
    public Value Value => value;

    public override Value Get(TelemetryItem item) => value;
}

/// <summary>A field of the item, or a converter with its arguments bound.</summary>
internal sealed class FunctionExpression(Func<TelemetryItem, Value> get) : Expression
{
    public override Value Get(TelemetryItem item) => get(item);
}

internal sealed class ListExpression(IReadOnlyList<Expression> elements) : Expression
{
    public override Value Get(TelemetryItem item)
    {
        var values = new Value[elements.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = elements[i].Get(item);
            if (values[i] is Failure)
            {
                return values[i];
            }
        }

        return new RawListValue(values);
    }
}

/// <summary>Holds what could have been received; of equal keys the last counts.</summary>
internal sealed class MapExpression(IReadOnlyList<KeyValuePair<string, Expression>> entries) : Expression
{
    public override Value Get(TelemetryItem item)
    {
        var values = new KeyValuePair<string, Value>[entries.Count];
        for (var i = 0; i < values.Length; i++)
        {
            var value = Received(entries[i].Value.Get(item));
            if (value is Failure)
            {
                return value;
            }

            values[i] = new(entries[i].Key, value);
        }

        return new MapValue(values);
    }

    /// <summary>A map comes in whole, and so do maps in a list that is written in place; a received list does not.</summary>
    private static Value Received(Value value)
    {
        switch (value)
        {
            case Failure or MapValue:
                return value;
            case RawListValue list:
                var elements = new Value[list.Elements.Count];
                for (var i = 0; i < elements.Length; i++)
                {
                    elements[i] = list.Elements[i] is MapValue map ? map : RawValues.ToReceived(list.Elements[i]);
                    if (elements[i] is Failure)
                    {
                        return elements[i];
                    }
                }

                return new ListValue(elements);
            default:
                return RawValues.ToReceived(value);
        }
    }
}

/// <summary>Keys into a converter's answer, where a missing key is an error.</summary>
internal sealed class IndexExpression(Expression target, IReadOnlyList<Expression> keys) : Expression
{
    public override Value Get(TelemetryItem item)
    {
        var value = target.Get(item);
        foreach (var key in keys)
        {
            if (value is Failure)
            {
                return value;
            }

            value = key.Get(item) switch
            {
                Failure failure => failure,
                TextValue name => Entry(value, name.Text),
                IntValue index => Element(value, index.Value),
                MachineIntValue index => Element(value, index.Value),
                var other => new Failure($"a key is a string or an integer, not of type {other.TypeName}"),
            };
        }

        return value;
    }

    private static Value Entry(Value value, string key) => value switch
    {
        MapValue map => map.TryGet(key, out var entry) ? entry : new Failure($"the map has no key {ByteText.ToDisplay(key)}"),
        RawMapValue map => map.Entries.TryGetValue(key, out var entry) ? entry : new Failure($"the map has no key {ByteText.ToDisplay(key)}"),
        _ => new Failure($"a value of type {value.TypeName} has no keys"),
    };

    private static Value Element(Value value, long index) => value switch
    {
        ListValue list => At(list.Elements, index, element => element),
        RawListValue list => At(list.Elements, index, element => element),
        TextListValue list => At(list.Texts, index, text => new TextValue(text)),
        BytesValue bytes => At(bytes.Bytes, index, item => new MachineIntValue(item)),
        _ => new Failure($"a value of type {value.TypeName} has no index"),
    };

    private static Value At<T>(IReadOnlyList<T> list, long index, Func<T, Value> valueOf) =>
        index >= 0 && index < list.Count ? valueOf(list[(int)index]) : new Failure($"the index {index} is out of bounds");
}

internal sealed class NegateExpression(Expression inner) : Expression
{
    public override Value Get(TelemetryItem item) => inner.Get(item) switch
    {
        IntValue number => new IntValue(unchecked(-number.Value)),
        DoubleValue number => new DoubleValue(-number.Value),
        Failure failure => failure,
        var other => new Failure($"a value of type {other.TypeName} has no negative"),
    };
}

/// <summary>Integers wrap; a time or a duration only takes times and durations; a division by zero is an error, of doubles as well.</summary>
internal sealed class ArithmeticExpression(Expression left, char operation, Expression right) : Expression
{
    public override Value Get(TelemetryItem item)
    {
        var x = left.Get(item);
        if (x is Failure)
        {
            return x;
        }

        var y = right.Get(item);
        if (y is Failure)
        {
            return y;
        }

        return (x, y, operation) switch
        {
            (IntValue a, IntValue b, _) => Integers(a.Value, b.Value),
            (IntValue a, DoubleValue b, _) => Doubles(a.Value, b.Value),
            (DoubleValue a, IntValue b, _) => Doubles(a.Value, b.Value),
            (DoubleValue a, DoubleValue b, _) => Doubles(a.Value, b.Value),
            (TimeValue a, DurationValue b, '+') => new TimeValue(a.Time.Plus(b.Nanoseconds)),
            (DurationValue a, TimeValue b, '+') => new TimeValue(b.Time.Plus(a.Nanoseconds)),
            (TimeValue a, DurationValue b, '-') => new TimeValue(a.Time.Plus(unchecked(-b.Nanoseconds))),
            (TimeValue a, TimeValue b, '-') => new DurationValue(a.Time.Minus(b.Time)),
            (DurationValue a, DurationValue b, '+') => new DurationValue(unchecked(a.Nanoseconds + b.Nanoseconds)),
            (DurationValue a, DurationValue b, '-') => new DurationValue(unchecked(a.Nanoseconds - b.Nanoseconds)),
            _ => new Failure($"{x.TypeName} {operation} {y.TypeName} cannot be calculated"),
        };
    }

    private Value Integers(long x, long y) => operation switch
    {
        '+' => new IntValue(unchecked(x + y)),
        '-' => new IntValue(unchecked(x - y)),
        '*' => new IntValue(unchecked(x * y)),
        _ when y == 0 => new Failure("division by zero"),

        // The processor traps on the one quotient that does not fit.
        _ => new IntValue(y == -1 ? unchecked(-x) : x / y),
    };

    private Value Doubles(double x, double y) => operation switch
    {
        '+' => new DoubleValue(x + y),
        '-' => new DoubleValue(x - y),
        '*' => new DoubleValue(x * y),
        _ => y == 0 ? new Failure("division by zero") : new DoubleValue(x / y),
    };
}

/// <summary>True, false or a <see cref="Failure"/>.</summary>
internal sealed class ComparisonExpression(Expression left, ComparisonOperator comparison, Expression right) : Expression
{
    public override Value Get(TelemetryItem item)
    {
        var x = left.Get(item);
        if (x is Failure)
        {
            return x;
        }

        var y = right.Get(item);
        return y is Failure ? y : ValueComparison.Compare(x, comparison, y);
    }
}

/// <summary>A converter alone, which must answer a bool.</summary>
internal sealed class ConverterConditionExpression(Expression converter) : Expression
{
    public override Value Get(TelemetryItem item) => converter.Get(item) switch
    {
        (BoolValue or Failure) and var answer => answer,
        var other => new Failure($"a converter that stands alone answers a bool, not a value of type {other.TypeName}"),
    };
}

internal sealed class NotExpression(Expression inner) : Expression
{
    public override Value Get(TelemetryItem item)
    {
        var value = inner.Get(item);
        return value is BoolValue boolean ? BoolValue.Of(!boolean.Value) : value;
    }
}

/// <summary>Evaluated from left to right until one decides or fails.</summary>
/// <param name="decisive">True for <c>or</c>, false for <c>and</c>.</param>
internal sealed class ChainExpression(IReadOnlyList<Expression> parts, bool decisive) : Expression
{
    public override Value Get(TelemetryItem item)
    {
        foreach (var part in parts)
        {
            var value = part.Get(item);
            if (value is Failure || value == BoolValue.Of(decisive))
            {
                return value;
            }
        }

        return BoolValue.Of(!decisive);
    }
}
