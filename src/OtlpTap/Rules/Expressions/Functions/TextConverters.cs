using System.Text;
using OtlpTap.Rules.Expressions.Texts;

namespace OtlpTap.Rules.Expressions.Functions;

internal static class TextConverters
{
    private static readonly Parameter Target = new("Target", ParameterKind.Text);

    public static IEnumerable<Converter> All { get; } =
    [
        Converter.Of("HasPrefix", [Target, new("Prefix", ParameterKind.Text)], values => BoolValue.Of(Text(values, 0).StartsWith(Text(values, 1), StringComparison.Ordinal))),
        Converter.Of("HasSuffix", [Target, new("Suffix", ParameterKind.Text)], values => BoolValue.Of(Text(values, 0).EndsWith(Text(values, 1), StringComparison.Ordinal))),
        Converter.Of("TrimPrefix", [Target, new("Prefix", ParameterKind.Text)], values => new TextValue(TrimPrefix(Text(values, 0), Text(values, 1)))),
        Converter.Of("TrimSuffix", [Target, new("Suffix", ParameterKind.Text)], values => new TextValue(TrimSuffix(Text(values, 0), Text(values, 1)))),
        Converter.Of("Trim", [Target, new("Replacement", ParameterKind.LiteralText, IsOptional: true)], values => new TextValue(Trim(Text(values, 0), values[1] is TextValue cut ? cut.Text : " "))),
        Converter.Of("ToLowerCase", [Target], values => new TextValue(MapRunes(Text(values, 0), ToLower))),
        Converter.Of("ToUpperCase", [Target], values => new TextValue(MapRunes(Text(values, 0), ToUpper))),
        Converter.Of("ToSnakeCase", [Target], values => new TextValue(CaseConversion.ToSnake(Text(values, 0)))),
        Converter.Of("ToCamelCase", [Target], values => new TextValue(CaseConversion.ToCamel(Text(values, 0)))),
        new("ConvertCase", [Target, new("ToCase", ParameterKind.LiteralText)], ConvertCase),
        Converter.Of(
            "Substring",
            [Target, new("Start", ParameterKind.Int), new("Length", ParameterKind.Int), new("Utf8Safe", ParameterKind.LiteralBool, IsOptional: true)],
            values => Substring(Text(values, 0), ((IntValue)values[1]).Value, ((IntValue)values[2]).Value, values[3] == BoolValue.True)),
        Converter.Of("Split", [Target, new("Delimiter", ParameterKind.Text)], values => new TextListValue(Split(Text(values, 0), Text(values, 1)))),
        Converter.Of("Concat", [new("Vals", ParameterKind.TextLikeList), new("Delimiter", ParameterKind.Text)], values => Concat(((RawListValue)values[0]).Elements, Text(values, 1))),
        Converter.Of("Format", [new("Format", ParameterKind.LiteralText), new("Vals", ParameterKind.AnyList)], values => FormatText.Format(Text(values, 0), ((RawListValue)values[1]).Elements)),
    ];

    private static string Text(Value[] values, int index) => ((TextValue)values[index]).Text;

    private static string TrimPrefix(string text, string prefix) => text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text;

    private static string TrimSuffix(string text, string suffix) => text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text;

    /// <summary>Any of the characters, as often as they stand at either end.</summary>
    private static string Trim(string text, string characters)
    {
        var cut = ByteText.Runes(characters).Select(item => item.Rune).ToHashSet();
        var runes = ByteText.Runes(text).ToList();
        var first = runes.FindIndex(item => !cut.Contains(item.Rune));
        if (first < 0)
        {
            return "";
        }

        var last = runes.FindLast(item => !cut.Contains(item.Rune));
        return text[runes[first].Start..(last.Start + last.Length)];
    }

    private static Func<TelemetryItem, Value>? ConvertCase(ConverterCall call)
    {
        Func<string, string>? convert = call.LiteralText(1) switch
        {
            "lower" => text => MapRunes(text, ToLower),
            "upper" => text => MapRunes(text, ToUpper),
            "snake" => CaseConversion.ToSnake,
            "camel" => CaseConversion.ToCamel,
            _ => null,
        };
        return convert is null ? call.Refuse(1, "The case is one of lower, upper, snake, camel.")
            : item => call[0].Get(item) is TextValue text ? new TextValue(convert(text.Text)) : call[0].Get(item);
    }

    private static string MapRunes(string text, Func<Rune, Rune> map)
    {
        if (Ascii.IsValid(text))
        {
            return string.Create(text.Length, (text, map), static (chars, state) =>
            {
                for (var i = 0; i < chars.Length; i++)
                {
                    chars[i] = (char)state.map(new Rune(state.text[i])).Value;
                }
            });
        }

        var mapped = new StringBuilder(text.Length);
        foreach (var (rune, _, _) in ByteText.Runes(text))
        {
            mapped.Append(ByteText.Of(map(rune)));
        }

        return mapped.ToString();
    }

    // .NET's invariant mapping leaves the Turkish letters alone; Unicode's simple mapping, which the reference uses, does not.
    private static Rune ToLower(Rune rune) => rune.Value == 0x130 ? new Rune('i') : Rune.ToLowerInvariant(rune);

    private static Rune ToUpper(Rune rune) => rune.Value switch { 0x131 => new Rune('I'), 0x17F => new Rune('S'), _ => Rune.ToUpperInvariant(rune) };

    private static Value Substring(string text, long start, long length, bool isUtf8Safe)
    {
        if (start < 0)
        {
            return new Failure($"the start {start} is negative");
        }

        if (length <= 0)
        {
            return new Failure($"the length {length} is not positive");
        }

        if (start > text.Length || length > text.Length - start)
        {
            return new Failure($"{length} bytes from {start} on are more than the text's {text.Length}");
        }

        var from = (int)start;
        var to = (int)(start + length);
        if (isUtf8Safe)
        {
            while (from < text.Length && IsContinuation(text[from]))
            {
                from++;
            }

            while (from < to && to < text.Length && IsContinuation(text[to]))
            {
                to--;
            }

            to = Math.Max(from, to);
        }

        return new TextValue(text[from..to]);
    }

    private static bool IsContinuation(char c) => (c & 0xC0) == 0x80;

    /// <summary>Without a delimiter, into characters.</summary>
    private static string[] Split(string text, string delimiter)
    {
        if (delimiter.Length > 0)
        {
            return text.Split(delimiter);
        }

        // A byte that is no UTF-8 becomes a character of its own as it is.
        return [.. ByteText.Runes(text).Select(item => text.Substring(item.Start, item.Length))];
    }

    private static Value Concat(IReadOnlyList<Value> values, string delimiter)
    {
        var text = new StringBuilder();
        for (var i = 0; i < values.Count; i++)
        {
            text.Append(i > 0 ? delimiter : "").Append(values[i] is TextValue part ? part.Text : "<nil>");
            if (text.Length > ByteText.LengthMax)
            {
                return new Failure("the text is too long");
            }
        }

        return new TextValue(text.ToString());
    }
}
