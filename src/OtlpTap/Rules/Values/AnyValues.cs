using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Rules.Values;

/// <summary>
/// Reads values inside lists and maps, where the scan did not look.
/// <code>
///   AnyValue      one of: string = 1, bool = 2, int = 3, double = 4, array = 5, kvlist = 6, bytes = 7
///   ArrayValue    values = 1 * (AnyValue)          KeyValueList  values = 1 * (KeyValue)
///   KeyValue      key = 1, value = 2
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/common/v1/common.proto
/// </summary>
internal static class AnyValues
{
    private const uint Key = (OtlpFields.KeyValue.Key << 3) | (uint)WireType.LengthDelimited;
    private const uint Value = (OtlpFields.KeyValue.Value << 3) | (uint)WireType.LengthDelimited;

    /// <summary>The tag of an element in an <c>ArrayValue</c> and of an entry in a <c>KeyValueList</c>.</summary>
    public const uint Element = (OtlpFields.ArrayValue.Values << 3) | (uint)WireType.LengthDelimited;

    /// <summary>The tag of a string in an <c>AnyValue</c>.</summary>
    public const byte StringTag = (OtlpFields.AnyValue.StringValue << 3) | (int)WireType.LengthDelimited;

    /// <summary>Of the fields the last one counts; without any the value is there and empty. False when malformed.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, int start, int end, out Slot value)
    {
        value = new Slot { Kind = SlotKind.Empty };
        var reader = new ProtoReader(bytes, start, end);
        while (reader.Next())
        {
            var kind = reader.Tag switch
            {
                (OtlpFields.AnyValue.StringValue << 3) | (uint)WireType.LengthDelimited => SlotKind.String,
                (OtlpFields.AnyValue.BoolValue << 3) | (uint)WireType.Varint => SlotKind.Bool,
                (OtlpFields.AnyValue.IntValue << 3) | (uint)WireType.Varint => SlotKind.Int,
                (OtlpFields.AnyValue.DoubleValue << 3) | (uint)WireType.Fixed64 => SlotKind.Double,
                (OtlpFields.AnyValue.ArrayValue << 3) | (uint)WireType.LengthDelimited => SlotKind.List,
                (OtlpFields.AnyValue.KvlistValue << 3) | (uint)WireType.LengthDelimited => SlotKind.Map,
                (OtlpFields.AnyValue.BytesValue << 3) | (uint)WireType.LengthDelimited => SlotKind.Bytes,
                _ => SlotKind.Missing,
            };
            if (kind != SlotKind.Missing)
            {
                value.Kind = kind;
                value.Offset = reader.ValueOffset;
                value.Length = reader.ValueLength;
                value.Bits = kind switch
                {
                    SlotKind.Bool => reader.Varint == 0 ? 0 : 1,
                    SlotKind.Int => (long)reader.Varint,
                    SlotKind.Double => (long)reader.Fixed64,
                    _ => 0,
                };
            }
        }

        return !reader.IsMalformed;
    }

    /// <summary>Reads one entry of a map; its key is given by where it stands. False when malformed.</summary>
    public static bool TryReadEntry(ReadOnlySpan<byte> bytes, int start, int end, out Range key, out Slot value)
    {
        key = default;
        value = new Slot { Kind = SlotKind.Empty };
        var reader = new ProtoReader(bytes, start, end);
        while (reader.Next())
        {
            if (reader.Tag == Key)
            {
                key = reader.ValueOffset..reader.ValueEnd;
            }
            else if (reader.Tag == Value && !TryRead(bytes, reader.ValueOffset, reader.ValueEnd, out value))
            {
                return false;
            }
        }

        return !reader.IsMalformed;
    }

    /// <summary>The first entry of that key; <see cref="SlotKind.Missing"/> when there is none. False when malformed.</summary>
    public static bool TryFind(ReadOnlySpan<byte> bytes, in Slot map, ReadOnlySpan<byte> key, out Slot value)
    {
        var entries = ReaderOf(bytes, in map);
        while (entries.Next())
        {
            if (entries.Tag != Element)
            {
                continue;
            }

            if (!TryReadEntry(bytes, entries.ValueOffset, entries.ValueEnd, out var entryKey, out value))
            {
                return false;
            }

            if (bytes[entryKey].SequenceEqual(key))
            {
                return true;
            }
        }

        value = default;
        return !entries.IsMalformed;
    }

    /// <summary>False when malformed, and when the list has no such element.</summary>
    public static bool TryGetAt(ReadOnlySpan<byte> bytes, in Slot list, long index, out Slot value)
    {
        var elements = ReaderOf(bytes, in list);
        while (elements.Next())
        {
            if (elements.Tag == Element && index-- == 0)
            {
                return TryRead(bytes, elements.ValueOffset, elements.ValueEnd, out value);
            }
        }

        value = default;
        return false;
    }

    /// <summary>Opens a list or map.</summary>
    public static ProtoReader ReaderOf(ReadOnlySpan<byte> bytes, in Slot value) => new(bytes, value.Offset, value.Offset + value.Length);
}
