using OtlpTap.Rules.Patterns;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>Regular expressions. One written in place is checked when the condition is read, one from a path at each item.</summary>
internal static class PatternConverters
{
    public static IEnumerable<Converter> All { get; } =
    [
        new("IsMatch", [new("Target", ParameterKind.TextLike), new("Pattern", ParameterKind.Text)], IsMatch),
        new("ExtractPatterns", [new("Target", ParameterKind.Text), new("Pattern", ParameterKind.Text)], ExtractPatterns),
        new(
            "ExtractGrokPatterns",
            [
                new("Target", ParameterKind.Text), new("Pattern", ParameterKind.Text), new("NamedCapturesOnly", ParameterKind.LiteralBool, IsOptional: true),
                new("PatternDefinitions", ParameterKind.LiteralTextList, IsOptional: true),
            ],
            ExtractGrokPatterns),
    ];

    private delegate T? Compile<T>(string pattern, out string problem)
        where T : class;

    private static Func<TelemetryItem, Value>? IsMatch(ConverterCall call) => With<Pattern>(
        call,
        Pattern.Parse,
        (pattern, target) => target is TextValue text ? BoolValue.Of(pattern.IsMatch(ByteText.ToBytes(text.Text))) : BoolValue.False);

    private static Func<TelemetryItem, Value>? ExtractPatterns(ConverterCall call) => With<CapturePattern>(call, CapturePattern.Parse, (pattern, target) =>
    {
        if (pattern.GroupNames.All(name => name.Length == 0))
        {
            return new Failure("the pattern has no group with a name");
        }

        var groups = pattern.Match(((TextValue)target).Text, out var tooMuch);
        if (tooMuch)
        {
            return new Failure("the pattern takes too long on this text");
        }

        var entries = new Dictionary<string, Value>(StringComparer.Ordinal);
        for (var i = 1; i < (groups?.Length ?? 0); i++)
        {
            if (pattern.GroupNames[i].Length > 0)
            {
                entries[pattern.GroupNames[i]] = new TextValue(groups![i]);
            }
        }

        return new MapValue([.. entries]);
    });

    private static Func<TelemetryItem, Value>? ExtractGrokPatterns(ConverterCall call)
    {
        var namedOnly = call.LiteralBool(2);
        var definitions = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var definition in call.IsGiven(3) ? call.Elements(3) : [])
        {
            var text = ByteText.ToDisplay(((TextValue)((LiteralExpression)definition).Value).Text);
            var at = text.IndexOf('=');
            if (at < 0 || text[..at].Contains(':'))
            {
                return call.Refuse(3, $"'{text}' is no definition of a pattern: NAME=expression.");
            }

            definitions[text[..at]] = text[(at + 1)..];
        }

        GrokPattern? Parse(string pattern, out string problem) => GrokPattern.Parse(pattern, definitions, namedOnly, out problem);
        return With<GrokPattern>(call, Parse, (pattern, target) => pattern.Extract(((TextValue)target).Text));
    }

    /// <summary>The pattern is the second argument. Without an item's text, a pattern that is wrong is wrong all the same.</summary>
    private static Func<TelemetryItem, Value>? With<T>(ConverterCall call, Compile<T> compile, Func<T, Value, Value> answer)
        where T : class
    {
        if (call.LiteralText(1) is { } literal)
        {
            if (compile(ByteText.ToDisplay(literal), out var problem) is not { } compiled)
            {
                return call.Refuse(1, problem);
            }

            return item => call[0].Get(item) is var target && target is Failure ? target : answer(compiled, target);
        }

        // Most items bring the same pattern; a plain race between threads only costs a compilation.
        var last = new Tuple<string, T?, string>("", null, "");
        return item =>
        {
            if (call[1].Get(item) is not TextValue { Text: var text })
            {
                return call[1].Get(item);
            }

            var known = last;
            if (known.Item2 is null || known.Item1 != text)
            {
                known = new(text, compile(ByteText.ToDisplay(text), out var problem), problem);
                last = known;
            }

            if (known.Item2 is not { } compiled)
            {
                return new Failure(known.Item3);
            }

            var target = call[0].Get(item);
            return target is Failure ? target : answer(compiled, target);
        };
    }
}
