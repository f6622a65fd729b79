using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>
/// Protobuf to OTLP/JSON. JSON wants a field's name once and all its values behind it; on the wire a message's fields
/// come in any order, a repeated one with others between, a singular one more than once. So each message is walked
/// over its own fields first (nested ones are stepped over by their length) to see which it has, and once more for
/// each repeated field that it has, of which there are at most three: time is linear in the bytes.
/// <para>
/// A singular message that comes more than once is one message whose body is all of theirs, one after the other. That
/// is how protobuf defines merging, so a body here is a list of extents of the request; nothing is copied to join them.
/// </para>
/// </summary>
internal ref struct OtlpJsonWriter
{
    // Up to this length a value is written in one piece; longer ones in pieces of it, so that escaping (six times the
    // length at worst) needs no buffer in proportion to the value.
    private const int PieceLength = 16 * 1024;

    private readonly ReadOnlySpan<byte> _request;
    private readonly Utf8JsonWriter _json;

    // A stack: what lies above a message's own extents belongs to the message below it that is being written.
    private Extent[] _extents = new Extent[8];
    private int _extentCount;
    private bool _isWhole = true;

    public OtlpJsonWriter(ReadOnlySpan<byte> request, Utf8JsonWriter json)
    {
        _request = request;
        _json = json;
    }

    public bool Write(OtlpJsonMessage message)
    {
        Push(0, _request.Length);
        WriteMessage(message, new Body(0, 1), depth: 0);
        return _isWhole;
    }

    private void WriteMessage(OtlpJsonMessage message, Body body, int depth)
    {
        _json.WriteStartObject();
        if (ReferenceEquals(message, OtlpJsonSchema.AnyValue) && ++depth > OtlpJson.AnyValueDepthMax)
        {
            _isWhole = false;
        }
        else
        {
            WriteFields(message, body, depth);
        }

        _json.WriteEndObject();
    }

    private void WriteFields(OtlpJsonMessage message, Body body, int depth)
    {
        Span<Occurrence> found = stackalloc Occurrence[OtlpJsonMessage.FieldCountMax];
        found.Clear();
        Survey(message, body, found);

        var fields = message.Fields;
        for (var i = 0; i < fields.Length; i++)
        {
            if (found[i].Count > 0)
            {
                WriteField(fields[i], body, found[i], depth);
            }
        }
    }

    /// <summary>Finds which fields the message has and, of each, the value that came last.</summary>
    private void Survey(OtlpJsonMessage message, Body body, scoped Span<Occurrence> found)
    {
        var member = -1;
        foreach (var extent in Extents(body))
        {
            var reader = new ProtoReader(_request, extent.Start, extent.End);
            while (reader.Next())
            {
                var index = message.IndexOf(reader.FieldNumber);
                if (index < 0 || !message.Fields[index].Accepts(reader.WireType))
                {
                    continue;
                }

                if (message.Fields[index].Cardinality == OtlpJsonCardinality.OneOf)
                {
                    if (member >= 0 && member != index)
                    {
                        found[member].Forget();
                    }

                    member = index;
                }

                ref var occurrence = ref found[index];
                occurrence.Count++;
                occurrence.Value = new Extent(reader.ValueOffset, reader.ValueEnd);
                occurrence.Bits = BitsOf(reader);
            }

            _isWhole &= !reader.IsMalformed;
        }
    }

    private void WriteField(OtlpJsonField field, Body body, in Occurrence occurrence, int depth)
    {
        if (field.IsRepeated)
        {
            _json.WritePropertyName(field.Name);
            _json.WriteStartArray();
            WriteElements(field, body, depth);
            _json.WriteEndArray();
            return;
        }

        if (field.Type == OtlpJsonType.Message)
        {
            _json.WritePropertyName(field.Name);
            var first = _extentCount;
            if (occurrence.Count == 1)
            {
                Push(occurrence.Value.Start, occurrence.Value.End);
            }
            else
            {
                PushAll(field, body, occurrence.Forgotten);
            }

            WriteMessage(field.Child, new Body(first, _extentCount - first), depth);
            _extentCount = first;
            return;
        }

        var isZero = field.WireType == WireType.LengthDelimited ? occurrence.Value.Start == occurrence.Value.End : IsZero(field, occurrence.Bits);
        if (isZero && field.Cardinality == OtlpJsonCardinality.Singular)
        {
            return;
        }

        _json.WritePropertyName(field.Name);
        WriteScalar(field, _request[occurrence.Value.Start..occurrence.Value.End], occurrence.Bits);
    }

    private void WriteElements(OtlpJsonField field, Body body, int depth)
    {
        // By index: what is written below pushes extents, which may move the array.
        for (var i = 0; i < body.Count; i++)
        {
            var extent = _extents[body.First + i];
            var reader = new ProtoReader(_request, extent.Start, extent.End);
            while (reader.Next())
            {
                if (reader.FieldNumber != field.Number || !field.Accepts(reader.WireType))
                {
                    continue;
                }

                if (field.Type == OtlpJsonType.Message)
                {
                    var first = _extentCount;
                    Push(reader.ValueOffset, reader.ValueEnd);
                    WriteMessage(field.Child, new Body(first, 1), depth);
                    _extentCount = first;
                }
                else if (reader.WireType == field.WireType)
                {
                    WriteScalar(field, reader.Value, BitsOf(reader));
                }
                else
                {
                    WritePacked(field, reader.Value);
                }
            }
        }
    }

    private void WritePacked(OtlpJsonField field, ReadOnlySpan<byte> values)
    {
        var position = 0;
        while (position < values.Length)
        {
            ulong bits;
            if (field.WireType == WireType.Varint)
            {
                if (!ProtoReader.TryReadVarint(values, ref position, out bits))
                {
                    _isWhole = false;
                    return;
                }
            }
            else
            {
                Debug.Assert(field.WireType == WireType.Fixed64, "No repeated field of OTLP has four bytes.");
                if (values.Length - position < sizeof(ulong))
                {
                    _isWhole = false;
                    return;
                }

                bits = BinaryPrimitives.ReadUInt64LittleEndian(values[position..]);
                position += sizeof(ulong);
            }

            WriteScalar(field, default, bits);
        }
    }

    private readonly void WriteScalar(OtlpJsonField field, ReadOnlySpan<byte> value, ulong bits)
    {
        switch (field.Type)
        {
            case OtlpJsonType.String:
                WriteText(value);
                break;

            case OtlpJsonType.Bytes:
                WriteBase64(value);
                break;

            case OtlpJsonType.HexId:
                WriteHex(value);
                break;

            case OtlpJsonType.Bool:
                _json.WriteBooleanValue(bits != 0);
                break;

            case OtlpJsonType.Enum:
                _json.WriteNumberValue((int)bits);
                break;

            case OtlpJsonType.SInt32:
                _json.WriteNumberValue((int)((uint)bits >> 1) ^ -(int)(bits & 1));
                break;

            case OtlpJsonType.UInt32:
            case OtlpJsonType.Fixed32:
                _json.WriteNumberValue((uint)bits);
                break;

            case OtlpJsonType.Int64:
            case OtlpJsonType.SFixed64:
                WriteDigits((long)bits);
                break;

            case OtlpJsonType.UInt64:
            case OtlpJsonType.Fixed64:
                WriteDigits(bits);
                break;

            case OtlpJsonType.Double:
                WriteDouble(BitConverter.UInt64BitsToDouble(bits));
                break;

            default:
                throw new InvalidOperationException($"A field of type {field.Type} has no single value.");
        }
    }

    private readonly void WriteDigits<T>(T value)
        where T : IUtf8SpanFormattable
    {
        Span<byte> digits = stackalloc byte[20];
        value.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        _json.WriteStringValue(digits[..length]);
    }

    private readonly void WriteDouble(double value)
    {
        if (double.IsFinite(value))
        {
            _json.WriteNumberValue(value);
        }
        else
        {
            _json.WriteStringValue(double.IsNaN(value) ? "NaN"u8 : value > 0 ? "Infinity"u8 : "-Infinity"u8);
        }
    }

    private readonly void WriteText(ReadOnlySpan<byte> utf8)
    {
        if (!Utf8.IsValid(utf8))
        {
            WriteRepaired(utf8);
        }
        else if (utf8.Length <= PieceLength)
        {
            _json.WriteStringValue(utf8);
        }
        else
        {
            for (; utf8.Length > PieceLength; utf8 = utf8[PieceLength..])
            {
                _json.WriteStringValueSegment(utf8[..PieceLength], isFinalSegment: false);
            }

            _json.WriteStringValueSegment(utf8, isFinalSegment: true);
        }
    }

    // Each ill-formed sequence becomes U+FFFD, as everywhere in .NET and as the Unicode standard recommends.
    private readonly void WriteRepaired(ReadOnlySpan<byte> text)
    {
        var decoder = Encoding.UTF8.GetDecoder();
        var piece = new char[Math.Min(text.Length, PieceLength) + 1];
        bool completed;
        do
        {
            decoder.Convert(text, piece, flush: true, out var bytesUsed, out var charsUsed, out completed);
            _json.WriteStringValueSegment(piece.AsSpan(0, charsUsed), isFinalSegment: completed);
            text = text[bytesUsed..];
        }
        while (!completed);
    }

    private readonly void WriteBase64(ReadOnlySpan<byte> value)
    {
        for (; value.Length > PieceLength; value = value[PieceLength..])
        {
            _json.WriteBase64StringSegment(value[..PieceLength], isFinalSegment: false);
        }

        _json.WriteBase64StringSegment(value, isFinalSegment: true);
    }

    private readonly void WriteHex(ReadOnlySpan<byte> id)
    {
        Span<byte> digits = stackalloc byte[4 * TraceId.Length];
        while (true)
        {
            var piece = id[..Math.Min(id.Length, digits.Length / 2)];
            id = id[piece.Length..];
            Convert.TryToHexStringLower(piece, digits, out var length);
            _json.WriteStringValueSegment(digits[..length], isFinalSegment: id.IsEmpty);
            if (id.IsEmpty)
            {
                return;
            }
        }
    }

    // The value as the type has it: of a 32-bit one only the low half counts. Minus zero is not zero.
    private static bool IsZero(OtlpJsonField field, ulong bits) => field.Type switch
    {
        OtlpJsonType.Enum or OtlpJsonType.UInt32 or OtlpJsonType.SInt32 or OtlpJsonType.Fixed32 => (uint)bits == 0,
        _ => bits == 0,
    };

    private static ulong BitsOf(scoped in ProtoReader reader) => reader.WireType switch
    {
        WireType.Varint => reader.Varint,
        WireType.Fixed64 => reader.Fixed64,
        WireType.Fixed32 => reader.Fixed32,
        _ => 0,
    };

    private readonly ReadOnlySpan<Extent> Extents(Body body) => _extents.AsSpan(body.First, body.Count);

    private void PushAll(OtlpJsonField field, Body body, int forgotten)
    {
        for (var i = 0; i < body.Count; i++)
        {
            var extent = _extents[body.First + i];
            var reader = new ProtoReader(_request, extent.Start, extent.End);
            while (reader.Next())
            {
                if (reader.FieldNumber == field.Number && field.Accepts(reader.WireType) && --forgotten < 0)
                {
                    Push(reader.ValueOffset, reader.ValueEnd);
                }
            }
        }
    }

    private void Push(int start, int end)
    {
        if (_extentCount == _extents.Length)
        {
            Array.Resize(ref _extents, _extents.Length * 2);
        }

        _extents[_extentCount++] = new Extent(start, end);
    }

    /// <summary>A stretch of the request's bytes.</summary>
    private readonly record struct Extent(int Start, int End);

    /// <summary>A message's bytes: a run of extents on the stack.</summary>
    private readonly record struct Body(int First, int Count);

    /// <summary>What a message has of one field.</summary>
    private struct Occurrence
    {
        public int Count;

        // Those before another member of the oneof took its place.
        public int Forgotten;
        public Extent Value;
        public ulong Bits;

        public void Forget()
        {
            Forgotten += Count;
            Count = 0;
        }
    }
}
