namespace OtlpTap.Detectors.Grounding;

/// <summary>A field of a tool's result with few values: a state, a yes or no.</summary>
/// <param name="Tool">Whose result it is, where that is known.</param>
internal sealed record StatedField(string Key, string Value, bool? Boolean, string? Tool);

/// <summary>
/// What the inputs hold. Of words and keys only those that the answer asks for are kept, so that its size does not follow that of the inputs;
/// numbers are kept up to a limit.
/// </summary>
internal sealed class Evidence(HashSet<ulong> wanted, HashSet<ulong> wantedPairs, int numbersMax)
{
    private const int FieldsMax = 2048;
    private const int MomentsMax = 65_536;
    private const int PrincipalsMax = 24;

    private readonly List<(double Value, Unit Unit)> _numbers = [];
    private bool _sorted;
    private string? _tool;

    public HashSet<ulong> Seen { get; } = [];
    public HashSet<ulong> SeenPairs { get; } = [];
    public HashSet<ulong> Nouns { get; } = [];
    public HashSet<int> Days { get; } = [];
    public HashSet<int> Minutes { get; } = [];
    public List<StatedField> Fields { get; } = [];
    public HashSet<(int Group, int State)> States { get; } = [];
    public HashSet<Dimension> Dimensions { get; } = [];
    public List<string> Codes { get; } = [];
    public Dictionary<ulong, (int Count, string? Tool)> Counts { get; } = [];

    /// <summary>The first numbers: what an answer may have computed with.</summary>
    public List<double> Principals { get; } = [];
    public Dictionary<string, List<double>> Columns { get; } = new(StringComparer.Ordinal);
    public bool Overflowed { get; private set; }

    public void Add(GroundingInput input)
    {
        _tool = input.Tool;
        var facts = input.Source is GroundingSource.ToolResult or GroundingSource.Document;
        if (Grounding.Fields.LooksLikeJson(input.Text))
        {
            Grounding.Fields.Read(input.Text, (kind, key, text, number) => Field(kind, key, text, number, facts));
        }
        else
        {
            Text(input.Text, "", facts);
        }
    }

    public bool HasNumber(double value, double tolerance, Dimension dimension, Func<Unit, bool> fits)
    {
        if (!_sorted)
        {
            _numbers.Sort(static (one, other) => one.Value.CompareTo(other.Value));
            _sorted = true;
        }

        var (low, high) = (0, _numbers.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_numbers[middle].Value < value - tolerance)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        for (var tries = 0; low < _numbers.Count && _numbers[low].Value <= value + tolerance && tries < 64; low++, tries++)
        {
            if (fits(_numbers[low].Unit))
            {
                return true;
            }
        }

        return false;
    }

    private void Field(FieldKind kind, ReadOnlySpan<char> key, ReadOnlySpan<char> text, double number, bool facts)
    {
        switch (kind)
        {
            case FieldKind.Key:
                Words(text);
                break;
            case FieldKind.Count:
                Number(number, default, principal: false);
                if (facts && Counts.Count < FieldsMax)
                {
                    foreach (var word in KeyWords(key))
                    {
                        Counts[Letters.Stem(word)] = ((int)number, _tool);
                    }
                }

                break;
            case FieldKind.Boolean:
                if (facts && Fields.Count < FieldsMax)
                {
                    Fields.Add(new StatedField(key.ToString(), text.ToString(), number > 0, _tool));
                }

                Words(text);
                break;
            case FieldKind.Number:
                KeyedNumber(key, Math.Abs(number), facts, number);
                if (text.Length > 4)
                {
                    See(Letters.HashOfKey(text));
                }

                break;
            default:
                Text(text, key, facts);
                if (facts && text.Length is > 0 and <= 48 && Fields.Count < FieldsMax)
                {
                    var value = text.ToString();
                    bool? boolean = value.ToUpperInvariant() switch { "YES" or "TRUE" or "JA" or "OUI" or "SI" => true, "NO" or "FALSE" or "NEIN" or "NON" => false, _ => null };
                    Fields.Add(new StatedField(key.ToString(), value, boolean, _tool));
                }

                break;
        }
    }

    private void KeyedNumber(ReadOnlySpan<char> key, double value, bool facts, double signed)
    {
        Unit unit = default;
        foreach (var word in KeyWords(key))
        {
            if (Units.TryFind(word, out var found) && word.Length > 0 && !(word.Length == 1 && word[0] != 'c' && word[0] != 'f'))
            {
                unit = found;
            }

            if (facts && Nouns.Count < FieldsMax)
            {
                Nouns.Add(Letters.Stem(word));
            }

            if (signed < 0 && Letters.FoldAll(word) is "change" or "delta" or "growth" or "pct" or "diff" && Fields.Count < FieldsMax)
            {
                Fields.Add(new StatedField("change", "down", null, _tool));
            }
        }

        Number(value, unit, principal: facts);
        if (facts)
        {
            var name = key.ToString();
            if (!Columns.TryGetValue(name, out var column) && Columns.Count < 64)
            {
                Columns[name] = column = [];
            }

            if (column is { Count: < 4096 })
            {
                column.Add(value);
            }
        }

        // Seconds or milliseconds since 1970.
        var seconds = value is > 1e12 and < 4e12 ? value / 1000 : value;
        if (seconds is > 9e8 and < 4e9 && Days.Count < MomentsMax)
        {
            var moment = DateTimeOffset.FromUnixTimeSeconds((long)seconds);
            Day(moment.Year, moment.Month, moment.Day);
            Minutes.Add((moment.Hour * 60) + moment.Minute);
        }
    }

    private void Text(ReadOnlySpan<char> text, ReadOnlySpan<char> key, bool facts)
    {
        var reader = new ElementReader(text);
        ulong before = 0;
        var beforeEnd = -8;
        Span<char> digits = stackalloc char[32];
        var digitCount = 0;
        var words = facts && text.Length <= 65_536 ? new List<string>() : null;
        while (reader.MoveNext())
        {
            ref readonly var element = ref reader.Current;
            var span = text.Slice(element.Start, element.Length);
            Words(span);
            See(Letters.HashOfKey(span));
            switch (element.Kind)
            {
                case ElementKind.Number:
                    var unit = element.Unit;
                    if (unit.Dimension == Dimension.None)
                    {
                        foreach (var word in KeyWords(key))
                        {
                            if (word.Length > 1 && Units.TryFind(word, out var found))
                            {
                                unit = found;
                            }
                        }
                    }

                    Number(element.Value, unit, facts && !element.Ordinal);
                    if (element.Other != element.Value)
                    {
                        Number(element.Other, unit, principal: false);
                    }

                    break;
                case ElementKind.Date:
                    Day(element.Year, element.Month, element.Day);
                    if (span.Contains('/') || span.Contains('.'))
                    {
                        Day(element.Year, element.Day, element.Month);
                    }

                    if (element.Year > 0)
                    {
                        Number(element.Year, default, principal: false);
                    }

                    break;
                case ElementKind.Time:
                    if (Minutes.Count < MomentsMax)
                    {
                        Minutes.Add(element.Minutes);
                        if (element.HalfDayOpen)
                        {
                            Minutes.Add((element.Minutes + 720) % 1440);
                        }
                    }

                    Number(element.Minutes / 60, default, principal: false);
                    break;
                case ElementKind.Address or ElementKind.Path:
                    See(Letters.Hash(Address(span)));
                    for (var i = 0; i < span.Length; i++)
                    {
                        if (span[i] is '/' or ':' or '.' or '?')
                        {
                            See(Letters.Hash(Address(span[..i])));
                            See(Letters.Hash(Address(span[(i + 1)..])));
                            var colon = span[(i + 1)..].LastIndexOf(':');
                            if (colon > 0)
                            {
                                See(Letters.Hash(Address(span.Slice(i + 1, colon))));
                            }

                            if (i > 128)
                            {
                                break;
                            }
                        }
                    }

                    break;
                case ElementKind.Word when span.Length is 3 or 4 or 2 && Codes.Count < 256 && facts && span.IndexOfAnyExceptInRange('A', 'Z') < 0:
                    Codes.Add(span.ToString());
                    break;
                default:
                    break;
            }

            // 8 5550 1234 is also 855501234.
            if (char.IsAsciiDigit(span[0]) && span.IndexOfAnyExceptInRange('0', '9') < 0 && span.Length <= 12)
            {
                digitCount = element.Start - beforeEnd <= 2 && digitCount + span.Length <= 32 ? digitCount : 0;
                span.CopyTo(digits[digitCount..]);
                digitCount += span.Length;
                for (var i = 0; i < digitCount - 4; i++)
                {
                    See(Letters.HashOfKey(digits[i..digitCount]));
                }
            }
            else
            {
                digitCount = 0;
            }

            beforeEnd = element.End;
            var hash = Letters.Hash(span);
            var pair = Letters.Pair(before, hash);
            if (wantedPairs.Contains(pair))
            {
                SeenPairs.Add(pair);
            }

            before = hash;
            if (words is not null && element.Kind == ElementKind.Word)
            {
                words.Add(Letters.FoldAll(span));
            }
        }

        if (words is not null && States.Count < 128)
        {
            var found = new List<(int, int, int)>();
            for (var i = 0; i < words.Count; i++)
            {
                found.Clear();
                Grounding.States.At(words, i, asValue: text.Length <= 48, found);
                foreach (var (group, state, _) in found)
                {
                    States.Add((group, state));
                }
            }
        }
    }

    public static ReadOnlySpan<char> Address(ReadOnlySpan<char> address)
    {
        var scheme = address.IndexOf("://", StringComparison.Ordinal);
        address = scheme >= 0 ? address[(scheme + 3)..] : address;
        address = address.StartsWith("www.", StringComparison.OrdinalIgnoreCase) ? address[4..] : address;
        return address.TrimEnd("/.,");
    }

    /// <summary>Pieces of letters and of digits: restock_date, inStock, HP-330.</summary>
    public static List<string> KeyWords(ReadOnlySpan<char> key)
    {
        var words = new List<string>();
        var start = -1;
        for (var i = 0; i <= key.Length && words.Count < 16; i++)
        {
            var letter = i < key.Length && char.IsLetterOrDigit(key[i]);
            var turns = letter && start >= 0 && ((char.IsUpper(key[i]) && char.IsLower(key[i - 1])) || char.IsDigit(key[i]) != char.IsDigit(key[i - 1]));
            if (start >= 0 && (!letter || turns))
            {
                words.Add(Letters.FoldAll(key[start..i]));
                start = -1;
            }

            if (letter && start < 0)
            {
                start = i;
            }
        }

        return words;
    }

    private void Words(ReadOnlySpan<char> span)
    {
        var start = -1;
        for (var i = 0; i <= span.Length; i++)
        {
            var letter = i < span.Length && char.IsLetterOrDigit(span[i]);
            var turns = letter && start >= 0 && (char.IsDigit(span[i]) != char.IsDigit(span[i - 1]) || (char.IsUpper(span[i]) && char.IsLower(span[i - 1])));
            if (start >= 0 && (!letter || turns))
            {
                var word = span[start..i];
                See(Letters.Stem(word));
                See(Letters.Hash(word));
                if (char.IsDigit(word[0]) && start > 0 && word.Length is > 1 and < 10 && !char.IsDigit(span[^1]) | char.IsLetter(span[0]) && int.TryParse(word, out var number))
                {
                    Number(number, default, principal: false);
                }

                start = -1;
            }

            if (letter && start < 0)
            {
                start = i;
            }
        }
    }

    private void See(ulong hash)
    {
        if (wanted.Contains(hash))
        {
            Seen.Add(hash);
        }
    }

    private void Day(int year, int month, int day)
    {
        if (month is >= 1 and <= 12 && day is >= 1 and <= 31 && Days.Count < MomentsMax)
        {
            Days.Add((year * 10_000) + (month * 100) + day);
        }
    }

    private void Number(double value, Unit unit, bool principal)
    {
        if (_numbers.Count >= numbersMax)
        {
            Overflowed = true;
            return;
        }

        _numbers.Add((value, unit));
        if (unit.Dimension != Dimension.None)
        {
            Dimensions.Add(unit.Dimension);
        }

        if (principal && Principals.Count < PrincipalsMax && !Principals.Contains(value))
        {
            Principals.Add(value);
        }
    }
}
