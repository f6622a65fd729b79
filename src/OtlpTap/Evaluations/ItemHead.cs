using OtlpTap.Otlp;
using OtlpTap.Spans;
using OtlpTap.Wire;

namespace OtlpTap.Evaluations;

/// <summary>What the first look at a span or log record found.</summary>
internal struct ItemHead
{
    public TraceId TraceId;
    public SpanId SpanId;
    public SpanId ParentId;
    public ulong StartUnixNano;

    /// <summary>Mark of the response id, 0 where there is none.</summary>
    public ulong Response;

    /// <summary>Mark of the session's id, 0 where there is none.</summary>
    public ulong Session;

    public bool IsModelCall;

    // Of several ids the first of those keys counts, as it does of a span; 0: none yet.
    private int _responseOrder;
    private int _sessionOrder;

    /// <summary>Looks at one serialized <c>KeyValue</c>; true when it makes its item one that holds evaluations.</summary>
    public bool Look(ReadOnlySpan<byte> keyValue, CustomMetricNames custom)
    {
        if (IsTurnedAway(keyValue, custom))
        {
            return false;
        }

        ReadOnlySpan<byte> key = default;
        ReadOnlySpan<byte> value = default;
        var reader = new ProtoReader(keyValue);
        while (reader.Next())
        {
            if (reader is { FieldNumber: OtlpFields.KeyValue.Key, WireType: WireType.LengthDelimited })
            {
                key = reader.Value;
            }
            else if (reader is { FieldNumber: OtlpFields.KeyValue.Value, WireType: WireType.LengthDelimited })
            {
                value = reader.Value;
            }
        }

        switch (EvaluationKeys.Of(key))
        {
            case KeyMeaning.Evaluation:
                return true;
            case KeyMeaning.EventName:
                return EvaluationKeys.IsEvent(TextOf(value));
            case KeyMeaning.Kind:
                return EvaluationKeys.IsEvaluationKind(TextOf(value));
            case KeyMeaning.ResponseId:
                Take(ref Response, ref _responseOrder, SpanKeys.Responses, key, value);
                return false;
            case KeyMeaning.SessionId:
                Take(ref Session, ref _sessionOrder, SpanKeys.Sessions, key, value);
                return false;
            case KeyMeaning.Operation:
                IsModelCall = EvaluationKeys.IsModelOperation(TextOf(value));
                return false;
            default:
                return custom.Contains(key);
        }
    }

    private static void Take(ref ulong mark, ref int order, int[] places, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var own = places.IndexOf(SpanKeys.Table.Find(key)) + 1;
        if ((order == 0 || own < order) && ReferenceTable.MarkOf(TextOf(value)) is not 0 and var found)
        {
            (mark, order) = (found, own);
        }
    }

    // Encoders write the key first, and what nearly every key says is that its value need not be read.
    private static bool IsTurnedAway(ReadOnlySpan<byte> keyValue, CustomMetricNames custom)
    {
        const byte KeyTag = (OtlpFields.KeyValue.Key << 3) | (int)WireType.LengthDelimited;
        if (keyValue is not [KeyTag, < 0x80 and var length, ..] || length > keyValue.Length - 2)
        {
            return false;
        }

        var key = keyValue.Slice(2, length);
        return EvaluationKeys.Of(key) == KeyMeaning.None && !custom.Contains(key);
    }

    private static ReadOnlySpan<byte> TextOf(ReadOnlySpan<byte> anyValue)
    {
        ReadOnlySpan<byte> text = default;
        var reader = new ProtoReader(anyValue);
        while (reader.Next())
        {
            if (reader is { FieldNumber: OtlpFields.AnyValue.StringValue, WireType: WireType.LengthDelimited })
            {
                text = reader.Value;
            }
        }

        return text;
    }
}
