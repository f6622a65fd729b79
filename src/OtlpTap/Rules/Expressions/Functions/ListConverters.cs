using System.Globalization;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>Lists and maps.</summary>
internal static class ListConverters
{
    public static IEnumerable<Converter> All { get; } =
    [
        Converter.Of("ContainsValue", [new("Target", ParameterKind.List), new("Item", ParameterKind.Any)], values => BoolValue.Of(IndexOf((ListValue)values[0], values[1]) >= 0)),
        Converter.Of("Index", [new("Target", ParameterKind.Any), new("Value", ParameterKind.Any)], Index),
        Converter.Of("Keys", [new("Target", ParameterKind.Map)], values => new ListValue([.. ((MapValue)values[0]).Entries.Select(entry => new TextValue(entry.Key))])),
        Converter.Of("Values", [new("Target", ParameterKind.Map)], values => new ListValue([.. ((MapValue)values[0]).Entries.Select(entry => entry.Value)])),
        Converter.Of(
            "SliceToMap",
            [new("Target", ParameterKind.List), new("KeyPath", ParameterKind.LiteralTextList, IsOptional: true), new("ValuePath", ParameterKind.LiteralTextList, IsOptional: true)],
            values => SliceToMap((ListValue)values[0], PathOf(values[1]), PathOf(values[2]))),
        new("Sort", [new("Target", ParameterKind.Any), new("Order", ParameterKind.LiteralText, IsOptional: true)], Sort),
    ];

    private static int IndexOf(ListValue list, Value item)
    {
        for (var i = 0; i < list.Elements.Count; i++)
        {
            if (ValueComparison.AreEqual(RawValues.Of(list.Elements[i]), item))
            {
                return i;
            }
        }

        return -1;
    }

    private static Value Index(Value[] values)
    {
        if (values[0] is TextValue text)
        {
            return values[1] is TextValue part
                ? new IntValue(text.Text.IndexOf(part.Text, StringComparison.Ordinal))
                : new Failure($"a value of type {values[1].TypeName} is no part of a text");
        }

        return ParameterConversion.Convert(ParameterKind.List, values[0]) switch
        {
            ListValue list => new IntValue(IndexOf(list, values[1])),
            var failure => failure,
        };
    }

    private static string[]? PathOf(Value value) => value is RawListValue list ? [.. list.Elements.Select(element => ((TextValue)element).Text)] : null;

    private static Value SliceToMap(ListValue list, string[]? keyPath, string[]? valuePath)
    {
        var entries = new List<KeyValuePair<string, Value>>();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < list.Elements.Count; i++)
        {
            var element = list.Elements[i];
            if ((keyPath ?? valuePath) is not null && element is not MapValue)
            {
                return new Failure($"element {i} is no map but of type {element.TypeName}");
            }

            var key = keyPath is null ? new TextValue(i.ToString(CultureInfo.InvariantCulture)) : Extract(element, keyPath);
            var value = valuePath is null ? element : Extract(element, valuePath);
            if (key is not TextValue name || value is Failure)
            {
                return key as Failure ?? value as Failure ?? new Failure($"the key of element {i} is of type {key.TypeName}, not a string");
            }

            if (places.TryAdd(name.Text, entries.Count))
            {
                entries.Add(new(name.Text, value));
            }
            else
            {
                entries[places[name.Text]] = new(name.Text, value);
            }
        }

        return new MapValue(entries);
    }

    private static Value Extract(Value value, string[] path)
    {
        if (path.Length == 0)
        {
            return new Failure("the path into an element is empty");
        }

        foreach (var name in path)
        {
            if (value is not MapValue map || !map.TryGet(name, out value))
            {
                return new Failure($"an element has no {ByteText.ToDisplay(string.Join('.', path))}");
            }
        }

        return value;
    }

    private static Func<TelemetryItem, Value>? Sort(ConverterCall call)
    {
        var order = call.LiteralText(1) ?? "asc";
        if (order is not ("asc" or "desc"))
        {
            return call.Refuse(1, "The order is asc or desc.");
        }

        return item => call[0].Get(item) switch
        {
            ListValue list => Sorted(list, order == "desc"),
            RawListValue list => RawValues.ToReceived(list) is ListValue received ? Sorted(received, order == "desc") : new Failure("the list holds what cannot be sorted"),
            TextListValue list => new TextListValue([.. InOrder(list.Texts, StringComparer.Ordinal, text => text, order == "desc")]),
            Failure failure => failure,
            var other => new Failure($"a value of type {other.TypeName} is no list"),
        };
    }

    /// <summary>
    /// Numbers by their size, texts by their bytes, a mixture that has a text, a bool or nil by what each of them is as a
    /// text. The elements stay what they are. Lists and maps are in no order: a list with one of them stays as it is.
    /// </summary>
    private static Value Sorted(ListValue list, bool descending)
    {
        var elements = list.Elements;
        if (elements.Count == 0 || elements.Any(element => element is not (IntValue or DoubleValue or TextValue or BoolValue or NilValue)))
        {
            return list;
        }

        var raw = elements.Select(RawValues.Of);
        if (elements.Any(element => element is TextValue or BoolValue or NilValue))
        {
            return new RawListValue([.. InOrder(raw, StringComparer.Ordinal, DisplayText.Of, descending)]);
        }

        return elements.All(element => element is IntValue)
            ? new RawListValue([.. InOrder(raw, Comparer<long>.Default, element => ((IntValue)element).Value, descending)])
            : new RawListValue([.. InOrder(raw, Comparer<double>.Default, element => element is IntValue number ? number.Value : ((DoubleValue)element).Value, descending)]);
    }

    private static IEnumerable<T> InOrder<T, TKey>(IEnumerable<T> items, IComparer<TKey> comparer, Func<T, TKey> key, bool descending) =>
        descending ? items.OrderByDescending(key, comparer) : items.OrderBy(key, comparer);
}
