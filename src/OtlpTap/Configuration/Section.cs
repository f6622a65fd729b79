using System.Collections.Immutable;
using System.Globalization;

namespace OtlpTap.Configuration;

/// <summary>
/// Reads the keys of one map, typed and with their ranges. Every key that is asked for is known from then on, so that
/// <see cref="RefuseUnknownKeys"/>, called last, needs no second list of names. What is wrong is reported and read as the
/// default, so that one pass finds everything.
/// </summary>
internal sealed class Section(ConfigMap map, string path, ProblemList problems)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string> _refused = new(StringComparer.Ordinal);

    public Mark Mark => map.Mark;

    public string Path => path;

    public ProblemList Problems => problems;

    public IEnumerable<string> Keys => map.Entries.Select(entry => entry.Key);

    /// <summary>Present, even with nothing behind it.</summary>
    public bool Has(string key)
    {
        _known.Add(key);
        return map.Find(key) is not null;
    }

    public string PathOf(string key) => path.Length == 0 ? key : $"{path}.{key}";

    /// <summary>Where the key's value stands; the whole section where the key is not set.</summary>
    public Mark MarkOf(string key) => map.Find(key)?.Value.Mark ?? Mark;

    public void Error(string key, string message) => problems.Error(MarkOf(key), PathOf(key), message);

    public void KeyError(string key, string message) => problems.Error(map.Find(key)?.KeyMark ?? Mark, PathOf(key), message);

    public void KeyWarning(string key, string message) => problems.Warning(map.Find(key)?.KeyMark ?? Mark, PathOf(key), message);

    /// <summary>The map behind a key; an empty one where the key is not set or has nothing behind it.</summary>
    public Section Map(string key)
    {
        var node = Value(key);
        if (node is ConfigStructuredText text)
        {
            node = text.Structure;
        }

        if (node is not (null or ConfigMap))
        {
            Error(key, $"a map of keys is expected here, not {node.Description}");
        }

        return new Section(node as ConfigMap ?? new ConfigMap(MarkOf(key), []), PathOf(key), problems);
    }

    /// <summary>The value as it stands; null where the key is not set or has nothing behind it.</summary>
    public ConfigNode? Value(string key)
    {
        _known.Add(key);
        var value = map.Find(key)?.Value;
        return value is ConfigInvalid or ConfigScalar { IsNull: true } ? null : value;
    }

    public string? Text(string key) => Value(key) switch
    {
        null => null,
        ConfigScalar scalar => scalar.Text,
        ConfigStructuredText text => text.Text,
        var other => Wrong<string>(key, "text", other),
    };

    public string Text(string key, string byDefault) => Text(key) ?? byDefault;

    public string? RequiredText(string key)
    {
        var text = Text(key);
        if (map.Find(key)?.Value is not ConfigInvalid && (Value(key) is null || text is { Length: 0 }))
        {
            Error(key, "must be set");
            return null;
        }

        return text;
    }

    public bool Flag(string key, bool byDefault) => Value(key) switch
    {
        null => byDefault,
        ConfigScalar { IsPlain: true, Text: "true" or "True" or "TRUE" } => true,
        ConfigScalar { IsPlain: true, Text: "false" or "False" or "FALSE" } => false,
        var other => Wrong<bool?>(key, "`true` or `false`", other) ?? byDefault,
    };

    public int Number(string key, int byDefault, int min, int max)
    {
        var node = Value(key);
        if (node is null)
        {
            return byDefault;
        }

        if (node is not ConfigScalar { IsPlain: true } scalar
            || !long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return Wrong<int?>(key, "a whole number", node) ?? byDefault;
        }

        if (number < min || number > max)
        {
            Error(key, $"{number} is out of range: from {min} to {max}");
            return byDefault;
        }

        return (int)number;
    }

    public TimeSpan Duration(string key, TimeSpan byDefault, TimeSpan min, TimeSpan max)
    {
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

    /// <summary>An address to listen on; port 0 lets the system choose one.</summary>
    public HostPort Listen(string key, HostPort byDefault)
    {
        var text = Text(key);
        if (text is null)
        {
            return byDefault;
        }

        if (!HostPort.TryParse(text, out var endpoint, out var error))
        {
            Error(key, error);
            return byDefault;
        }

        return endpoint;
    }

    /// <summary>A list of texts, or one text for a list of one; null where the key is not set.</summary>
    public ImmutableArray<(string Text, Mark Mark)>? TextList(string key)
    {
        var node = Value(key);
        if (node is ConfigStructuredText structured)
        {
            node = structured.Structure;
        }

        switch (node)
        {
            case null:
                return null;
            case ConfigScalar one:
                return [(one.Text, one.Mark)];
            case ConfigList list:
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
            default:
                Error(key, $"a list is expected here, not {node.Description}");
                return null;
        }
    }

    /// <summary>A list of maps, each as a section; what is no map is reported and left out.</summary>
    public IEnumerable<Section> Maps(string key)
    {
        var node = Value(key);
        if (node is ConfigStructuredText structured)
        {
            node = structured.Structure;
        }

        if (node is not (null or ConfigList))
        {
            Error(key, $"a list is expected here, not {node.Description}");
        }

        var items = node is ConfigList list ? list.Items : [];
        for (var i = 0; i < items.Length; i++)
        {
            if (items[i] is ConfigMap item)
            {
                yield return new Section(item, $"{PathOf(key)}[{i}]", problems);
            }
            else if (items[i] is not ConfigInvalid)
            {
                problems.Error(items[i].Mark, $"{PathOf(key)}[{i}]", $"a map of keys is expected here, not {items[i].Description}");
            }
        }
    }

    /// <summary>Every entry as a component; the type is empty for an id that is none, which is reported here.</summary>
    public IEnumerable<(string Id, string Type, Section Section)> Components()
    {
        foreach (var entry in map.Entries)
        {
            var isId = ComponentId.TryParse(entry.Key, out var id);
            if (!isId)
            {
                KeyError(entry.Key, $"`{entry.Key}` is no component id: `type` or `type/name`");
            }

            yield return (entry.Key, isId ? id.Type : "", Map(entry.Key));
        }
    }

    /// <summary>Keys that the Collector has and the tap has not: refused with what to do instead, and never suggested.</summary>
    public void Refuse(ReadOnlySpan<string> keys, string instead)
    {
        foreach (var key in keys)
        {
            _refused.Add(key);
            if (map.Find(key) is not null)
            {
                KeyError(key, instead);
            }
        }
    }

    /// <summary>To be called after all keys were asked for.</summary>
    public void RefuseUnknownKeys()
    {
        foreach (var entry in map.Entries)
        {
            if (_known.Contains(entry.Key) || _refused.Contains(entry.Key))
            {
                continue;
            }

            var nearest = NearestName.Find(entry.Key, _known);
            var help = nearest is not null ? $"did you mean `{nearest}`?" : $"known here: {string.Join(", ", _known.Order(StringComparer.Ordinal))}";
            problems.Error(entry.KeyMark, PathOf(entry.Key), $"unknown key; {help}");
        }
    }

    private T? Wrong<T>(string key, string expected, ConfigNode actual)
    {
        var quoted = actual is ConfigScalar { IsPlain: false } ? "the quoted text " : "";
        Error(key, $"{expected} is expected here, not {quoted}{actual.Description}");
        return default;
    }
}
