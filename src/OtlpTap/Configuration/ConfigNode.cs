using System.Collections.Immutable;

namespace OtlpTap.Configuration;

/// <summary>
/// A configuration file as a tree that knows where each of its parts stood. Immutable, so that an alias is the same
/// node in two places and merged files share what neither changed.
/// </summary>
internal abstract record ConfigNode(Mark Mark)
{
    /// <summary>Nodes from here down, an aliased one counted wherever it is named.</summary>
    public abstract int Count { get; }

    /// <summary>What a message calls it: "a list", "the text `abc`".</summary>
    public abstract string Description { get; }
}

/// <summary>Text between quotes, or plain text whose type the reader of the key decides.</summary>
/// <param name="IsPlain">Not quoted, nor a block, so that <c>true</c> may be a boolean and nothing may be null.</param>
/// <param name="InnerOffset">
/// Characters from <see cref="ConfigNode.Mark"/> to the first character of <paramref name="Text"/> when the text stands in
/// the file exactly as it is here; -1 when it was escaped, folded, or came from the environment.
/// </param>
internal sealed record ConfigScalar(Mark Mark, string Text, bool IsPlain, int InnerOffset) : ConfigNode(Mark)
{
    public bool IsNull => IsPlain && Text is "" or "~" or "null" or "Null" or "NULL";

    public override int Count => 1;

    public override string Description => IsNull ? "nothing" : $"`{Abbreviated}`";

    private string Abbreviated => Text.Length <= 60 ? Text.ReplaceLineEndings(" ") : string.Concat(Text.AsSpan(0, 57).ToString().ReplaceLineEndings(" "), "...");
}

internal sealed record ConfigList(Mark Mark, ImmutableArray<ConfigNode> Items) : ConfigNode(Mark)
{
    public override int Count { get; } = 1 + Items.Sum(item => item.Count);

    public override string Description => "a list";
}

internal sealed record ConfigEntry(string Key, Mark KeyMark, ConfigNode Value);

internal sealed record ConfigMap(Mark Mark, ImmutableArray<ConfigEntry> Entries) : ConfigNode(Mark)
{
    public override int Count { get; } = 1 + Entries.Sum(entry => entry.Value.Count);

    public override string Description => "a map";

    public ConfigEntry? Find(string key)
    {
        foreach (var entry in Entries)
        {
            if (entry.Key == key)
            {
                return entry;
            }
        }

        return null;
    }

    /// <summary>
    /// This map with <paramref name="later"/> laid over it, as the Collector does with several files: maps are merged
    /// key by key, everything else, lists too, is replaced.
    /// </summary>
    public ConfigMap With(ConfigMap later)
    {
        var entries = Entries.ToBuilder();
        foreach (var entry in later.Entries)
        {
            var index = IndexOf(entries, entry.Key);
            if (index < 0)
            {
                entries.Add(entry);
            }
            else if (entries[index].Value is ConfigMap below && entry.Value is ConfigMap above)
            {
                entries[index] = entry with { Value = below.With(above) };
            }
            else
            {
                entries[index] = entry;
            }
        }

        return new ConfigMap(later.Mark, entries.ToImmutable());
    }

    private static int IndexOf(ImmutableArray<ConfigEntry>.Builder entries, string key)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i].Key == key)
            {
                return i;
            }
        }

        return -1;
    }
}

/// <summary>A value that was reported already: whoever asks for it takes the default and says no more.</summary>
internal sealed record ConfigInvalid(Mark Mark) : ConfigNode(Mark)
{
    public override int Count => 1;

    public override string Description => "invalid";
}

/// <summary>A variable whose text is a YAML list or map: that where a key asks for one, its text where a key asks for text.</summary>
internal sealed record ConfigStructuredText(Mark Mark, string Text, ConfigNode Structure) : ConfigNode(Mark)
{
    public override int Count => 1 + Structure.Count;

    public override string Description => Structure.Description;
}
