using System.Diagnostics;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Runs;
using OtlpTap.Runs.Telemetry;
using OtlpTap.Wire;

namespace OtlpTap.Spans;

/// <summary>Where the values of the known keys lie in a request, for one span at a time. Of a repeated key the first counts.</summary>
internal sealed class SpanFrame
{
    // A value that is no text is written as one; what is longer than a name ever is, is cut.
    private static readonly RunLimits ValueLimits = RunLimits.Default with { TextLengthMax = 1024 };
    private static readonly SlotKeys Keys = SpanKeys.Table;

    private readonly (int Start, int End)[] _values = new (int, int)[SpanKeys.CountMax];
    private ulong _low;
    private ulong _high;

    public bool IsEmpty => (_low | _high) == 0;

    /// <summary>The first 64 places: what says the kind is among them.</summary>
    public ulong LowPlaces => _low;

    public void Clear() => (_low, _high) = (0, 0);

    public bool Has(int place) => (((place < 64 ? _low : _high) >> place) & 1) != 0;

    public bool HasAny(in SpanPlaces places) => ((_low & places.Low) | (_high & places.High)) != 0;

    public bool HasAny(ReadOnlySpan<int> places)
    {
        foreach (var place in places)
        {
            if (Has(place))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Notes an attribute if its key is known. <c>KeyValue { string key = 1; AnyValue value = 2; }</c></summary>
    /// <returns>False where it is not: <paramref name="key"/> says what it is.</returns>
    public bool TryAdd(ReadOnlySpan<byte> request, int start, int end, out ReadOnlySpan<byte> key)
    {
        // As every SDK writes it, the key comes first: most keys mean nothing here, and are passed over at that.
        var bytes = request[..end];
        var keyStart = start + 2;
        if ((uint)keyStart < (uint)bytes.Length && bytes[start] == KeyTag)
        {
            int length = bytes[start + 1];
            if (length < 0x80 && keyStart + length <= bytes.Length)
            {
                key = bytes.Slice(keyStart, length);
                return TryNote(request, Keys.Find(key), keyStart + length, end);
            }
        }

        key = KeyOf(request, start, end);
        return TryNote(request, Keys.Find(key), start, end);
    }

    /// <summary>A value as text; empty where it is not there, or empty, or only bytes.</summary>
    public ReadOnlySpan<byte> Text(ReadOnlySpan<byte> request, int place)
    {
        if (!Has(place))
        {
            return default;
        }

        var (start, end) = _values[place];
        var reader = new ProtoReader(request, start, end);
        if (reader.Next() && reader is { FieldNumber: OtlpFields.AnyValue.StringValue, WireType: WireType.LengthDelimited } && reader.ValueEnd == end)
        {
            return reader.Value;
        }

        return start == end ? default : System.Text.Encoding.UTF8.GetBytes(Value(request, place).Text);
    }

    public long? Number(ReadOnlySpan<byte> request, int place)
    {
        if (!Has(place))
        {
            return null;
        }

        var (start, end) = _values[place];
        var reader = new ProtoReader(request, start, end);
        return reader.Next() && reader is { FieldNumber: OtlpFields.AnyValue.IntValue, WireType: WireType.Varint } && reader.ValueEnd == end
            ? (long)reader.Varint
            : Value(request, place).AsLong();
    }

    private const byte KeyTag = (OtlpFields.KeyValue.Key << 3) | (byte)WireType.LengthDelimited;

    private AttributeValue Value(ReadOnlySpan<byte> request, int place)
    {
        var (start, end) = _values[place];
        return new AnyValueReader(request, ValueLimits, ValueLimits.TextLengthMax).Read(start, end);
    }

    private static ReadOnlySpan<byte> KeyOf(ReadOnlySpan<byte> request, int start, int end)
    {
        ReadOnlySpan<byte> key = default;
        var attribute = new ProtoReader(request, start, end);
        while (attribute.Next())
        {
            if (attribute is { FieldNumber: OtlpFields.KeyValue.Key, WireType: WireType.LengthDelimited })
            {
                key = attribute.Value;
            }
        }

        return key;
    }

    private bool TryNote(ReadOnlySpan<byte> request, int place, int start, int end)
    {
        if (place < 0)
        {
            return false;
        }

        if (!Has(place))
        {
            Note(request, place, start, end);
        }

        return true;
    }

    private void Note(ReadOnlySpan<byte> request, int place, int start, int end)
    {
        _values[place] = default;
        if (place < 64)
        {
            _low |= 1UL << place;
        }
        else
        {
            _high |= 1UL << place;
        }

        var attribute = new ProtoReader(request, start, end);
        while (attribute.Next())
        {
            if (attribute is { FieldNumber: OtlpFields.KeyValue.Value, WireType: WireType.LengthDelimited })
            {
                _values[place] = (attribute.ValueOffset, attribute.ValueEnd);
            }
        }
    }
}

/// <summary>Some places of a frame, to be asked for together.</summary>
internal readonly record struct SpanPlaces
{
    public SpanPlaces(IEnumerable<int> places)
    {
        foreach (var place in places)
        {
            Low |= place < 64 ? 1UL << place : 0;
            High |= place < 64 ? 0 : 1UL << place;
        }
    }

    public ulong Low { get; }

    public ulong High { get; }
}
