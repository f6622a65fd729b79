using System.Collections.Immutable;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace OtlpTap.Configuration;

/// <summary>
/// A merged configuration as YAML that can be read again. What is a secret, and where a text is meant and where a map, is what
/// the readers of its keys say.
/// </summary>
/// <param name="isRedacted">Credentials are left out.</param>
/// <param name="hasDefaults">Keys that are not written are shown with their defaults, in the maps that are there.</param>
internal sealed class ConfigurationPrinter(KeyShape root, bool isRedacted, bool hasDefaults)
{
    private static readonly Mark Nowhere = new("", 1, 1);

    public string Print(ConfigMap configuration)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var emitter = new Emitter(text, EmitterSettings.Default.WithIndentedSequences().WithBestWidth(int.MaxValue));
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart(null, null, isImplicit: true));
        Emit(emitter, Shown(configuration, root));
        emitter.Emit(new DocumentEnd(isImplicit: true));
        emitter.Emit(new StreamEnd());
        return text.ToString();
    }

    // What is shown of a node that a reader takes for what the shape says; null for one that nobody reads.
    private ConfigNode Shown(ConfigNode node, KeyShape? shape)
    {
        var kind = shape?.Kind ?? KeyKind.Any;
        if (node is ConfigStructuredText structured)
        {
            node = kind is KeyKind.Text or KeyKind.Secret or KeyKind.Choice ? new ConfigScalar(node.Mark, structured.Text, IsPlain: false, InnerOffset: -1) : structured.Structure;
        }

        return (node, kind) switch
        {
            (ConfigMap map, KeyKind.Components) => Entries(map, entry => Shown(entry.Value, ComponentId.TryParse(entry.Key, out var id) ? shape!.FindType(id.Type) : null)),
            (ConfigMap map, KeyKind.SecretMap) => Entries(map, entry => Redacted(entry.Value)),
            (ConfigMap map, KeyKind.NamedMaps) => Entries(map, entry => entry.Value is ConfigMap named ? Entries(named, below => Shown(below.Value, shape!.Find(below.Key))) : entry.Value),
            (ConfigMap map, KeyKind.TextMap) => Entries(map, entry => AsText(entry.Value)),
            (ConfigMap map, KeyKind.Map) => WithDefaults(Entries(map, entry => Shown(entry.Value, shape!.Find(entry.Key))), shape!),
            (ConfigScalar { IsNull: true }, KeyKind.Map) when hasDefaults => WithDefaults(new ConfigMap(node.Mark, []), shape!),
            (ConfigMap map, KeyKind.MapList) => Entries(map, entry => Shown(entry.Value, shape!.Find(entry.Key))),
            (ConfigMap or ConfigList, KeyKind.Any) => Unread(node),
            (ConfigMap map, _) => Entries(map, entry => Shown(entry.Value, null)),
            (ConfigList list, KeyKind.MapList) => list with { Items = [.. list.Items.Select(item => item is ConfigMap map ? Entries(map, entry => Shown(entry.Value, shape!.Find(entry.Key))) : item)] },
            (ConfigList list, KeyKind.SecretList) => list with { Items = [.. list.Items.Select(Redacted)] },
            (ConfigList list, KeyKind.TextList) => list with { Items = [.. list.Items.Select(AsText)] },
            (ConfigList list, _) => list with { Items = [.. list.Items.Select(item => Shown(item, null))] },
            (_, KeyKind.Secret or KeyKind.SecretList) => Redacted(node),
            _ => AsText(node),
        };
    }

    private static ConfigMap Entries(ConfigMap map, Func<ConfigEntry, ConfigNode> shown) =>
        map with { Entries = [.. map.Entries.Select(entry => entry with { Value = shown(entry) })] };

    private ConfigNode Redacted(ConfigNode node) => node switch
    {
        ConfigScalar { IsNull: true } => node,
        ConfigScalar { Text.Length: 0 } => node,
        _ when isRedacted => new ConfigScalar(node.Mark, SecretText.Redacted, IsPlain: false, InnerOffset: -1),
        ConfigStructuredText text => new ConfigScalar(node.Mark, text.Text, IsPlain: false, InnerOffset: -1),
        _ => node,
    };

    // What is in a map or list that nobody reads may be anything: an exporter of the Collector's own telemetry has headers
    // with keys. Only words that cannot be a credential are shown.
    private ConfigNode Unread(ConfigNode node) => node switch
    {
        ConfigMap map => Entries(map, entry => Unread(entry.Value)),
        ConfigList list => list with { Items = [.. list.Items.Select(Unread)] },
        ConfigScalar { IsPlain: true, Text: "true" or "false" } => node,
        _ => Redacted(node),
    };

    private ConfigNode AsText(ConfigNode node) => node switch
    {
        ConfigStructuredText text => AsText(new ConfigScalar(node.Mark, text.Text, IsPlain: false, InnerOffset: -1)),
        ConfigScalar scalar when isRedacted => scalar with { Text = SecretText.WithoutCredentials(scalar.Text) },
        _ => node,
    };

    private ConfigMap WithDefaults(ConfigMap map, KeyShape shape)
    {
        if (!hasDefaults)
        {
            return map;
        }

        var entries = map.Entries.Where(entry => !(entry.Value is ConfigScalar { IsNull: true } && shape.Find(entry.Key)?.Default is not null)).ToImmutableArray().ToBuilder();
        foreach (var key in shape.Keys)
        {
            if (entries.All(entry => entry.Key != key.Name) && DefaultOf(key) is { } value)
            {
                entries.Add(new ConfigEntry(key.Name, Nowhere, value));
            }
        }

        return map with { Entries = entries.ToImmutable() };
    }

    // A map that has an effect by being there has no default.
    private ConfigNode? DefaultOf(KeyShape key) => key.Kind switch
    {
        KeyKind.Map when !key.IsOptional && WithDefaults(new ConfigMap(Nowhere, []), key) is { Entries.IsEmpty: false } map => map,
        KeyKind.TextList when key.Default is { } list => YamlReader.Read("", list, new ProblemList()),
        _ when key.Default is { } value => new ConfigScalar(Nowhere, value, IsPlain: true, InnerOffset: -1),
        _ => null,
    };

    private static void Emit(Emitter emitter, ConfigNode node)
    {
        switch (node)
        {
            case ConfigMap map:
                emitter.Emit(new MappingStart(AnchorName.Empty, TagName.Empty, isImplicit: true, map.Entries.IsEmpty ? MappingStyle.Flow : MappingStyle.Block));
                foreach (var entry in map.Entries)
                {
                    Emit(emitter, new ConfigScalar(entry.KeyMark, entry.Key, IsPlain: true, InnerOffset: -1));
                    Emit(emitter, entry.Value);
                }

                emitter.Emit(new MappingEnd());
                break;
            case ConfigList list:
                emitter.Emit(new SequenceStart(AnchorName.Empty, TagName.Empty, isImplicit: true, list.Items.All(item => item is ConfigScalar) ? SequenceStyle.Flow : SequenceStyle.Block));
                foreach (var item in list.Items)
                {
                    Emit(emitter, item);
                }

                emitter.Emit(new SequenceEnd());
                break;
            case ConfigScalar scalar:
                var style = scalar.IsPlain ? ScalarStyle.Plain : scalar.Text.Contains('\n', StringComparison.Ordinal) ? ScalarStyle.Literal : ScalarStyle.DoubleQuoted;
                emitter.Emit(new Scalar(AnchorName.Empty, TagName.Empty, scalar.IsNull ? "null" : Escaped(scalar.Text), style, isPlainImplicit: true, isQuotedImplicit: true));
                break;
            default:
                throw new InvalidOperationException($"{node.GetType().Name} in a configuration that was read without an error");
        }
    }

    // What would be taken for a reference when it is read again.
    private static string Escaped(string text)
    {
        if (!text.Contains('$', StringComparison.Ordinal))
        {
            return text;
        }

        var escaped = new StringBuilder(text.Length + 8);
        for (var i = 0; i < text.Length; i++)
        {
            escaped.Append(text[i]);
            if (text[i] == '$' && i + 1 < text.Length && text[i + 1] is '$' or '{')
            {
                escaped.Append('$');
            }
        }

        return escaped.ToString();
    }
}
