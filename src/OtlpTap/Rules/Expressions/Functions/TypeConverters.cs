namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>What kind of value something is, and how it becomes another.</summary>
internal static class TypeConverters
{
    public static IEnumerable<Converter> All { get; } =
    [
        Is("IsString", ParameterKind.Text),
        Is("IsBool", ParameterKind.Bool),
        Is("IsInt", ParameterKind.Int),
        Is("IsDouble", ParameterKind.Double),
        Is("IsMap", ParameterKind.Map),
        Converter.Of("IsList", [new("Target", ParameterKind.Any)], values => BoolValue.Of(values[0] is ListValue or RawListValue or TextListValue or OpaqueValue { Count: not null })),
        Converter.Of("Bool", [new("Target", ParameterKind.BoolLike)], values => values[0]),
        Converter.Of("Double", [new("Target", ParameterKind.DoubleLike)], values => values[0]),
        Converter.Of("Int", [new("Target", ParameterKind.IntLike)], values => values[0]),
        Converter.Of("String", [new("Target", ParameterKind.TextLike)], values => values[0]),
        new("Coalesce", [new("Values", ParameterKind.AnyList)], Coalesce),
    ];

    private static Converter Is(string name, ParameterKind kind) => new(name, [new Parameter("Target", kind)], call => item => call[0].Get(item) switch
    {
        Failure { IsTypeMismatch: true } => BoolValue.False,
        Failure failure => failure,
        _ => BoolValue.True,
    });

    private static Func<TelemetryItem, Value>? Coalesce(ConverterCall call)
    {
        var values = call.Elements(0);
        if (values.Count == 0)
        {
            return call.Refuse(0, "Coalesce needs at least one value.");
        }

        return item =>
        {
            foreach (var candidate in values)
            {
                // An error ends the search too.
                var value = candidate.Get(item);
                if (!value.IsNil)
                {
                    return value;
                }
            }

            return Value.Nil;
        };
    }
}
