using OtlpTap.Rules.Expressions.Texts;

namespace OtlpTap.Rules.Expressions.Functions;

internal static class NumberConverters
{
    public static IEnumerable<Converter> All { get; } =
    [
        Converter.Of("Len", [new("Target", ParameterKind.Any)], values => Length(values[0])),
        Converter.Of("Log", [new("Target", ParameterKind.DoubleLike)], values => Logarithm(values[0])),
        Converter.Of("ParseInt", [new("Target", ParameterKind.Text), new("Base", ParameterKind.Int)], values => ParseInt(((TextValue)values[0]).Text, ((IntValue)values[1]).Value)),
        Converter.Of("IsValidLuhn", [new("Target", ParameterKind.TextLike)], values => values[0] is TextValue text ? IsValidLuhn(text.Text) : new Failure("nil is no number to check")),
    ];

    private static Value Length(Value value) => value switch
    {
        TextValue text => new IntValue(text.Text.Length),
        BytesValue bytes => new IntValue(bytes.Bytes.Length),
        MapValue map => new IntValue(map.Entries.Count),
        RawMapValue map => new IntValue(map.Entries.Count),
        ListValue list => new IntValue(list.Elements.Count),
        RawListValue list => new IntValue(list.Elements.Count),
        TextListValue list => new IntValue(list.Texts.Count),
        OpaqueValue { Count: { } count } => new IntValue(count),
        _ => new Failure($"a value of type {value.TypeName} has no length"),
    };

    private static Value Logarithm(Value value) => value is not DoubleValue number ? new Failure("nil has no logarithm")
        : number.Value <= 0 ? new Failure("only a number above zero has a logarithm")
        : new DoubleValue(Math.Log(number.Value));

    private static Value ParseInt(string text, long numberBase) =>
        text.Length == 0 ? new Failure("an empty text is no number")
        : numberBase < 0 ? new Failure("the base of a number is not negative")
        : NumberText.TryParseInt(text, numberBase, out var value) ? new IntValue(value)
        : new Failure($"'{ByteText.ToDisplay(text)}' is no integer in base {numberBase}");

    /// <summary>The checksum of card numbers; blanks do not count.</summary>
    private static Value IsValidLuhn(string text)
    {
        var digits = text.Replace(" ", "", StringComparison.Ordinal);
        if (digits.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            return new Failure($"'{ByteText.ToDisplay(text)}' is no number to check");
        }

        var sum = 0;
        for (var i = 0; i < digits.Length - 1; i++)
        {
            var digit = digits[^(i + 2)] - '0';
            var doubled = digit * 2;
            sum += i % 2 == 1 ? digit : doubled > 9 ? doubled - 9 : doubled;
        }

        return BoolValue.Of(digits.Length > 0 && (10 - (sum % 10)) % 10 == digits[^1] - '0');
    }
}
