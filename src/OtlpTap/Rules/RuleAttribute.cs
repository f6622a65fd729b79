using System.Buffers;
using System.Globalization;
using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Rules;

/// <summary>An attribute that a rule adds where it matches, ready to be written: <paramref name="KeyValue"/> is the serialized message.</summary>
internal sealed record RuleAttribute(byte[] Key, byte[] KeyValue)
{
    /// <summary>Keys that begin so are the tap's own.</summary>
    public const string ReservedPrefix = "otlptap.";

    /// <summary>Of one rule. They are written into every span that it finds, which a request has thousands of.</summary>
    public const int CountMax = 32;

    /// <summary>Characters of a key, and of a value.</summary>
    public const int LengthMax = 1024;

    /// <summary>Why a rule cannot add it; null where it can.</summary>
    public static string? Problem(string key, string value) =>
        key.Length == 0 ? "an attribute has a name"
        : key.StartsWith(ReservedPrefix, StringComparison.Ordinal) ? $"keys that begin with {ReservedPrefix} are the tap's own"
        : key.Length > LengthMax || value.Length > LengthMax ? $"keys and values have {LengthMax} characters at most"
        : null;

    /// <summary>A value as YAML has it: without quotes <c>true</c>, <c>5</c> and <c>1.5</c> are no texts.</summary>
    public static RuleAttribute Parse(string key, string value, bool isText)
    {
        if (isText)
        {
            return Of(key, value);
        }

        return value switch
        {
            "true" or "false" => Of(key, value == "true"),
            _ when long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => Of(key, number),
            _ when double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => Of(key, number),
            _ => Of(key, value),
        };
    }

    /// <param name="value">A string, bool, long or double.</param>
    public static RuleAttribute Of(string key, object value)
    {
        var any = new ArrayBufferWriter<byte>();
        switch (value)
        {
            case bool boolean:
                ProtoWriter.WriteVarintField(any, ProtoWriter.TagOf(OtlpFields.AnyValue.BoolValue, WireType.Varint), boolean ? 1UL : 0);
                break;
            case long number:
                ProtoWriter.WriteVarintField(any, ProtoWriter.TagOf(OtlpFields.AnyValue.IntValue, WireType.Varint), (ulong)number);
                break;
            case double number:
                ProtoWriter.WriteFixed64Field(any, ProtoWriter.TagOf(OtlpFields.AnyValue.DoubleValue, WireType.Fixed64), (ulong)BitConverter.DoubleToInt64Bits(number));
                break;
            default:
                ProtoWriter.WriteLengthDelimited(any, ProtoWriter.TagOf(OtlpFields.AnyValue.StringValue, WireType.LengthDelimited), Encoding.UTF8.GetBytes((string)value));
                break;
        }

        var name = Encoding.UTF8.GetBytes(key);
        var pair = new ArrayBufferWriter<byte>();
        ProtoWriter.WriteLengthDelimited(pair, ProtoWriter.TagOf(OtlpFields.KeyValue.Key, WireType.LengthDelimited), name);
        ProtoWriter.WriteLengthDelimited(pair, ProtoWriter.TagOf(OtlpFields.KeyValue.Value, WireType.LengthDelimited), any.WrittenSpan);
        return new RuleAttribute(name, pair.WrittenSpan.ToArray());
    }
}
