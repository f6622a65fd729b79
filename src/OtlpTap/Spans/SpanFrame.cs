using System.Diagnostics;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Runs.Telemetry;
using OtlpTap.Wire;

namespace OtlpTap.Spans;

/// <summary>Where the values of the known keys lie in a request, for one span at a time. Of a repeated key the first counts.</summary>
internal sealed class SpanFrame
{
    // A value that is no text is written as one; what is longer than a name ever is, is cut.
    private static readonly RunLimits ValueLimits = RunLimits.Default with { TextLengthMax = 1024 };
    private const byte KeyTag = (OtlpFields.KeyValue.Key << 3) | (byte)WireType.LengthDelimited;
    private const byte ValueTag = (OtlpFields.KeyValue.Value << 3) | (byte)WireType.LengthDelimited;
    private const byte TextTag = (OtlpFields.AnyValue.StringValue << 3) | (byte)WireType.LengthDelimited;
    private const byte IntTag = (OtlpFields.AnyValue.IntValue << 3) | (byte)WireType.Varint;

    private readonly Place[] _values = new Place[SpanKeys.CountMax];
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

    /// <summary>Notes an attribute if its key has a place. <c>KeyValue { string key = 1; AnyValue value = 2; }</c></summary>
    /// <returns>Whether its key is watched for.</returns>
    public bool Add(ReadOnlySpan<byte> request, int start, int end, LearnedKeys keys)
    {
        // As every SDK writes it, the key comes first: most keys mean nothing here, and are passed over at that.
        var bytes = request[..end];
        var keyStart = start + 2;
        if ((uint)keyStart < (uint)bytes.Length && bytes[start] == KeyTag)
        {
            int length = bytes[start + 1];
            if (length < 0x80 && keyStart + length <= bytes.Length)
            {
                return Add(bytes, keys.Find(bytes.Slice(keyStart, length)), keyStart + length);
            }
        }

        return Add(bytes, keys.Find(KeyOf(request, start, end)), start);
    }

    /// <summary>A value as text; empty where it is not there, or empty, or only bytes.</summary>
    public ReadOnlySpan<byte> Text(ReadOnlySpan<byte> request, int place)
    {
        if (!Has(place))
        {
            return default;
        }

        ref readonly var value = ref _values[place];
        if (value.Text >= 0)
        {
            return request[value.Text..value.End];
        }

        return value.Start == value.End ? default : OtherText(request, place);
    }

    public long? Number(ReadOnlySpan<byte> request, int place)
    {
        if (!Has(place))
        {
            return null;
        }

        ref readonly var value = ref _values[place];
        var at = value.Start + 1;
        return value.Start < value.End && request[value.Start] == IntTag && ProtoReader.TryReadVarint(request[..value.End], ref at, out var number) && at == value.End
            ? (long)number
            : Value(request, place).AsLong();
    }

    private ReadOnlySpan<byte> OtherText(ReadOnlySpan<byte> request, int place)
    {
        // A text all the same where its tag takes more bytes than it needs.
        ref readonly var value = ref _values[place];
        var reader = new ProtoReader(request, value.Start, value.End);
        return reader.Next() && reader is { FieldNumber: OtlpFields.AnyValue.StringValue, WireType: WireType.LengthDelimited } && reader.ValueEnd == value.End
            ? reader.Value
            : System.Text.Encoding.UTF8.GetBytes(Value(request, place).Text);
    }

    private AttributeValue Value(ReadOnlySpan<byte> request, int place)
    {
        ref readonly var value = ref _values[place];
        return new AnyValueReader(request, ValueLimits, ValueLimits.TextLengthMax).Read(value.Start, value.End);
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

    /// <param name="bytes">Up to the attribute's end.</param>
    /// <param name="start">Of its value's field, or of any before it.</param>
    private bool Add(ReadOnlySpan<byte> bytes, int meaning, int start)
    {
        if (meaning < 0)
        {
            return meaning == LearnedKeys.Watched;
        }

        if (!Has(meaning))
        {
            Note(bytes, meaning, start);
        }

        return false;
    }

    private void Note(ReadOnlySpan<byte> bytes, int place, int start)
    {
        if (place < 64)
        {
            _low |= 1UL << place;
        }
        else
        {
            _high |= 1UL << place;
        }

        // The value is one field to the attribute's end, and mostly a text to the value's end.
        if (OnlyField(bytes, start, ValueTag) is >= 0 and var value)
        {
            _values[place] = new Place(value, bytes.Length, OnlyField(bytes, value, TextTag));
            return;
        }

        _values[place] = default;
        var attribute = new ProtoReader(bytes, start, bytes.Length);
        while (attribute.Next())
        {
            if (attribute is { FieldNumber: OtlpFields.KeyValue.Value, WireType: WireType.LengthDelimited })
            {
                _values[place] = new Place(attribute.ValueOffset, attribute.ValueEnd, OnlyField(bytes[..attribute.ValueEnd], attribute.ValueOffset, TextTag));
            }
        }
    }

    /// <summary>Where the value begins of a field with this tag that takes all the bytes from <paramref name="start"/>; negative: it is another, or there are more.</summary>
    private static int OnlyField(ReadOnlySpan<byte> bytes, int start, byte tag)
    {
        var at = start + 1;
        return (uint)start < (uint)bytes.Length && bytes[start] == tag && ProtoReader.TryReadVarint(bytes, ref at, out var length) && length == (ulong)(bytes.Length - at) ? at : -1;
    }

    /// <summary>A value's bytes in the request.</summary>
    /// <param name="Text">Where they are a text: where it begins; it ends with them. Negative: they are none.</param>
    private readonly record struct Place(int Start, int End, int Text);
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
