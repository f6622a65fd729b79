using OtlpTap.Rules.Ottl;

namespace OtlpTap.Rules.Values;

/// <summary>A value and the bytes that its offsets point into.</summary>
internal readonly ref struct ValueView(Slot slot, ReadOnlySpan<byte> bytes)
{
    public readonly Slot Slot = slot;
    public readonly ReadOnlySpan<byte> Source = bytes;

    public ReadOnlySpan<byte> Bytes => Source.Slice(Slot.Offset, Slot.Length);

    /// <summary>OTTL's nil: nothing there, nothing in it, or bytes without a byte.</summary>
    public bool IsNil => Slot.Kind is SlotKind.Missing or SlotKind.Empty || (Slot.Kind == SlotKind.Bytes && Slot.Length == 0);

    public double Number => Slot.Kind == SlotKind.Int ? Slot.Bits : BitConverter.Int64BitsToDouble(Slot.Bits);
}

/// <summary>
/// OTTL's comparisons. Values of different types are unequal and in no order, and that is no error; an int and a double
/// compare as doubles; strings and bytes by their bytes; lists and maps know only == and !=, and their members do not
/// mix int and double; nil equals nil and is in no order with anything else.
/// </summary>
internal static class Comparison
{
    /// <summary>Lists in lists: deeper ones are no data, and the stack is bounded.</summary>
    private const int DepthMax = 64;

    /// <summary>Maps are compared entry by entry with all of the other: this many pairs of keys at most, some milliseconds.</summary>
    private const int WorkMax = 1 << 18;

    public static Outcome Compare(in ValueView left, ComparisonOperator comparison, in ValueView right)
    {
        if (left.IsNil || right.IsNil)
        {
            var areNil = left.IsNil && right.IsNil;
            return Of(comparison switch
            {
                ComparisonOperator.NotEqual => !areNil,
                ComparisonOperator.Equal or ComparisonOperator.LessOrEqual or ComparisonOperator.GreaterOrEqual => areNil,
                _ => false,
            });
        }

        return (left.Slot.Kind, right.Slot.Kind) switch
        {
            (SlotKind.Bool, SlotKind.Bool) or (SlotKind.Int, SlotKind.Int) => Of(InOrder(left.Slot.Bits.CompareTo(right.Slot.Bits), comparison)),
            (SlotKind.Int or SlotKind.Double, SlotKind.Int or SlotKind.Double) => Of(InOrder(left.Number, comparison, right.Number)),
            (SlotKind.String, SlotKind.String) or (SlotKind.Bytes, SlotKind.Bytes) => Of(InOrder(left.Bytes.SequenceCompareTo(right.Bytes), comparison)),
            (SlotKind.List, SlotKind.List) or (SlotKind.Map, SlotKind.Map) => Members(in left, comparison, in right),
            _ => Of(comparison == ComparisonOperator.NotEqual),
        };
    }

    private static Outcome Members(in ValueView left, ComparisonOperator comparison, in ValueView right)
    {
        if (comparison is not (ComparisonOperator.Equal or ComparisonOperator.NotEqual))
        {
            return Outcome.False;
        }

        var work = WorkMax;
        return (AreEqual(in left, in right, DepthMax, ref work), comparison) switch
        {
            (Outcome.Error, _) => Outcome.Error,
            (Outcome.True, ComparisonOperator.Equal) or (Outcome.False, ComparisonOperator.NotEqual) => Outcome.True,
            _ => Outcome.False,
        };
    }

    /// <summary>Error: malformed, too deep or too much.</summary>
    private static Outcome AreEqual(in ValueView left, in ValueView right, int depth, ref int work)
    {
        if (depth == 0 || work <= 0)
        {
            return Outcome.Error;
        }

        if (left.Slot.Kind != right.Slot.Kind)
        {
            return Outcome.False;
        }

        return left.Slot.Kind switch
        {
            SlotKind.Bool or SlotKind.Int => Of(left.Slot.Bits == right.Slot.Bits),
            SlotKind.Double => Of(left.Number == right.Number),
            SlotKind.String or SlotKind.Bytes => Of(left.Bytes.SequenceEqual(right.Bytes)),
            SlotKind.List => ListsAreEqual(in left, in right, depth, ref work),
            SlotKind.Map => MapsAreEqual(in left, in right, depth, ref work),
            _ => Outcome.True,
        };
    }

    private static Outcome ListsAreEqual(in ValueView left, in ValueView right, int depth, ref int work)
    {
        var lefts = AnyValues.ReaderOf(left.Source, in left.Slot);
        var rights = AnyValues.ReaderOf(right.Source, in right.Slot);
        while (true)
        {
            var hasLeft = NextElement(ref lefts);
            var hasRight = NextElement(ref rights);
            if (lefts.IsMalformed || rights.IsMalformed)
            {
                return Outcome.Error;
            }

            if (!hasLeft || !hasRight)
            {
                return Of(hasLeft == hasRight);
            }

            if (!AnyValues.TryRead(left.Source, lefts.ValueOffset, lefts.ValueEnd, out var leftValue)
                || !AnyValues.TryRead(right.Source, rights.ValueOffset, rights.ValueEnd, out var rightValue))
            {
                return Outcome.Error;
            }

            work--;
            var equal = AreEqual(new ValueView(leftValue, left.Source), new ValueView(rightValue, right.Source), depth - 1, ref work);
            if (equal != Outcome.True)
            {
                return equal;
            }
        }
    }

    private static Outcome MapsAreEqual(in ValueView left, in ValueView right, int depth, ref int work)
    {
        var rightCount = CountOf(in right);
        var leftCount = CountOf(in left);
        if (leftCount < 0 || rightCount < 0)
        {
            return Outcome.Error;
        }

        if (leftCount != rightCount)
        {
            return Outcome.False;
        }

        var entries = AnyValues.ReaderOf(left.Source, in left.Slot);
        while (NextElement(ref entries))
        {
            work -= rightCount;
            if (!AnyValues.TryReadEntry(left.Source, entries.ValueOffset, entries.ValueEnd, out var key, out var leftValue)
                || !AnyValues.TryFind(right.Source, in right.Slot, left.Source[key], out var rightValue))
            {
                return Outcome.Error;
            }

            var equal = AreEqual(new ValueView(leftValue, left.Source), new ValueView(rightValue, right.Source), depth - 1, ref work);
            if (equal != Outcome.True)
            {
                return equal;
            }
        }

        return Outcome.True;
    }

    /// <summary>-1: malformed.</summary>
    private static int CountOf(in ValueView map)
    {
        var count = 0;
        var entries = AnyValues.ReaderOf(map.Source, in map.Slot);
        while (NextElement(ref entries))
        {
            count++;
        }

        return entries.IsMalformed ? -1 : count;
    }

    private static bool NextElement(ref Wire.ProtoReader reader)
    {
        while (reader.Next())
        {
            if (reader.Tag == AnyValues.Element)
            {
                return true;
            }
        }

        return false;
    }

    internal static bool InOrder(int order, ComparisonOperator comparison) => comparison switch
    {
        ComparisonOperator.Equal => order == 0,
        ComparisonOperator.NotEqual => order != 0,
        ComparisonOperator.Less => order < 0,
        ComparisonOperator.LessOrEqual => order <= 0,
        ComparisonOperator.Greater => order > 0,
        _ => order >= 0,
    };

    // Not by an order: NaN has none.
    internal static bool InOrder(double left, ComparisonOperator comparison, double right) => comparison switch
    {
        ComparisonOperator.Equal => left == right,
        ComparisonOperator.NotEqual => left != right,
        ComparisonOperator.Less => left < right,
        ComparisonOperator.LessOrEqual => left <= right,
        ComparisonOperator.Greater => left > right,
        _ => left >= right,
    };

    private static Outcome Of(bool value) => value ? Outcome.True : Outcome.False;
}
