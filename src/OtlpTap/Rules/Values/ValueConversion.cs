using System.Text;
using OtlpTap.Rules.Expressions.Texts;

namespace OtlpTap.Rules.Values;

/// <summary>What a converter makes of a value before it is compared.</summary>
internal enum Conversion : byte
{
    None,

    /// <summary><c>Int</c>: of a text that is no integer it is nil.</summary>
    Int,

    /// <summary><c>Double</c>: of a text that is no number it is an error.</summary>
    Double,

    /// <summary><c>Len</c>: bytes of a text, elements of a list, entries of a map.</summary>
    Length,
}

internal static class ValueConversion
{
    /// <summary>Numbers are shorter; what is longer may still be one, with zeros in front, and costs an allocation.</summary>
    private const int DigitsMax = 64;

    /// <summary>False is OTTL's error.</summary>
    public static bool TryConvert(ReadOnlySpan<byte> source, Conversion conversion, ref Slot value) => conversion switch
    {
        Conversion.Int => TryInt(source, ref value),
        Conversion.Double => TryDouble(source, ref value),
        _ => TryLength(source, ref value),
    };

    private static bool TryInt(ReadOnlySpan<byte> source, ref Slot value)
    {
        switch (value.Kind)
        {
            case SlotKind.Missing or SlotKind.Empty or SlotKind.Int:
                return true;
            case SlotKind.Bool:
                value.Kind = SlotKind.Int;
                return true;
            case SlotKind.Double:
                value = new Slot { Kind = SlotKind.Int, Bits = NumberText.Truncated(BitConverter.Int64BitsToDouble(value.Bits)) };
                return true;
            case SlotKind.String:
                Span<char> digits = value.Length <= DigitsMax ? stackalloc char[value.Length] : new char[value.Length];
                Encoding.Latin1.GetChars(source.Slice(value.Offset, value.Length), digits);
                value = NumberText.TryParseInt(digits, 10, out var number) ? new Slot { Kind = SlotKind.Int, Bits = number } : default;
                return true;
            default:
                return false;
        }
    }

    private static bool TryDouble(ReadOnlySpan<byte> source, ref Slot value)
    {
        double number;
        switch (value.Kind)
        {
            case SlotKind.Missing or SlotKind.Empty or SlotKind.Double:
                return true;
            case SlotKind.Bool or SlotKind.Int:
                number = value.Bits;
                break;
            case SlotKind.String:
                Span<char> digits = value.Length <= DigitsMax ? stackalloc char[value.Length] : new char[value.Length];
                Encoding.Latin1.GetChars(source.Slice(value.Offset, value.Length), digits);
                if (!NumberText.TryParseDouble(digits, out number))
                {
                    return false;
                }

                break;
            default:
                return false;
        }

        value = new Slot { Kind = SlotKind.Double, Bits = BitConverter.DoubleToInt64Bits(number) };
        return true;
    }

    private static bool TryLength(ReadOnlySpan<byte> source, ref Slot value)
    {
        switch (value.Kind)
        {
            case SlotKind.String or SlotKind.Bytes:
                value = new Slot { Kind = SlotKind.Int, Bits = value.Length };
                return true;
            case SlotKind.List or SlotKind.Map:
                var count = 0L;
                var elements = AnyValues.ReaderOf(source, in value);
                while (elements.Next())
                {
                    count += elements.Tag == AnyValues.Element ? 1 : 0;
                }

                value = new Slot { Kind = SlotKind.Int, Bits = count };
                return !elements.IsMalformed;
            default:
                return false;
        }
    }
}
