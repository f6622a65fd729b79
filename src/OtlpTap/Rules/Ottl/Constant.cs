using System.Buffers;
using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Rules.Ottl;

/// <summary>
/// A value written in a condition, in the shape of a slot: numbers as bits, the rest as bytes, a list or map as it
/// would stand on the wire, so that one comparison serves constants and received values.
/// </summary>
internal sealed record Constant(SlotKind Kind, long Bits, byte[] Bytes)
{
    public static readonly Constant Nil = new(SlotKind.Missing, 0, []);

    public static Constant Of(string value) => new(SlotKind.String, 0, Encoding.UTF8.GetBytes(value));

    public static Constant Of(long value) => new(SlotKind.Int, value, []);

    public static Constant Of(double value) => new(SlotKind.Double, BitConverter.DoubleToInt64Bits(value), []);

    public static Constant Of(bool value) => new(SlotKind.Bool, value ? 1 : 0, []);

    public static Constant Of(byte[] value) => new(SlotKind.Bytes, 0, value);

    public static Constant ListOf(IEnumerable<Constant> values)
    {
        var list = new ArrayBufferWriter<byte>();
        foreach (var value in values)
        {
            ProtoWriter.WriteLengthDelimited(list, ProtoWriter.TagOf(OtlpFields.ArrayValue.Values, WireType.LengthDelimited), value.ToAnyValue());
        }

        return new Constant(SlotKind.List, 0, list.WrittenSpan.ToArray());
    }

    /// <summary>Of several equal keys the last one counts.</summary>
    public static Constant MapOf(IEnumerable<(string Key, Constant Value)> entries)
    {
        var last = new Dictionary<string, Constant>();
        foreach (var (key, value) in entries)
        {
            last[key] = value;
        }

        var map = new ArrayBufferWriter<byte>();
        foreach (var (key, value) in last)
        {
            var entry = new ArrayBufferWriter<byte>();
            ProtoWriter.WriteLengthDelimited(entry, ProtoWriter.TagOf(OtlpFields.KeyValue.Key, WireType.LengthDelimited), Encoding.UTF8.GetBytes(key));
            ProtoWriter.WriteLengthDelimited(entry, ProtoWriter.TagOf(OtlpFields.KeyValue.Value, WireType.LengthDelimited), value.ToAnyValue());
            ProtoWriter.WriteLengthDelimited(map, ProtoWriter.TagOf(OtlpFields.KeyValueList.Values, WireType.LengthDelimited), entry.WrittenSpan);
        }

        return new Constant(SlotKind.Map, 0, map.WrittenSpan.ToArray());
    }

    private ReadOnlySpan<byte> ToAnyValue()
    {
        var value = new ArrayBufferWriter<byte>();
        switch (Kind)
        {
            case SlotKind.Bool:
                ProtoWriter.WriteVarintField(value, ProtoWriter.TagOf(OtlpFields.AnyValue.BoolValue, WireType.Varint), (ulong)Bits);
                break;
            case SlotKind.Int:
                ProtoWriter.WriteVarintField(value, ProtoWriter.TagOf(OtlpFields.AnyValue.IntValue, WireType.Varint), (ulong)Bits);
                break;
            case SlotKind.Double:
                ProtoWriter.WriteFixed64Field(value, ProtoWriter.TagOf(OtlpFields.AnyValue.DoubleValue, WireType.Fixed64), (ulong)Bits);
                break;
            case SlotKind.String or SlotKind.Bytes or SlotKind.List or SlotKind.Map:
                var field = Kind switch
                {
                    SlotKind.String => OtlpFields.AnyValue.StringValue,
                    SlotKind.Bytes => OtlpFields.AnyValue.BytesValue,
                    SlotKind.List => OtlpFields.AnyValue.ArrayValue,
                    _ => OtlpFields.AnyValue.KvlistValue,
                };
                ProtoWriter.WriteLengthDelimited(value, ProtoWriter.TagOf(field, WireType.LengthDelimited), Bytes);
                break;
        }

        return value.WrittenSpan;
    }
}
