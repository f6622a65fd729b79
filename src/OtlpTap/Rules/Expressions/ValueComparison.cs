using System.Runtime.CompilerServices;
using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Values;

namespace OtlpTap.Rules.Expressions;

/// <summary>
/// OTTL's comparisons of all there is; those of received values are <see cref="Comparison"/>'s, here on values instead of bytes.
/// Source: github.com/open-telemetry/opentelemetry-collector-contrib, pkg/ottl/compare.go.
/// </summary>
internal static class ValueComparison
{
    public static bool AreEqual(Value left, Value right) => Compare(left, ComparisonOperator.Equal, right) == BoolValue.True;

    /// <summary>A bool, or a <see cref="Failure"/> where the reference crashes.</summary>
    public static Value Compare(Value left, ComparisonOperator comparison, Value right)
    {
        if (IsNilLike(left))
        {
            (left, right) = (right, Value.Nil);
        }

        if (IsNilLike(left))
        {
            return BoolValue.Of(comparison is ComparisonOperator.Equal or ComparisonOperator.LessOrEqual or ComparisonOperator.GreaterOrEqual);
        }

        return (left, right) switch
        {
            (BoolValue x, BoolValue y) => BoolValue.Of(Comparison.InOrder(x.Value.CompareTo(y.Value), comparison)),
            (IntValue x, IntValue y) => BoolValue.Of(Comparison.InOrder(x.Value.CompareTo(y.Value), comparison)),
            (IntValue x, DoubleValue y) => BoolValue.Of(Comparison.InOrder(x.Value, comparison, y.Value)),
            (DoubleValue x, IntValue y) => BoolValue.Of(Comparison.InOrder(x.Value, comparison, y.Value)),
            (DoubleValue x, DoubleValue y) => BoolValue.Of(Comparison.InOrder(x.Value, comparison, y.Value)),
            (TextValue x, TextValue y) => BoolValue.Of(Comparison.InOrder(string.CompareOrdinal(x.Text, y.Text), comparison)),
            (BytesValue x, BytesValue { IsEmpty: false } y) => BoolValue.Of(Comparison.InOrder(x.Bytes.AsSpan().SequenceCompareTo(y.Bytes), comparison)),
            (DurationValue x, DurationValue y) => BoolValue.Of(Comparison.InOrder(x.Nanoseconds.CompareTo(y.Nanoseconds), comparison)),
            (TimeValue x, TimeValue y) => BoolValue.Of(Comparison.InOrder(x.Time.CompareTo(y.Time), comparison)),
            (MapValue or RawMapValue or ListValue or RawListValue, _) => Members(left, comparison, right),
            (TextListValue, TextListValue) when comparison is ComparisonOperator.Equal or ComparisonOperator.NotEqual
                => new Failure("two lists that Split made cannot be compared"),
            (IdValue x, IdValue y) when x.Kind == y.Kind => Identity(x.Bytes.AsSpan().SequenceEqual(y.Bytes), comparison),
            (OpaqueValue x, OpaqueValue y) when x.TypeName == y.TypeName => Identity(ReferenceEquals(x.Identity, y.Identity), comparison),
            (MachineIntValue x, MachineIntValue y) => Identity(x.Value == y.Value, comparison),
            _ => BoolValue.Of(comparison == ComparisonOperator.NotEqual),
        };
    }

    private static bool IsNilLike(Value value) => value is NilValue or BytesValue { IsEmpty: true };

    private static BoolValue Identity(bool same, ComparisonOperator comparison) => BoolValue.Of(comparison switch
    {
        ComparisonOperator.Equal => same,
        ComparisonOperator.NotEqual => !same,
        _ => false,
    });

    private static BoolValue Members(Value left, ComparisonOperator comparison, Value right)
    {
        bool? equal = (left, right) switch
        {
            (MapValue or RawMapValue, MapValue or RawMapValue) or (ListValue or RawListValue, ListValue or RawListValue)
                => left.GetType() == right.GetType() && left is MapValue or ListValue ? ReceivedAreEqual(left, right) : DeepEqual(RawValues.Of(left), RawValues.Of(right)),
            _ => null,
        };
        return equal is { } same ? Identity(same, comparison) : BoolValue.Of(comparison == ComparisonOperator.NotEqual);
    }

    /// <summary>Maps without regard to order, lists in order, no member of one type equals one of another.</summary>
    private static bool ReceivedAreEqual(Value left, Value right)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            return false;
        }

        switch (left, right)
        {
            case (MapValue x, MapValue y):
                if (x.Entries.Count != y.Entries.Count)
                {
                    return false;
                }

                foreach (var (key, value) in x.Entries)
                {
                    if (!y.TryGet(key, out var other) || !ReceivedAreEqual(value, other))
                    {
                        return false;
                    }
                }

                return true;

            case (ListValue x, ListValue y):
                if (x.Elements.Count != y.Elements.Count)
                {
                    return false;
                }

                for (var i = 0; i < x.Elements.Count; i++)
                {
                    if (!ReceivedAreEqual(x.Elements[i], y.Elements[i]))
                    {
                        return false;
                    }
                }

                return true;

            case (BytesValue x, BytesValue y):
                return x.Bytes.AsSpan().SequenceEqual(y.Bytes);

            default:
                return ScalarsAreEqual(left, right);
        }
    }

    /// <summary>Of plain values: as the reference's reflection sees them, where a received list or map within equals only its like.</summary>
    private static bool DeepEqual(Value left, Value right)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            return false;
        }

        switch (left, right)
        {
            case (RawListValue x, RawListValue y):
                if (x.Elements.Count != y.Elements.Count)
                {
                    return false;
                }

                for (var i = 0; i < x.Elements.Count; i++)
                {
                    if (!DeepEqual(x.Elements[i], y.Elements[i]))
                    {
                        return false;
                    }
                }

                return true;

            case (RawMapValue x, RawMapValue y):
                if (x.Entries.Count != y.Entries.Count)
                {
                    return false;
                }

                foreach (var (key, value) in x.Entries)
                {
                    if (!y.Entries.TryGetValue(key, out var other) || !DeepEqual(value, other))
                    {
                        return false;
                    }
                }

                return true;

            // In the order of their entries: it is the memory that is compared.
            case (MapValue x, MapValue y):
                return x.Entries.Count == y.Entries.Count
                    && x.Entries.Zip(y.Entries).All(pair => pair.First.Key == pair.Second.Key && DeepEqual(pair.First.Value, pair.Second.Value));

            case (ListValue x, ListValue y):
                return x.Elements.Count == y.Elements.Count && x.Elements.Zip(y.Elements).All(pair => DeepEqual(pair.First, pair.Second));

            case (TextListValue x, TextListValue y):
                return x.Texts.SequenceEqual(y.Texts);

            case (BytesValue x, BytesValue y):
                return x.Bytes.AsSpan().SequenceEqual(y.Bytes);

            case (TimeValue x, TimeValue y):
                return x.Time.CompareTo(y.Time) == 0 && x.Time.Zone == y.Time.Zone;

            default:
                return ScalarsAreEqual(left, right);
        }
    }

    private static bool ScalarsAreEqual(Value left, Value right) => (left, right) switch
    {
        (NilValue, NilValue) => true,
        (BoolValue x, BoolValue y) => x.Value == y.Value,
        (IntValue x, IntValue y) => x.Value == y.Value,
        (MachineIntValue x, MachineIntValue y) => x.Value == y.Value,
        (DoubleValue x, DoubleValue y) => x.Value == y.Value,
        (TextValue x, TextValue y) => x.Text == y.Text,
        (DurationValue x, DurationValue y) => x.Nanoseconds == y.Nanoseconds,
        (IdValue x, IdValue y) => x.Kind == y.Kind && x.Bytes.AsSpan().SequenceEqual(y.Bytes),
        (OpaqueValue x, OpaqueValue y) => ReferenceEquals(x.Identity, y.Identity),
        _ => false,
    };
}
