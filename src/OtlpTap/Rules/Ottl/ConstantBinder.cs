namespace OtlpTap.Rules.Ottl;

/// <summary>Makes constants of what a condition writes out.</summary>
internal sealed class ConstantBinder(RuleContext context, BindingProblems problems)
{
    /// <summary>Null when problems were added.</summary>
    public Constant? Bind(ValueSyntax syntax)
    {
        switch (syntax)
        {
            case NilSyntax:
                return Constant.Nil;
            case StringSyntax text:
                return Constant.Of(text.Value);
            case IntSyntax number:
                return Constant.Of(number.Value);
            case FloatSyntax number:
                return Constant.Of(number.Value);
            case BoolSyntax boolean:
                return Constant.Of(boolean.Value);
            case BytesSyntax bytes:
                return Constant.Of(bytes.Value);
            case SignSyntax { Negative: true, Inner: IntSyntax number }:
                return Constant.Of(-number.Value);
            case SignSyntax { Negative: true, Inner: FloatSyntax number }:
                return Constant.Of(-number.Value);
            case SignSyntax { Negative: false, Inner: IntSyntax or FloatSyntax } sign:
                return Bind(sign.Inner);
            case EnumSyntax symbol:
                if (Names.EnumValue(symbol.Name, context) is { } value)
                {
                    return Constant.Of(value);
                }

                problems.Wrong(symbol.Position, $"There is no enum symbol {symbol.Name}{Names.Suggest(symbol.Name, Names.EnumsFor(context))}");
                return null;
            case ListSyntax list:
                return BindList(list);
            case MapSyntax map:
                return BindMap(map);
            case ConverterSyntax converter:
                if (Names.IsConverter(converter.Name))
                {
                    problems.Unsupported(converter.Position, $"the converter {converter.Name} cannot be used as a value{Names.Elsewhere(converter.Name)}");
                }
                else
                {
                    problems.Wrong(converter.Position, $"There is no converter named {converter.Name}{Names.Suggest(converter.Name, Names.Converters)}");
                }

                return null;
            case PathSyntax path:
                problems.Unsupported(path.Position, "lists and maps hold constants only");
                return null;
            default:
                problems.Unsupported(syntax.Position, "arithmetic cannot be used");
                return null;
        }
    }

    private Constant? BindList(ListSyntax list)
    {
        var values = new List<Constant>();
        foreach (var item in list.Values)
        {
            // In the reference a map in a list literal equals no received map, but equals another literal: neither is of use.
            if (item is MapSyntax)
            {
                problems.Unsupported(item.Position, "a list cannot hold a map");
                return null;
            }

            if (Bind(item) is not { } value)
            {
                return null;
            }

            values.Add(value);
        }

        return Constant.ListOf(values);
    }

    private Constant? BindMap(MapSyntax map)
    {
        var entries = new List<(string, Constant)>();
        foreach (var (key, item) in map.Entries)
        {
            if (item is ListSyntax)
            {
                problems.Unsupported(item.Position, "a map cannot hold a list");
                return null;
            }

            if (Bind(item) is not { } value)
            {
                return null;
            }

            entries.Add((key, value));
        }

        return Constant.MapOf(entries);
    }
}
