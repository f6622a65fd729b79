namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>
/// <c>ParseSeverity</c>: names of levels by the texts and ranges of numbers that mean them. The mapping is a literal; one
/// that is malformed shows at the first item, as in the reference.
/// </summary>
internal static class SeverityMapping
{
    public static Func<TelemetryItem, Value>? Bind(ConverterCall call)
    {
        if (call.Literal(1) is not MapValue mapping)
        {
            return _ => new Failure("the mapping of severities must be written in place, without paths");
        }

        var levels = new List<(string Name, List<Criterion> Criteria)>();
        foreach (var (name, list) in ((RawMapValue)RawValues.Of(mapping)).Entries)
        {
            var criteria = new List<Criterion>();
            if (list is not RawListValue items)
            {
                return _ => new Failure($"the criteria of the level {ByteText.ToDisplay(name)} are no list");
            }

            foreach (var item in items.Elements)
            {
                if (CriterionOf(item, out var problem) is not { } criterion)
                {
                    return _ => new Failure($"a criterion of the level {ByteText.ToDisplay(name)}: {problem}");
                }

                criteria.Add(criterion);
            }

            levels.Add((name, criteria));
        }

        return item => Find(levels, call[0].Get(item));
    }

    private static Value Find(List<(string Name, List<Criterion> Criteria)> levels, Value value)
    {
        foreach (var (name, criteria) in levels)
        {
            foreach (var criterion in criteria)
            {
                switch (value)
                {
                    case Failure:
                        return value;
                    case TextValue text when criterion.Texts.Contains(text.Text):
                    case IntValue number when number.Value >= criterion.Min && number.Value <= criterion.Max:
                        return new TextValue(name);
                    case not (TextValue or IntValue):
                        return new Failure($"a value of type {value.TypeName} is no severity");
                }
            }
        }

        return value as Failure ?? new Failure("no level fits the value");
    }

    private static Criterion? CriterionOf(Value value, out string problem)
    {
        problem = "it is no map";
        if (value is not RawMapValue map)
        {
            return null;
        }

        var criterion = new Criterion([], long.MaxValue, long.MinValue);
        if (map.Entries.TryGetValue("equals", out var equals))
        {
            problem = "equals is a list of strings";
            if (equals is not RawListValue texts || texts.Elements.Any(text => text is not TextValue))
            {
                return null;
            }

            criterion = criterion with { Texts = [.. texts.Elements.Select(text => ((TextValue)text).Text)] };
        }

        if (!map.Entries.TryGetValue("range", out var range))
        {
            return criterion;
        }

        problem = "a range has an integer min and max, or is one of 2xx, 3xx, 4xx, 5xx";
        return range switch
        {
            TextValue { Text: ['2' or '3' or '4' or '5', 'x', 'x'] } group => criterion with { Min = (group.Text[0] - '0') * 100, Max = ((group.Text[0] - '0') * 100) + 99 },
            RawMapValue limits when limits.Entries.GetValueOrDefault("min") is IntValue min && limits.Entries.GetValueOrDefault("max") is IntValue max
                => criterion with { Min = min.Value, Max = max.Value },
            _ => null,
        };
    }

    private sealed record Criterion(IReadOnlyList<string> Texts, long Min, long Max);
}
