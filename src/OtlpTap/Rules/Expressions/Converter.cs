namespace OtlpTap.Rules.Expressions;

/// <param name="Bind">Null when the call was refused.</param>
/// <param name="IgnoresArguments">A converter without parameters takes any arguments and looks at none, as in the reference.</param>
internal sealed record Converter(string Name, IReadOnlyList<Parameter> Parameters, Func<ConverterCall, Func<TelemetryItem, Value>?> Bind, bool IgnoresArguments = false)
{
    /// <summary>A converter whose answer depends on the values of its arguments only; those that are not given are nil.</summary>
    public static Converter Of(string name, IReadOnlyList<Parameter> parameters, Func<Value[], Value> answer) => new(name, parameters, call => item =>
    {
        var values = new Value[parameters.Count];
        return call.Evaluate(item, values) ?? answer(values);
    });
}
