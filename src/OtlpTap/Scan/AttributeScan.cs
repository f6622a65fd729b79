using System.Runtime.CompilerServices;
using OtlpTap.Rules;
using OtlpTap.Wire;

namespace OtlpTap.Scan;

/// <summary>
/// Looks the attributes of one message up, one by one, and fills their slots.
/// <code>
///   KeyValue  key = 1, value = 2
///   AnyValue  one of: string = 1, bool = 2, int = 3, double = 4, array = 5, kvlist = 6, bytes = 7
///
///   as every SDK writes it:   0A | length | key ... | 12 | length | value ...
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/common/v1/common.proto
/// <para>The first attribute of a key wins; a key without a value is there and empty.</para>
/// </summary>
internal readonly ref struct AttributeScan(ReadOnlySpan<byte> request, SlotKeys keys, Span<Slot> slots)
{
    private readonly ReadOnlySpan<byte> _request = request;
    private readonly SlotKeys _keys = keys;
    private readonly Span<Slot> _slots = slots;

    /// <summary>False when the fields of the <c>KeyValue</c> are malformed; a malformed value only leaves its slot missing.</summary>
    public bool TryScan(int start, int end, out WireError error)
    {
        // The usual form is checked to its last byte, so that a second key or value behind these cannot hide.
        var bytes = _request[..end];
        var keyStart = start + 2;
        if ((uint)keyStart < (uint)bytes.Length && bytes[start] == FieldTags.Key)
        {
            int keyLength = bytes[start + 1];
            var valueTag = keyStart + keyLength;
            if (keyLength < 0x80 && (uint)valueTag < (uint)bytes.Length && bytes[valueTag] == FieldTags.Value && FillsTheRest(bytes, valueTag + 1, out var value))
            {
                var slot = _keys.Find(bytes.Slice(keyStart, keyLength));
                if (slot >= 0 && _slots[slot].Kind == SlotKind.Missing)
                {
                    FillFirst(ref _slots[slot], value, end);
                }

                error = default;
                return true;
            }
        }

        return TryScanAnyForm(start, end, out error);
    }

    /// <summary>A value that stands in a field of its own, as a log record's body does. When it comes again the two are merged.</summary>
    public void ScanValue(int slot, int start, int end) => Fill(ref _slots[slot], start, end);

    /// <summary>Whether a length of one or two bytes stands at <paramref name="offset"/> and the value behind it is all that is left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool FillsTheRest(ReadOnlySpan<byte> bytes, int offset, out int value)
    {
        value = offset + 1;
        if ((uint)offset >= (uint)bytes.Length)
        {
            return false;
        }

        int length = bytes[offset];
        if (length >= 0x80 && (uint)value < (uint)bytes.Length)
        {
            int high = bytes[value++];
            length = high < 0x80 ? (length & 0x7f) | (high << 7) : -1;
        }

        return value + length == bytes.Length;
    }

    /// <summary>The same as <see cref="Fill"/> for an empty slot; short for a value of one text, bytes, list or map.</summary>
    private void FillFirst(ref Slot slot, int start, int end)
    {
        var bytes = _request[..end];
        if ((uint)start < (uint)bytes.Length)
        {
            var kind = (uint)bytes[start] switch
            {
                FieldTags.StringValue => SlotKind.String,
                FieldTags.ArrayValue => SlotKind.List,
                FieldTags.KvlistValue => SlotKind.Map,
                FieldTags.BytesValue => SlotKind.Bytes,
                _ => SlotKind.Missing,
            };
            if (kind != SlotKind.Missing && FillsTheRest(bytes, start + 1, out var content))
            {
                slot.Kind = kind;
                slot.Offset = content;
                slot.Length = end - content;
                slot.Bits = 0;
                return;
            }
        }

        slot.Kind = SlotKind.Empty;
        Fill(ref slot, start, end);
    }

    private bool TryScanAnyForm(int start, int end, out WireError error)
    {
        ReadOnlySpan<byte> key = default;
        var fields = new ProtoReader(_request, start, end);
        while (fields.Next())
        {
            if (fields.Tag == FieldTags.Key)
            {
                key = fields.Value;
            }
        }

        error = fields.Error;
        if (fields.IsMalformed)
        {
            return false;
        }

        var slot = _keys.Find(key);
        if (slot < 0 || _slots[slot].Kind != SlotKind.Missing)
        {
            return true;
        }

        _slots[slot].Kind = SlotKind.Empty;
        var values = new ProtoReader(_request, start, end);
        while (values.Next() && _slots[slot].Kind != SlotKind.Missing)
        {
            if (values.Tag == FieldTags.Value)
            {
                Fill(ref _slots[slot], values.ValueOffset, values.ValueEnd);
            }
        }

        return true;
    }

    /// <summary>Merges an <c>AnyValue</c> into what the slot holds: its last field wins, and one without fields changes nothing.</summary>
    private void Fill(ref Slot slot, int start, int end)
    {
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            var kind = reader.Tag switch
            {
                FieldTags.StringValue => SlotKind.String,
                FieldTags.BoolValue => SlotKind.Bool,
                FieldTags.IntValue => SlotKind.Int,
                FieldTags.DoubleValue => SlotKind.Double,
                FieldTags.ArrayValue => SlotKind.List,
                FieldTags.KvlistValue => SlotKind.Map,
                FieldTags.BytesValue => SlotKind.Bytes,
                _ => SlotKind.Missing,
            };
            if (kind == SlotKind.Missing)
            {
                continue;
            }

            slot.Kind = kind;
            slot.Offset = reader.ValueOffset;
            slot.Length = reader.ValueLength;
            slot.Bits = kind switch
            {
                SlotKind.Bool => reader.Varint == 0 ? 0 : 1,
                SlotKind.Int => (long)reader.Varint,
                SlotKind.Double => (long)reader.Fixed64,
                _ => 0,
            };
        }

        if (reader.IsMalformed)
        {
            slot = default;
        }
    }
}
