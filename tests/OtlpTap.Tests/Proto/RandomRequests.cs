using System.Collections;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Proto;

/// <summary>Requests as they come off the wire, with any field of the schema set to any value, the unlikely ones more often than real senders set them.</summary>
internal sealed class RandomRequests(int seed)
{
    private const int AnyValueDepthMax = 4;

    private static readonly string[] Texts = ["", "a", "get_weather", "é – 雨 🌧", "\"quoted\\\"", "\n\t\u0001\u007f", "</script>", "\u2028", new('x', 300)];
    private static readonly double[] Doubles = [0, -0.0, 1, -1.5, 0.1, 1e300, double.Epsilon, double.MaxValue, double.NaN, double.PositiveInfinity, double.NegativeInfinity];
    private static readonly ulong[] Integers = [0, 1, 127, 128, 9_007_199_254_740_993, long.MaxValue, 1UL << 63, ulong.MaxValue];
    private static readonly int[] IdLengths = [0, 8, 16, 16, 3, 40];

    private readonly Random _random = new(seed);

    public IMessage Next(Signal signal)
    {
        var request = CapturedPayloads.ParserFor(signal).ParseFrom([]);
        Fill(request, depth: 0);

        // As it arrives: the library does not send a minus zero where zero is the default.
        return request.Descriptor.Parser.ParseFrom(request.ToByteArray());
    }

    private void Fill(IMessage message, int depth)
    {
        depth += message is AnyValue ? 1 : 0;
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            if (_random.Next(3) == 0 || (depth > AnyValueDepthMax && field.FieldType == FieldType.Message))
            {
                continue;
            }

            if (!field.IsRepeated)
            {
                field.Accessor.SetValue(message, Value(field, depth));
                continue;
            }

            var list = (IList)field.Accessor.GetValue(message);
            for (var count = _random.Next(4); count > 0; count--)
            {
                list.Add(Value(field, depth));
            }
        }
    }

    private object Value(FieldDescriptor field, int depth)
    {
        switch (field.FieldType)
        {
            case FieldType.Message:
                var child = field.MessageType.Parser.ParseFrom([]);
                Fill(child, depth);
                return child;

            case FieldType.String:
                return Any(Texts);

            case FieldType.Bytes:
                var bytes = new byte[Any(IdLengths)];
                _random.NextBytes(bytes);
                return ByteString.CopyFrom(bytes);

            case FieldType.Double:
                return Any(Doubles);

            case FieldType.Bool:
                return _random.Next(2) == 0;

            case FieldType.Enum:
                return System.Enum.ToObject(field.EnumType.ClrType, Any([0, 1, 2, 24, int.MaxValue, int.MinValue, -1]));

            case FieldType.SInt32:
                return (int)Any(Integers);

            case FieldType.UInt32 or FieldType.Fixed32:
                return (uint)Any(Integers);

            case FieldType.Int64 or FieldType.SFixed64:
                return (long)Any(Integers);

            case FieldType.UInt64 or FieldType.Fixed64:
                return Any(Integers);

            default:
                throw new InvalidOperationException($"OTLP has a new type of field: {field.FieldType}.");
        }
    }

    private T Any<T>(T[] values) => values[_random.Next(values.Length)];
}
