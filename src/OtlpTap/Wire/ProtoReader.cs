using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace OtlpTap.Wire;

/// <summary>
/// Walks the fields of one protobuf message where they lie. <see cref="Next"/> reads a whole field, tag and extent, so
/// everything that can be wrong shows there, and the accessors cannot fail. All offsets count from the start of the
/// outermost message, so that they stay meaningful when a reader is opened on a nested one.
/// <code>
///   field:   | tag: varint, number &lt;&lt; 3 | wire type |  value                          |
///   value:   0: varint   1: 8 bytes   2: length varint, then as many bytes   5: 4 bytes
///            3: fields up to the tag 4 of the same number (a group; unknown to every schema here)
/// </code>
/// Nothing in the input is trusted: lengths are compared unsigned before they are used, varints end after ten bytes,
/// field number 0 and wire types 6 and 7 are errors. Unknown groups are skipped, nested up to
/// <see cref="GroupDepthMax"/>, because the generated parsers behind us accept them.
/// Source: https://protobuf.dev/programming-guides/encoding/
/// </summary>
internal ref struct ProtoReader
{
    /// <summary>
    /// Google.Protobuf stops at 100 levels of messages and groups together; no OTLP message that is walked here lies
    /// deeper than 7, so what it takes is taken here but for the last few levels of a nesting nobody sends.
    /// </summary>
    public const int GroupDepthMax = 92;

    private const int VarintLengthMax = 10;

    // Cut at the end of the message but not at its start: an index is an offset into the outermost message, and the
    // span's own bounds check is the message's bound.
    private readonly ReadOnlySpan<byte> _bytes;
    private WireErrorKind _errorKind;
    private int _errorOffset;

    /// <summary>Opens a whole message.</summary>
    public ProtoReader(ReadOnlySpan<byte> message)
    {
        _bytes = message;
    }

    /// <summary>Opens the message that lies from <paramref name="start"/> to <paramref name="end"/> in <paramref name="outermost"/>.</summary>
    public ProtoReader(ReadOnlySpan<byte> outermost, int start, int end)
    {
        Debug.Assert((uint)start <= (uint)end, "A message does not end before it starts.");
        _bytes = outermost[..end];
        ValueEnd = start;
    }

    /// <summary>Field number and wire type of the current field. After an error: of the field that is wrong, 0 when its tag is.</summary>
    public uint Tag { get; private set; }

    public readonly int FieldNumber => (int)(Tag >> 3);

    public readonly WireType WireType => (WireType)(Tag & 7);

    /// <summary>Where the current field's tag starts.</summary>
    public int FieldOffset { get; private set; }

    /// <summary>Where the current field's value starts: behind the tag, and behind the length of a length-delimited field.</summary>
    public int ValueOffset { get; private set; }

    /// <summary>Where the current field ends and the next one starts.</summary>
    public int ValueEnd { get; private set; }

    public readonly int ValueLength => ValueEnd - ValueOffset;

    /// <summary>The bytes of the current field's value.</summary>
    public readonly ReadOnlySpan<byte> Value => _bytes[ValueOffset..ValueEnd];

    /// <summary>The current value as a number, when its wire type is <see cref="WireType.Varint"/>.</summary>
    public readonly ulong Varint
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ReadVarintAt(_bytes, ValueOffset);
    }

    /// <summary>The current value, when its wire type is <see cref="WireType.Fixed64"/>.</summary>
    public readonly ulong Fixed64 => BinaryPrimitives.ReadUInt64LittleEndian(_bytes[ValueOffset..]);

    /// <summary>The current value, when its wire type is <see cref="WireType.Fixed32"/>.</summary>
    public readonly uint Fixed32 => BinaryPrimitives.ReadUInt32LittleEndian(_bytes[ValueOffset..]);

    /// <summary>Why <see cref="Next"/> answered false; of kind <see cref="WireErrorKind.None"/> at the message's end.</summary>
    public readonly WireError Error => new(_errorKind, _errorOffset);

    public readonly bool IsMalformed => _errorKind != WireErrorKind.None;

    /// <summary>Moves to the next field. False at the end of the message and at the first error.</summary>
    // Inlined, and the rare cases in a static method that takes no reference to the reader: so its fields live in
    // registers in the loops over a span's fields.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Next()
    {
        var bytes = _bytes;
        var start = ValueEnd;
        FieldOffset = start;

        // Field numbers up to 15 (tag in one byte) with a length of up to two bytes: most fields there are.
        var value = start + 2;
        if ((uint)value < (uint)bytes.Length)
        {
            uint tag = bytes[start];
            if ((tag & 0x87) == (uint)WireType.LengthDelimited && tag > 7)
            {
                uint length = bytes[start + 1];
                if (length >= 0x80)
                {
                    uint high = bytes[value++];
                    length = (high < 0x80) ? (length & 0x7f) | (high << 7) : uint.MaxValue;
                }

                if (length <= (uint)(bytes.Length - value))
                {
                    Tag = tag;
                    ValueOffset = value;
                    ValueEnd = value + (int)length;
                    return true;
                }
            }
        }

        if (start == bytes.Length)
        {
            return false;
        }

        var field = ReadAnyField(bytes, start);
        Tag = field.Tag;
        ValueOffset = field.ValueOffset;
        ValueEnd = field.ValueEnd;
        _errorKind = field.ErrorKind;
        _errorOffset = field.ErrorOffset;
        return field.ErrorKind == WireErrorKind.None;
    }

    /// <summary>Reads the varint at <paramref name="offset"/> and moves behind it; false, and not moved, when there is none.</summary>
    public static bool TryReadVarint(ReadOnlySpan<byte> bytes, ref int offset, out ulong value) =>
        ReadVarint(bytes, ref offset, out value) == WireErrorKind.None;

    private static ulong ReadVarintAt(ReadOnlySpan<byte> bytes, int offset)
    {
        ReadVarint(bytes, ref offset, out var value);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Field ReadAnyField(ReadOnlySpan<byte> bytes, int start)
    {
        // Times, kinds and numbers: most that come here.
        var value = start + 1;
        if ((uint)value < (uint)bytes.Length && bytes[start] is > 7 and < 0x80 and var known)
        {
            var length = (WireType)(known & 7) switch
            {
                WireType.Fixed64 => sizeof(ulong),
                WireType.Fixed32 => sizeof(uint),
                WireType.Varint when bytes[value] < 0x80 => 1,
                _ => 0,
            };
            if (length > 0 && length <= bytes.Length - value)
            {
                return new Field { Tag = known, ValueOffset = value, ValueEnd = value + length };
            }
        }

        var position = start;
        var tag = ReadTag(bytes, ref position, out var error);
        if (error != WireErrorKind.None)
        {
            return Field.Wrong(0, error, start, bytes.Length);
        }

        var valueOffset = position;
        error = SkipValue(bytes, start, tag, ref position, ref valueOffset, out var errorOffset);
        return error == WireErrorKind.None
            ? new Field { Tag = tag, ValueOffset = valueOffset, ValueEnd = position }
            : Field.Wrong(tag, error, errorOffset, bytes.Length);
    }

    private static uint ReadTag(ReadOnlySpan<byte> bytes, ref int position, out WireErrorKind error)
    {
        if (position < bytes.Length && bytes[position] is < 0x80 and > 7 and var single)
        {
            position++;
            error = WireErrorKind.None;
            return single;
        }

        error = ReadVarint(bytes, ref position, out var tag);
        if (error == WireErrorKind.VarintTruncated)
        {
            error = WireErrorKind.TagTruncated;
        }
        else if (tag > uint.MaxValue)
        {
            error = WireErrorKind.TagTooLarge;
        }
        else if (error == WireErrorKind.None && tag <= 7)
        {
            error = WireErrorKind.FieldNumberZero;
        }

        return (uint)tag;
    }

    /// <summary>Moves <paramref name="position"/> behind the value, and <paramref name="valueOffset"/> behind a length.</summary>
    private static WireErrorKind SkipValue(ReadOnlySpan<byte> bytes, int fieldOffset, uint tag, ref int position, ref int valueOffset, out int errorOffset)
    {
        errorOffset = position;
        switch ((WireType)(tag & 7))
        {
            case WireType.Varint:
                return ReadVarint(bytes, ref position, out _);

            case WireType.Fixed64:
                return SkipFixed(bytes, ref position, sizeof(ulong));

            case WireType.Fixed32:
                return SkipFixed(bytes, ref position, sizeof(uint));

            case WireType.LengthDelimited:
                var error = ReadVarint(bytes, ref position, out var length);
                if (error != WireErrorKind.None)
                {
                    return error;
                }

                if (length > (ulong)(bytes.Length - position))
                {
                    return WireErrorKind.LengthPastEnd;
                }

                valueOffset = position;
                position += (int)length;
                return WireErrorKind.None;

            case WireType.StartGroup:
                return SkipGroup(bytes, tag >> 3, ref position, out errorOffset);

            case WireType.EndGroup:
                errorOffset = fieldOffset;
                return WireErrorKind.GroupEndUnexpected;

            default:
                errorOffset = fieldOffset;
                return WireErrorKind.WireTypeUnknown;
        }
    }

    private static WireErrorKind SkipFixed(ReadOnlySpan<byte> bytes, ref int position, int size)
    {
        if (bytes.Length - position < size)
        {
            return WireErrorKind.FixedTruncated;
        }

        position += size;
        return WireErrorKind.None;
    }

    private static WireErrorKind SkipGroup(ReadOnlySpan<byte> bytes, uint number, ref int position, out int errorOffset)
    {
        Span<uint> open = stackalloc uint[GroupDepthMax];
        open[0] = number;
        var depth = 1;
        while (depth > 0)
        {
            var fieldOffset = position;
            errorOffset = position;
            if (position == bytes.Length)
            {
                return WireErrorKind.GroupUnclosed;
            }

            var tag = ReadTag(bytes, ref position, out var error);
            if (error != WireErrorKind.None)
            {
                return error;
            }

            switch ((WireType)(tag & 7))
            {
                case WireType.StartGroup when depth == GroupDepthMax:
                    return WireErrorKind.GroupTooDeep;

                case WireType.StartGroup:
                    open[depth++] = tag >> 3;
                    break;

                case WireType.EndGroup when open[depth - 1] == tag >> 3:
                    depth--;
                    break;

                default:
                    var valueOffset = position;
                    error = SkipValue(bytes, fieldOffset, tag, ref position, ref valueOffset, out errorOffset);
                    if (error != WireErrorKind.None)
                    {
                        return error;
                    }

                    break;
            }
        }

        errorOffset = 0;
        return WireErrorKind.None;
    }

    private static WireErrorKind ReadVarint(ReadOnlySpan<byte> bytes, ref int position, out ulong value)
    {
        value = 0;
        for (var i = 0; i < VarintLengthMax; i++)
        {
            var at = position + i;
            if ((uint)at >= (uint)bytes.Length)
            {
                return WireErrorKind.VarintTruncated;
            }

            uint single = bytes[at];
            value |= (ulong)(single & 0x7f) << (7 * i);
            if (single < 0x80)
            {
                position = at + 1;
                return WireErrorKind.None;
            }
        }

        return WireErrorKind.VarintTooLong;
    }

    /// <summary>What the rare path found; <see cref="ValueEnd"/> of a wrong field is the message's end, so that the walk is over.</summary>
    private struct Field
    {
        public uint Tag;
        public int ValueOffset;
        public int ValueEnd;
        public int ErrorOffset;
        public WireErrorKind ErrorKind;

        public static Field Wrong(uint tag, WireErrorKind kind, int offset, int end) =>
            new() { Tag = tag, ValueOffset = end, ValueEnd = end, ErrorKind = kind, ErrorOffset = offset };
    }
}
