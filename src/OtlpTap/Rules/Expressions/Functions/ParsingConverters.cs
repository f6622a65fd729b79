using OtlpTap.Rules.Expressions.Texts;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>Texts of a form become maps and lists, and maps texts.</summary>
internal static class ParsingConverters
{
    private static readonly Parameter Target = new("Target", ParameterKind.Text);

    public static IEnumerable<Converter> All { get; } =
    [
        Converter.Of("ParseJSON", [Target], values => ParseJson(((TextValue)values[0]).Text)),
        new(
            "ParseCSV",
            [
                Target, new("Header", ParameterKind.Text), new("Delimiter", ParameterKind.LiteralText, IsOptional: true),
                new("HeaderDelimiter", ParameterKind.LiteralText, IsOptional: true), new("Mode", ParameterKind.LiteralText, IsOptional: true),
            ],
            ParseCsv),
        new("ParseKeyValue", [Target, new("Delimiter", ParameterKind.LiteralText, IsOptional: true), new("PairDelimiter", ParameterKind.LiteralText, IsOptional: true)], ParseKeyValue),
        new(
            "ToKeyValueString",
            [
                new("Target", ParameterKind.Map), new("Delimiter", ParameterKind.LiteralText, IsOptional: true),
                new("PairDelimiter", ParameterKind.LiteralText, IsOptional: true), new("SortOutput", ParameterKind.LiteralBool, IsOptional: true),
            ],
            ToKeyValueString),
        new("ParseSeverity", [new("Target", ParameterKind.Any), new("Mapping", ParameterKind.Map)], SeverityMapping.Bind),
    ];

    private static Value ParseJson(string text) => JsonReader.Read(text) switch
    {
        (MapValue or ListValue or Failure) and var value => value,
        var other => new Failure($"the JSON is neither an object nor a list, but of type {other.TypeName}"),
    };

    private static Func<TelemetryItem, Value>? ParseCsv(ConverterCall call)
    {
        var delimiter = call.LiteralText(2) ?? ",";
        var headerDelimiter = call.LiteralText(3) ?? delimiter;
        for (var i = 2; i <= 3; i++)
        {
            if (call.LiteralText(i) is { } given && ByteText.Runes(given).Count() != 1)
            {
                return call.Refuse(i, "A delimiter is a single character.");
            }
        }

        Func<string, List<string>?>? read = call.LiteralText(4) switch
        {
            null or "strict" => row => CsvRow.Read(row, delimiter, lazyQuotes: false),
            "lazyQuotes" => row => CsvRow.Read(row, delimiter, lazyQuotes: true),
            "ignoreQuotes" => row => [.. row.Split(delimiter)],
            _ => null,
        };
        if (read is null)
        {
            return call.Refuse(4, "The mode is strict, lazyQuotes or ignoreQuotes.");
        }

        return item =>
        {
            var values = new Value[5];
            if (call.Evaluate(item, values) is { } failure)
            {
                return failure;
            }

            var header = ((TextValue)values[1]).Text;
            if (header.Length == 0)
            {
                return new Failure("the header is empty");
            }

            var names = header.Split(headerDelimiter);
            var fields = read(((TextValue)values[0]).Text);
            if (fields is null || fields.Count != names.Length)
            {
                return new Failure(fields is null ? "the text is no row of comma-separated values" : $"the row has {fields.Count} fields and the header {names.Length}");
            }

            return MapOf(names.Zip(fields, (name, field) => (name, field)));
        };
    }

    private static MapValue MapOf(IEnumerable<(string Key, string Value)> entries)
    {
        var map = new Dictionary<string, Value>(StringComparer.Ordinal);
        foreach (var (key, value) in entries)
        {
            map[key] = new TextValue(value);
        }

        return new MapValue([.. map]);
    }

    private static bool TryDelimiters(ConverterCall call, out string delimiter, out string pairDelimiter)
    {
        delimiter = call.LiteralText(1) ?? "=";
        pairDelimiter = call.LiteralText(2) ?? " ";
        var isEmpty = delimiter.Length == 0 || pairDelimiter.Length == 0;
        if (isEmpty || delimiter == pairDelimiter)
        {
            call.Refuse(delimiter.Length == 0 ? 1 : 2, isEmpty ? "A delimiter is not empty." : "The delimiter of pairs is another than the one within a pair.");
            return false;
        }

        return true;
    }

    private static Func<TelemetryItem, Value>? ParseKeyValue(ConverterCall call)
    {
        if (!TryDelimiters(call, out var delimiter, out var pairDelimiter))
        {
            return null;
        }

        return item =>
        {
            if (call[0].Get(item) is not TextValue { Text: var text })
            {
                return call[0].Get(item);
            }

            if (text.Length == 0)
            {
                return new Failure("there are no pairs in an empty text");
            }

            if (QuotedSplit.Split(text, pairDelimiter) is not { } pairs)
            {
                return new Failure("a quote is not closed");
            }

            var entries = new List<(string, string)>();
            foreach (var pair in pairs)
            {
                var at = pair.IndexOf(delimiter, StringComparison.Ordinal);
                if (at < 0)
                {
                    return new Failure($"'{ByteText.ToDisplay(pair)}' is no pair");
                }

                entries.Add((CaseConversion.TrimSpace(pair[..at]), CaseConversion.TrimSpace(pair[(at + delimiter.Length)..])));
            }

            return MapOf(entries);
        };
    }

    private static Func<TelemetryItem, Value>? ToKeyValueString(ConverterCall call)
    {
        if (!TryDelimiters(call, out var delimiter, out var pairDelimiter))
        {
            return null;
        }

        var isSorted = call.LiteralBool(3);
        return item =>
        {
            if (call[0].Get(item) is not MapValue map)
            {
                return call[0].Get(item);
            }

            var entries = isSorted ? map.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal) : (IEnumerable<KeyValuePair<string, Value>>)map.Entries;
            return new TextValue(string.Join(pairDelimiter, entries.Select(entry => Escaped(entry.Key) + delimiter + Escaped(DisplayText.Of(entry.Value)))));
        };

        string Escaped(string text)
        {
            var escaped = text.Replace("\"", "\\\"", StringComparison.Ordinal);
            return escaped.Contains(pairDelimiter, StringComparison.Ordinal) || escaped.Contains(delimiter, StringComparison.Ordinal) ? "\"" + escaped + "\"" : escaped;
        }
    }
}
