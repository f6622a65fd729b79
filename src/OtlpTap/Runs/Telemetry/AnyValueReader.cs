using System.Globalization;
using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Runs.Json;
using OtlpTap.Wire;

namespace OtlpTap.Runs.Telemetry;

/// <summary>
/// Reads OTLP values; lists and maps become JSON text, so that messages are read alike wherever they stand.
/// <code>
///   AnyValue { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
///              ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; }
/// </code>
/// </summary>
internal ref struct AnyValueReader(ReadOnlySpan<byte> request, RunLimits limits, long lengthLeft)
{
    private readonly ReadOnlySpan<byte> _request = request;

    /// <summary>Characters that may still be read.</summary>
    public long LengthLeft { get; private set; } = lengthLeft;

    /// <summary>Something was longer than a limit, and was cut or left out.</summary>
    public bool IsCut { get; private set; }

    public AttributeValue Read(int start, int end)
    {
        AttributeValue result = default;
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            switch (reader.FieldNumber, reader.WireType)
            {
                case (OtlpFields.AnyValue.StringValue, WireType.LengthDelimited):
                    result = new AttributeValue(AttributeKind.Text, Text(reader.Value), 0);
                    break;
                case (OtlpFields.AnyValue.BoolValue, WireType.Varint):
                    result = new AttributeValue(AttributeKind.Boolean, null, reader.Varint != 0 ? 1 : 0);
                    break;
                case (OtlpFields.AnyValue.IntValue, WireType.Varint):
                    result = new AttributeValue(AttributeKind.Integer, null, (long)reader.Varint);
                    break;
                case (OtlpFields.AnyValue.DoubleValue, WireType.Fixed64):
                    result = new AttributeValue(AttributeKind.Double, null, (long)reader.Fixed64);
                    break;
                case (OtlpFields.AnyValue.ArrayValue or OtlpFields.AnyValue.KvlistValue, WireType.LengthDelimited):
                    var json = new StringBuilder();
                    AppendJson(json, start, end, limits.JsonDepthMax);
                    LengthLeft -= json.Length;
                    return new AttributeValue(AttributeKind.Structure, json.ToString(), 0);
                case (OtlpFields.AnyValue.BytesValue, WireType.LengthDelimited):
                    result = default;
                    break;
            }
        }

        return result;
    }

    public string Text(ReadOnlySpan<byte> utf8)
    {
        var lengthMax = (int)Math.Clamp(LengthLeft, 0, limits.TextLengthMax);
        if (utf8.Length > lengthMax)
        {
            IsCut = true;
            utf8 = utf8[..WholeCharacters(utf8, lengthMax)];
        }

        LengthLeft -= utf8.Length;
        return Encoding.UTF8.GetString(utf8);
    }

    private static int WholeCharacters(ReadOnlySpan<byte> utf8, int end)
    {
        for (var back = 0; back < 3 && end > 0 && (utf8[end] & 0xc0) == 0x80; back++)
        {
            end--;
        }

        return end;
    }

    private void AppendJson(StringBuilder json, int start, int end, int depthLeft)
    {
        if (json.Length >= Math.Min(limits.TextLengthMax, LengthLeft))
        {
            IsCut = true;
            json.Append("null");
            return;
        }

        var before = json.Length;
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            json.Length = before;
            switch (reader.FieldNumber, reader.WireType)
            {
                case (OtlpFields.AnyValue.StringValue, WireType.LengthDelimited):
                    JsonEscapes.Append(json, Text(reader.Value));
                    break;
                case (OtlpFields.AnyValue.BoolValue, WireType.Varint):
                    json.Append(reader.Varint != 0 ? "true" : "false");
                    break;
                case (OtlpFields.AnyValue.IntValue, WireType.Varint):
                    json.Append(CultureInfo.InvariantCulture, $"{(long)reader.Varint}");
                    break;
                case (OtlpFields.AnyValue.DoubleValue, WireType.Fixed64):
                    var number = BitConverter.UInt64BitsToDouble(reader.Fixed64);
                    json.Append(double.IsFinite(number) ? number.ToString("R", CultureInfo.InvariantCulture) : "null");
                    break;
                case (OtlpFields.AnyValue.ArrayValue, WireType.LengthDelimited) when depthLeft > 0:
                    AppendList(json, reader.ValueOffset, reader.ValueEnd, depthLeft - 1);
                    break;
                case (OtlpFields.AnyValue.KvlistValue, WireType.LengthDelimited) when depthLeft > 0:
                    AppendMap(json, reader.ValueOffset, reader.ValueEnd, depthLeft - 1);
                    break;
                case (OtlpFields.AnyValue.BytesValue, WireType.LengthDelimited):
                    json.Append("null");
                    break;
                default:
                    IsCut = true;
                    break;
            }
        }

        if (json.Length == before)
        {
            json.Append("null");
        }
    }

    private void AppendList(StringBuilder json, int start, int end, int depthLeft)
    {
        json.Append('[');
        var isFirst = true;
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next() && !IsFull(json))
        {
            if (reader is { FieldNumber: OtlpFields.ArrayValue.Values, WireType: WireType.LengthDelimited })
            {
                json.Append(isFirst ? "" : ",");
                isFirst = false;
                AppendJson(json, reader.ValueOffset, reader.ValueEnd, depthLeft);
            }
        }

        json.Append(']');
    }

    private void AppendMap(StringBuilder json, int start, int end, int depthLeft)
    {
        json.Append('{');
        var isFirst = true;
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next() && !IsFull(json))
        {
            if (reader is { FieldNumber: OtlpFields.KeyValueList.Values, WireType: WireType.LengthDelimited })
            {
                json.Append(isFirst ? "" : ",");
                isFirst = false;
                AppendMember(json, reader.ValueOffset, reader.ValueEnd, depthLeft);
            }
        }

        json.Append('}');
    }

    private void AppendMember(StringBuilder json, int start, int end, int depthLeft)
    {
        var key = "";
        var (valueStart, valueEnd) = (start, start);
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            switch (reader.FieldNumber, reader.WireType)
            {
                case (OtlpFields.KeyValue.Key, WireType.LengthDelimited):
                    key = Text(reader.Value);
                    break;
                case (OtlpFields.KeyValue.Value, WireType.LengthDelimited):
                    (valueStart, valueEnd) = (reader.ValueOffset, reader.ValueEnd);
                    break;
            }
        }

        JsonEscapes.Append(json, key);
        json.Append(':');
        AppendJson(json, valueStart, valueEnd, depthLeft);
    }

    private bool IsFull(StringBuilder json)
    {
        var full = json.Length >= Math.Min(limits.TextLengthMax, LengthLeft);
        IsCut |= full;
        return full;
    }
}
