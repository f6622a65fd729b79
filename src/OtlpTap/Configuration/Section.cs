using System.Collections.Immutable;

namespace OtlpTap.Configuration;

/// <summary>
/// Reads the keys of one map, typed and with their ranges. Every key that is asked for is known from then on, so that
/// <see cref="RefuseUnknownKeys"/>, called last, needs no second list of names. What is wrong is reported and read as the
/// default, so that one pass finds everything.
/// </summary>
/// <param name="shape">Gets every key that is asked for, with its type, range and default; null where nobody wants to know.</param>
/// <param name="isDescribing">
/// Nothing is read: every key is taken as there and has no value, every list as having one item, every kind of component as
/// defined once. Readers that ask for all their keys before they look at what they got are thereby run through whole.
/// </param>
internal sealed partial class Section(ConfigMap map, string path, ProblemList problems, KeyShape? shape = null, bool isDescribing = false)
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
        return isDescribing || map.Find(key) is not null;
    }

    public string PathOf(string key) => path.Length == 0 ? key : $"{path}.{key}";

    /// <summary>Where the key's value stands; the whole section where the key is not set.</summary>
    public Mark MarkOf(string key) => map.Find(key)?.Value.Mark ?? Mark;

    public void Error(string key, string message) => problems.Error(MarkOf(key), PathOf(key), message);

    public void Warning(string key, string message) => problems.Warning(MarkOf(key), PathOf(key), message);

    public void KeyError(string key, string message) => problems.Error(map.Find(key)?.KeyMark ?? Mark, PathOf(key), message);

    public void KeyWarning(string key, string message) => problems.Warning(map.Find(key)?.KeyMark ?? Mark, PathOf(key), message);

    /// <summary>The value as it stands; null where the key is not set or has nothing behind it.</summary>
    public ConfigNode? Value(string key)
    {
        _known.Add(key);
        var value = map.Find(key)?.Value;
        return value is ConfigInvalid or ConfigScalar { IsNull: true } ? null : value;
    }

    /// <summary>The map behind a key; an empty one where the key is not set or has nothing behind it.</summary>
    public Section Map(string key) => MapAs(key, shape?.Key(key).Is(KeyKind.Map));

    /// <summary>The map behind a key that has an effect by being there; null where it is not set or has nothing behind it.</summary>
    public Section? OptionalMap(string key)
    {
        shape?.Key(key).MakeOptional();
        var section = Map(key);
        return isDescribing || Value(key) is not null ? section : null;
    }

    /// <summary>The same for a key that says enough by itself: null only where it is not set.</summary>
    public Section? PresentMap(string key)
    {
        shape?.Key(key).MakeOptional();
        return Has(key) ? Map(key) : null;
    }

    /// <summary>A map whose keys are the operator's own words.</summary>
    public Section FreeMap(string key, bool isSecret)
    {
        shape?.Key(key).Is(isSecret ? KeyKind.SecretMap : KeyKind.TextMap);
        return MapAs(key, below: null);
    }

    /// <summary>A map of the operator's own names to maps, each as a section.</summary>
    public IEnumerable<(string Name, Section Section)> NamedMaps(string key)
    {
        var below = shape?.Key(key).Is(KeyKind.NamedMaps);
        var names = MapAs(key, below: null);
        if (isDescribing)
        {
            yield return ("name", new Section(map, $"{PathOf(key)}.<name>", problems, below, isDescribing));
            yield break;
        }

        foreach (var name in names.Keys)
        {
            yield return (name, names.MapAs(name, below));
        }
    }

    /// <summary>A list of maps, each as a section; what is no map is reported and left out.</summary>
    public IEnumerable<Section> Maps(string key)
    {
        var below = shape?.Key(key).Is(KeyKind.MapList);
        if (isDescribing)
        {
            yield return new Section(map, $"{PathOf(key)}[0]", problems, below, isDescribing);
        }

        var items = ListAt(key)?.Items ?? [];
        for (var i = 0; i < items.Length; i++)
        {
            if (items[i] is ConfigMap item)
            {
                yield return new Section(item, $"{PathOf(key)}[{i}]", problems, below);
            }
            else if (items[i] is not ConfigInvalid)
            {
                problems.Error(items[i].Mark, $"{PathOf(key)}[{i}]", $"a map of keys is expected here, not {items[i].Description}");
            }
        }
    }

    /// <summary>The same where one map stands for a list of one.</summary>
    public IEnumerable<Section> MapOrMaps(string key)
    {
        shape?.Key(key).AllowMap();
        var node = Value(key) is ConfigStructuredText text ? text.Structure : Value(key);
        return !isDescribing && node is ConfigMap map ? [new Section(map, PathOf(key), problems, shape?.Key(key).Is(KeyKind.MapList))] : Maps(key);
    }

    /// <summary>Every entry as a component; the type is empty for an id that is none, which is reported here.</summary>
    /// <param name="types">Those that the caller reads; the names of one behind each other with a bar: <c>otlp_grpc|otlp</c>.</param>
    public IEnumerable<(string Id, string Type, Section Section)> Components(params string[] types)
    {
        shape?.Is(KeyKind.Components);
        foreach (var type in isDescribing ? types : [])
        {
            var name = type.Split('|')[0];
            yield return (name, name, new Section(map, PathOf(name), problems, shape?.Key(type).Is(KeyKind.Map), isDescribing));
        }

        foreach (var entry in map.Entries)
        {
            var isId = ComponentId.TryParse(entry.Key, out var id);
            if (!isId)
            {
                KeyError(entry.Key, $"`{entry.Key}` is no component id: `type` or `type/name`");
            }

            var known = types.FirstOrDefault(type => type.Split('|').Contains(id.Type));
            yield return (entry.Key, isId ? id.Type : "", MapAs(entry.Key, known is null ? null : shape?.Key(known).Is(KeyKind.Map)));
        }
    }

    /// <summary>Keys that the Collector has and that have no effect here: accepted whatever stands behind them, with a warning.</summary>
    public void Ignore(ReadOnlySpan<string> keys, string why)
    {
        foreach (var key in keys)
        {
            shape?.Key(key).Is(KeyKind.Any).Ignore(why);
            if (Value(key) is not null)
            {
                KeyWarning(key, $"has no effect: {why}");
            }
        }
    }

    /// <summary>Takes every key there is: for a component that has no effect.</summary>
    public void IgnoreAll(string why)
    {
        shape?.Is(KeyKind.Any).Ignore(why);
        _known.UnionWith(Keys);
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

    /// <summary>A map that is refused in a way of its own: looked into here, and never suggested.</summary>
    public Section RefusedMap(string key)
    {
        _refused.Add(key);
        return new Section(map.Find(key)?.Value as ConfigMap ?? new ConfigMap(Mark, []), PathOf(key), problems);
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

    private Section MapAs(string key, KeyShape? below)
    {
        var node = Value(key) is ConfigStructuredText text ? text.Structure : Value(key);
        if (node is not (null or ConfigMap))
        {
            Error(key, $"a map of keys is expected here, not {node.Description}");
        }

        return new Section(node as ConfigMap ?? new ConfigMap(MarkOf(key), []), PathOf(key), problems, below, isDescribing && below is not null);
    }

    private ConfigList? ListAt(string key)
    {
        var node = Value(key) is ConfigStructuredText structured ? structured.Structure : Value(key);
        if (node is not (null or ConfigList))
        {
            Error(key, $"a list is expected here, not {node.Description}");
        }

        return node as ConfigList;
    }
}
