using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>
/// One attribute, where it lies.
/// <code>
///   KeyValue { string key = 1; AnyValue value = 2; }   AnyValue { string string_value = 1; ... }
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/common/v1/common.proto
/// </summary>
internal readonly ref struct KeyAndValue
{
    private KeyAndValue(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Key = key;
        Value = value;
    }

    public ReadOnlySpan<byte> Key { get; }

    /// <summary>The serialized <c>AnyValue</c>.</summary>
    public ReadOnlySpan<byte> Value { get; }

    /// <summary>What the value says where it is a string; else empty.</summary>
    public ReadOnlySpan<byte> Text => TryGetText(out var text) ? text : default;

    /// <summary>False: the value is no string.</summary>
    public bool TryGetText(out ReadOnlySpan<byte> text)
    {
        text = default;
        var isText = false;
        var value = new ProtoReader(Value);
        while (value.Next())
        {
            // Of a oneof's members the last one counts.
            isText = value is { FieldNumber: OtlpFields.AnyValue.StringValue, WireType: WireType.LengthDelimited };
            text = isText ? value.Value : default;
        }

        return isText;
    }

    /// <summary>What is malformed ends the reading; what came before it counts.</summary>
    public static KeyAndValue Read(ReadOnlySpan<byte> attribute)
    {
        ReadOnlySpan<byte> key = default;
        ReadOnlySpan<byte> value = default;
        var fields = new ProtoReader(attribute);
        while (fields.Next())
        {
            if (fields is { FieldNumber: OtlpFields.KeyValue.Key, WireType: WireType.LengthDelimited })
            {
                key = fields.Value;
            }
            else if (fields is { FieldNumber: OtlpFields.KeyValue.Value, WireType: WireType.LengthDelimited })
            {
                value = fields.Value;
            }
        }

        return new KeyAndValue(key, value);
    }
}
