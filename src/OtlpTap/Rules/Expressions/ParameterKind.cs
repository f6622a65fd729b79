using System.Buffers.Binary;
using OtlpTap.Rules.Expressions.Texts;

namespace OtlpTap.Rules.Expressions;

/// <summary>What a converter's parameter takes. The names follow the reference's own.</summary>
internal enum ParameterKind : byte
{
    Any,
    Text,

    /// <summary>Whatever has a text; nil stays nil.</summary>
    TextLike,
    Int,
    IntLike,
    Double,
    DoubleLike,
    Bool,
    BoolLike,
    BytesLike,
    Map,
    List,
    Time,
    Duration,

    /// <summary>A list written in place, whose elements are expressions.</summary>
    AnyList,
    TextList,
    TextLikeList,

    /// <summary>A text, a bool or a list of texts written in place: known when the condition is read.</summary>
    LiteralText,
    LiteralBool,
    LiteralTextList,
}

/// <summary>How a value becomes one that a parameter takes. A <see cref="Failure"/> for one that does not.</summary>
internal static class ParameterConversion
{
    public static Value Convert(ParameterKind kind, Value value)
    {
        if (value is Failure failure)
        {
            // The error of an inner part is no mismatch of types, even if it was one there.
            return failure.IsTypeMismatch ? new Failure(failure.Message) : failure;
        }

        return kind switch
        {
            ParameterKind.Text => value is TextValue ? value : Mismatch("string", value),
            ParameterKind.Int => value is IntValue ? value : Mismatch("int64", value),
            ParameterKind.Double => value is DoubleValue ? value : Mismatch("float64", value),
            ParameterKind.Bool => value is BoolValue ? value : Mismatch("bool", value),
            ParameterKind.Time => value is TimeValue ? value : Mismatch("time", value),
            ParameterKind.Duration => value is DurationValue ? value : Mismatch("duration", value),
            ParameterKind.TextLike => TextLike(value),
            ParameterKind.IntLike => IntLike(value),
            ParameterKind.DoubleLike => DoubleLike(value),
            ParameterKind.BoolLike => BoolLike(value),
            ParameterKind.BytesLike => BytesLike(value),
            ParameterKind.Map => value is MapValue ? value : value is RawMapValue ? RawValues.ToReceived(value) : Mismatch("map", value),
            ParameterKind.List => ListOf(value),
            _ => value,
        };
    }

    private static Failure Mismatch(string expected, Value value) => new($"expected {expected} but got {value.TypeName}", isTypeMismatch: true);

    private static Value TextLike(Value value)
    {
        switch (value)
        {
            case NilValue or TextValue:
                return value;
            case BytesValue bytes:
                return new TextValue(System.Convert.ToHexStringLower(bytes.Bytes));
            default:
                var text = JsonText.Of(value is MapValue or ListValue ? RawValues.Of(value) : value, isPlain: false);
                return text is null ? new Failure($"a value of type {value.TypeName} has no text here") : new TextValue(text);
        }
    }

    private static Value IntLike(Value value) => value switch
    {
        NilValue or IntValue => value,
        TextValue text => NumberText.TryParseInt(text.Text, 10, out var number) ? new IntValue(number) : Value.Nil,
        DoubleValue number => new IntValue(NumberText.Truncated(number.Value)),
        BoolValue boolean => new IntValue(boolean.Value ? 1 : 0),
        _ => Mismatch("a number, text or bool", value),
    };

    private static Value DoubleLike(Value value) => value switch
    {
        NilValue or DoubleValue => value,
        IntValue number => new DoubleValue(number.Value),
        TextValue text => NumberText.TryParseDouble(text.Text, out var number) ? new DoubleValue(number) : new Failure($"'{ByteText.ToDisplay(text.Text)}' is no number"),
        BoolValue boolean => new DoubleValue(boolean.Value ? 1 : 0),
        _ => Mismatch("a number, text or bool", value),
    };

    private static Value BoolLike(Value value) => value switch
    {
        NilValue or BoolValue => value,
        IntValue number => BoolValue.Of(number.Value != 0),
        MachineIntValue number => BoolValue.Of(number.Value != 0),
        DoubleValue number => BoolValue.Of(number.Value != 0),
        TextValue text => NumberText.TryParseBool(text.Text, out var boolean) ? BoolValue.Of(boolean) : new Failure($"'{ByteText.ToDisplay(text.Text)}' is no bool"),
        _ => Mismatch("a bool, number or text", value),
    };

    private static Value BytesLike(Value value)
    {
        switch (value)
        {
            case NilValue or BytesValue:
                return value;
            case TextValue text:
                return new BytesValue(ByteText.ToBytes(text.Text));
            case BoolValue boolean:
                return new BytesValue([boolean.Value ? (byte)1 : (byte)0]);
            case IntValue or DoubleValue:
                var bytes = new byte[8];
                BinaryPrimitives.WriteInt64BigEndian(bytes, value is IntValue number ? number.Value : BitConverter.DoubleToInt64Bits(((DoubleValue)value).Value));
                return new BytesValue(bytes);
            default:
                return Mismatch("bytes, a text, a number or a bool", value);
        }
    }

    private static Value ListOf(Value value) => value switch
    {
        ListValue => value,
        RawListValue => RawValues.ToReceived(value),
        TextListValue texts => new ListValue([.. texts.Texts.Select(text => new TextValue(text))]),
        _ => Mismatch("a list", value),
    };
}
