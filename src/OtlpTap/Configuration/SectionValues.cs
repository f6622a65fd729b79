using System.Collections.Immutable;
using System.Globalization;

namespace OtlpTap.Configuration;

/// <summary>The values behind keys, by type.</summary>
internal sealed partial class Section
{
    public string? Text(string key) => TextAs(key, KeyKind.Text, byDefault: null);

    public string Text(string key, string byDefault) => TextAs(key, KeyKind.Text, byDefault) ?? byDefault;

    /// <summary>A text that no message and no printed configuration shows.</summary>
    public string? Secret(string key) => TextAs(key, KeyKind.Secret, byDefault: null);

    /// <summary>Not there, or with nothing behind it; not so for a value of another kind, which is reported where it is read.</summary>
    public bool IsUnset(string key) =>
        map.Find(key)?.Value is null or ConfigScalar { IsNull: true } or ConfigScalar { Text: "" } or ConfigList { Items.Length: 0 };

    public string? RequiredText(string key)
    {
        var text = Text(key);
        shape?.Key(key).Require();
        if (map.Find(key)?.Value is not ConfigInvalid && (Value(key) is null || text is { Length: 0 }))
        {
            Error(key, "must be set");
            return null;
        }

        return text;
    }

    public bool Flag(string key, bool byDefault)
    {
        shape?.Key(key).Is(KeyKind.Flag, byDefault ? "true" : "false");
        return Value(key) switch
        {
            null => byDefault,
            ConfigScalar { IsPlain: true, Text: "true" or "True" or "TRUE" } => true,
            ConfigScalar { IsPlain: true, Text: "false" or "False" or "FALSE" } => false,
            var other => Wrong<bool?>(key, "`true` or `false`", other) ?? byDefault,
        };
    }

    public int Number(string key, int byDefault, int min, int max) => (int)(Integer(key, byDefault, min, max) ?? byDefault);

    /// <summary>A size that is written in MiB, in bytes.</summary>
    public long Mebibytes(string key, long bytesByDefault, long min, long max) => (Integer(key, bytesByDefault >> 20, min, max) ?? bytesByDefault >> 20) << 20;

    /// <summary>A whole number; the default where the key is not set or has another value.</summary>
    public long? Integer(string key, long? byDefault, long min, long max)
    {
        shape?.Key(key).Is(KeyKind.Integer, byDefault?.ToString(CultureInfo.InvariantCulture), min.ToString(CultureInfo.InvariantCulture), max.ToString(CultureInfo.InvariantCulture));
        var node = Value(key);
        if (node is null)
        {
            return byDefault;
        }

        if (node is not ConfigScalar { IsPlain: true } scalar
            || !long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return Wrong<long?>(key, "a whole number", node) ?? byDefault;
        }

        if (number < min || number > max)
        {
            Error(key, $"{number} is out of range: from {min} to {max}");
            return byDefault;
        }

        return number;
    }

    public double Real(string key, double byDefault, double min, double max) => OptionalReal(key, byDefault, min, max) ?? byDefault;

    /// <summary>A number for which there need not be one.</summary>
    public double? OptionalReal(string key, double? byDefault, double min, double max)
    {
        shape?.Key(key).Is(KeyKind.Number, byDefault?.ToString(CultureInfo.InvariantCulture), min.ToString(CultureInfo.InvariantCulture), max.ToString(CultureInfo.InvariantCulture));
        var node = Value(key);
        if (node is null)
        {
            return byDefault;
        }

        if (node is not ConfigScalar { IsPlain: true } scalar || !double.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            return Wrong<double?>(key, (min, max) == (0, 1) ? "a number from 0 to 1, such as 0.1," : "a number", node) ?? byDefault;
        }

        // Not a number is in no range.
        if (!(number >= min && number <= max))
        {
            Error(key, $"{scalar.Text} is out of range: from {min.ToString(CultureInfo.InvariantCulture)} to {max.ToString(CultureInfo.InvariantCulture)}");
            return byDefault;
        }

        return number;
    }

    public TimeSpan Duration(string key, TimeSpan byDefault, TimeSpan min, TimeSpan max) => OptionalDuration(key, byDefault, min, max) ?? byDefault;

    /// <summary>A duration for which there need not be one.</summary>
    public TimeSpan? OptionalDuration(string key, TimeSpan? byDefault, TimeSpan min, TimeSpan max)
    {
        shape?.Key(key).Is(KeyKind.Duration, byDefault is { } value ? GoDuration.Format(value) : null, GoDuration.Format(min), GoDuration.Format(max));
        var node = Value(key);
        if (node is null)
        {
            return byDefault;
        }

        if (node is not ConfigScalar scalar || !GoDuration.TryParse(scalar.Text, out var duration))
        {
            return Wrong<TimeSpan?>(key, "a duration such as `5s`, `100ms` or `1h30m`", node) ?? byDefault;
        }

        if (duration < min || duration > max)
        {
            Error(key, $"{scalar.Text} is out of range: from {GoDuration.Format(min)} to {GoDuration.Format(max)}");
            return byDefault;
        }

        return duration;
    }

    /// <summary>One of a few words.</summary>
    /// <param name="instead">What to say of words that mean something to the Collector and nothing here; null from it for all others.</param>
    public T Choice<T>(string key, T byDefault, ReadOnlySpan<(string Text, T Value)> choices, Func<string, string?>? instead = null)
    {
        var words = ImmutableArray.CreateBuilder<string>(choices.Length);
        string? defaultWord = null;
        foreach (var (word, value) in choices)
        {
            words.Add(word);
            defaultWord ??= EqualityComparer<T>.Default.Equals(value, byDefault) ? word : null;
        }

        shape?.Key(key).IsOneOf(words.ToImmutable(), defaultWord);
        var text = TextOf(key);
        if (text is null)
        {
            return byDefault;
        }

        foreach (var (word, value) in choices)
        {
            if (text == word)
            {
                return value;
            }
        }

        var offered = words.Where(word => word.Length > 0).Select(word => $"`{word}`").ToList();
        Error(key, instead?.Invoke(text) ?? $"`{text}` is none of {string.Join(", ", offered)}");
        return byDefault;
    }

    /// <summary>A list of texts, or one text for a list of one; null where the key is not set.</summary>
    public ImmutableArray<(string Text, Mark Mark)>? TextList(string key, ImmutableArray<string>? byDefault = null, bool isSecret = false)
    {
        shape?.Key(key).Is(isSecret ? KeyKind.SecretList : KeyKind.TextList, byDefault is { Length: > 0 } items ? $"[{string.Join(", ", items.Select(item => item.Length == 0 ? "\"\"" : item))}]" : null);
        switch (Value(key))
        {
            case null:
                return null;
            case ConfigScalar one:
                return [(one.Text, one.Mark)];
            default:
                return ListAt(key) is { } list ? Texts(key, list) : null;
        }
    }

    private ImmutableArray<(string Text, Mark Mark)> Texts(string key, ConfigList list)
    {
        var texts = ImmutableArray.CreateBuilder<(string, Mark)>(list.Items.Length);
        for (var i = 0; i < list.Items.Length; i++)
        {
            if (list.Items[i] is ConfigScalar { IsNull: false } item)
            {
                texts.Add((item.Text, item.Mark));
            }
            else if (list.Items[i] is ConfigStructuredText text)
            {
                texts.Add((text.Text, text.Mark));
            }
            else if (list.Items[i] is not ConfigInvalid)
            {
                problems.Error(list.Items[i].Mark, $"{PathOf(key)}[{i}]", $"text is expected here, not {list.Items[i].Description}");
            }
        }

        return texts.ToImmutable();
    }

    private string? TextAs(string key, KeyKind kind, string? byDefault)
    {
        shape?.Key(key).Is(kind, byDefault);
        return TextOf(key);
    }

    private string? TextOf(string key) => Value(key) switch
    {
        null => null,
        ConfigScalar scalar => scalar.Text,
        ConfigStructuredText text => text.Text,
        var other => Wrong<string>(key, "text", other),
    };

    private T? Wrong<T>(string key, string expected, ConfigNode actual)
    {
        var quoted = actual is ConfigScalar { IsPlain: false } ? "the quoted text " : "";
        Error(key, $"{expected} is expected here, not {quoted}{actual.Description}");
        return default;
    }
}
