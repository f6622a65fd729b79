using System.Runtime.CompilerServices;

namespace OtlpTap.Rules.Expressions;

/// <summary>The two ways between received values and those that the reference makes of them.</summary>
internal static class RawValues
{
    /// <summary>A received value as a plain one: of equal keys of a map the last counts.</summary>
    public static Value Of(Value received)
    {
        switch (received)
        {
            case MapValue map:
                var entries = new Dictionary<string, Value>(map.Entries.Count, StringComparer.Ordinal);
                foreach (var (key, value) in map.Entries)
                {
                    entries[key] = Of(value);
                }

                return new RawMapValue(entries);

            case ListValue list:
                return new RawListValue([.. list.Elements.Select(Of)]);

            default:
                return received;
        }
    }

    /// <summary>A plain value as one that could have been received; a <see cref="Failure"/> for what could not.</summary>
    public static Value ToReceived(Value value)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            return new Failure("the value is nested too deep");
        }

        switch (value)
        {
            case NilValue or TextValue or IntValue or DoubleValue or BoolValue or BytesValue:
                return value;

            case MachineIntValue number:
                return new IntValue(number.Value);

            case RawMapValue map:
                var entries = new List<KeyValuePair<string, Value>>(map.Entries.Count);
                foreach (var (key, inner) in map.Entries)
                {
                    var received = ToReceived(inner);
                    if (received is Failure)
                    {
                        return received;
                    }

                    entries.Add(new(key, received));
                }

                return new MapValue(entries);

            case RawListValue list:
                var elements = new Value[list.Elements.Count];
                for (var i = 0; i < elements.Length; i++)
                {
                    elements[i] = ToReceived(list.Elements[i]);
                    if (elements[i] is Failure)
                    {
                        return elements[i];
                    }
                }

                return new ListValue(elements);

            default:
                return new Failure($"a list or map cannot hold a value of type {value.TypeName} here");
        }
    }
}
