using System.Globalization;
using OtlpTap.Rules.Expressions.Texts;

namespace OtlpTap.Rules.Expressions;

/// <summary>
/// The text of a received value where every value has one: <c>log.body.string</c>, the order of <c>Sort</c>,
/// <c>ToKeyValueString</c>. Unlike <c>String</c>, nil is empty, bytes are in base64 and NaN is written out.
/// </summary>
internal static class DisplayText
{
    public static string Of(Value value) => value switch
    {
        TextValue text => text.Text,
        BoolValue boolean => boolean.Value ? "true" : "false",
        IntValue number => number.Value.ToString(CultureInfo.InvariantCulture),
        DoubleValue { Value: double.NaN } => "NaN",
        DoubleValue { Value: double.PositiveInfinity } => "Infinity",
        DoubleValue { Value: double.NegativeInfinity } => "-Infinity",
        DoubleValue number => DoubleText.Json(number.Value, shortExponent: true)!,
        BytesValue bytes => Convert.ToBase64String(bytes.Bytes),
        MapValue or ListValue => JsonText.Of(RawValues.Of(value), isPlain: true) ?? "",
        _ => "",
    };
}
