using System.Collections.Immutable;

namespace OtlpTap.Configuration;

/// <summary>What may stand behind a key.</summary>
internal enum KeyKind : byte
{
    /// <summary>Anything: the key has no effect and is not looked into.</summary>
    Any,
    Map,

    /// <summary>A map whose keys are component ids; <see cref="KeyShape.Keys"/> are their types, aliases behind a bar.</summary>
    Components,

    /// <summary>A map of names of the operator's own to texts.</summary>
    TextMap,

    /// <summary>The same with values that are not shown: headers may carry credentials under any name.</summary>
    SecretMap,

    /// <summary>A map of names of the operator's own to maps; <see cref="KeyShape.Keys"/> are what these have.</summary>
    NamedMaps,
    Text,
    Secret,
    Flag,
    Integer,
    Number,
    Duration,
    Choice,
    TextList,
    SecretList,
    MapList,
}

/// <summary>
/// A key as its reader asks for it, and the keys below it. <see cref="Section"/> fills these in while the readers run, so that
/// the schema, the page of keys and the printed configuration know no key that is not read, and every key that is.
/// </summary>
internal sealed class KeyShape(string name)
{
    private readonly List<KeyShape> _keys = [];

    /// <summary>As it is typed; for a component its types: <c>otlp_grpc|otlp</c>.</summary>
    public string Name => name;

    public KeyKind Kind { get; private set; }

    /// <summary>As the operator would write it; null where nothing is the default. Lists in brackets.</summary>
    public string? Default { get; private set; }

    /// <summary>Inclusive, as the operator would write it.</summary>
    public string? Min { get; private set; }

    /// <inheritdoc cref="Min"/>
    public string? Max { get; private set; }

    /// <summary>The values of a <see cref="KeyKind.Choice"/>.</summary>
    public ImmutableArray<string> Choices { get; private set; } = [];

    public bool IsRequired { get; private set; }

    /// <summary>A map that has an effect by being there, even when it is empty.</summary>
    public bool IsOptional { get; private set; }

    /// <summary>Of a <see cref="KeyKind.MapList"/>: one map stands for a list of one.</summary>
    public bool IsAlsoMap { get; private set; }

    /// <summary>Why the key has no effect; null for a key that has one.</summary>
    public string? Ignored { get; private set; }

    public IReadOnlyList<KeyShape> Keys => _keys;

    public KeyShape Key(string key)
    {
        var shape = Find(key);
        if (shape is null)
        {
            shape = new KeyShape(key);
            _keys.Add(shape);
        }

        return shape;
    }

    public KeyShape? Find(string key) => _keys.Find(shape => shape.Name == key);

    /// <summary>The shape of a component by its type, whichever of its names was typed.</summary>
    public KeyShape? FindType(string type) => _keys.Find(shape => shape.Name.Split('|').Contains(type));

    public KeyShape Is(KeyKind kind, string? byDefault = null, string? min = null, string? max = null)
    {
        (Kind, Default, Min, Max) = (kind, byDefault is null or "" ? Default : byDefault, min, max);
        return this;
    }

    public KeyShape IsOneOf(ImmutableArray<string> choices, string? byDefault)
    {
        Choices = choices;
        return Is(KeyKind.Choice, byDefault);
    }

    public void Require() => IsRequired = true;

    public void MakeOptional() => IsOptional = true;

    public void AllowMap() => IsAlsoMap = true;

    public void Ignore(string why) => Ignored = why;
}
