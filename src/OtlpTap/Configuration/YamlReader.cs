using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace OtlpTap.Configuration;

/// <summary>
/// YAML text to <see cref="ConfigNode"/>s over the parser's events. It never throws for bad input: what the text does
/// wrong becomes a problem with its place. Depth and size are bounded, so that neither nesting nor aliases of aliases
/// cost more than a refusal.
/// </summary>
internal sealed class YamlReader
{
    /// <summary>The deepest key of the tap's stands at 8; the reader below is recursive.</summary>
    public const int DepthMax = 64;

    /// <summary>A full configuration has a few hundred nodes; ten levels of nine aliases each would have three thousand million.</summary>
    public const int NodeCountMax = 100_000;

    private const string MergeKey = "<<";

    private readonly string _file;
    private readonly ProblemList _problems;
    private readonly Parser _parser;
    private readonly Dictionary<AnchorName, ConfigNode> _anchors = [];
    private readonly Stack<(Mark Mark, char Text)> _brackets = [];
    private int _count;

    private YamlReader(string file, string text, ProblemList problems)
    {
        _file = file;
        _problems = problems;
        _parser = new Parser(new StringReader(text));
    }

    /// <summary>The document's map, an empty one for an empty document; null when there is an error, which stands in <paramref name="problems"/>.</summary>
    public static ConfigMap? ReadMap(string file, string text, ProblemList problems)
    {
        var node = Read(file, text, problems);
        switch (node)
        {
            case null:
                return null;
            case ConfigMap map:
                return map;
            case ConfigScalar { IsNull: true }:
                return new ConfigMap(node.Mark, []);
            default:
                problems.Error(node.Mark, "", $"a configuration is a map of `receivers`, `processors`, `exporters` and `service`, this is {node.Description}");
                return null;
        }
    }

    /// <summary>Any one document; null when there is an error, which stands in <paramref name="problems"/>.</summary>
    public static ConfigNode? Read(string file, string text, ProblemList problems)
    {
        // The parser takes it for the end of the text: everything behind it would be left out without a word.
        var zero = text.IndexOf('\0', StringComparison.Ordinal);
        if (zero >= 0)
        {
            var before = text.AsSpan(0, zero);
            problems.Error(new Mark(file, before.Count('\n') + 1, zero - before.LastIndexOf('\n')), "", "a zero byte stands here: no configuration file");
            return null;
        }

        try
        {
            return new YamlReader(file, text, problems).ReadDocument();
        }
        catch (Refusal refusal)
        {
            problems.Error(refusal.Mark, "", refusal.Message);
        }
        catch (YamlException invalid)
        {
            // The library shows where the map begins in which a tab stands, not the tab.
            if (invalid.Message.Contains("invalid tab", StringComparison.Ordinal) && FindTab(file, text, (int)invalid.Start.Line) is { } tab)
            {
                problems.Error(tab, "", "invalid YAML: a tab indents this line; YAML indents with blanks");
            }
            else
            {
                problems.Error(Place(file, invalid.Start), "", $"invalid YAML: {Plain(invalid)}");
            }
        }

        return null;
    }

    private ConfigNode ReadDocument()
    {
        Advance();
        Advance();
        if (_parser.Current is StreamEnd)
        {
            return new ConfigScalar(new Mark(_file, 1, 1), "", IsPlain: true, InnerOffset: -1);
        }

        Advance();
        var node = ReadNode(depth: 1);
        Advance();
        if (_parser.Current is DocumentStart second)
        {
            throw new Refusal(Place(second), "a file holds one YAML document, here a second one starts");
        }

        return node;
    }

    // Leaves the parser behind the node.
    private ConfigNode ReadNode(int depth)
    {
        var current = _parser.Current!;
        if (depth > DepthMax)
        {
            throw new Refusal(Place(current), $"nested deeper than {DepthMax} levels");
        }

        var node = current switch
        {
            Scalar scalar => ReadScalar(scalar),
            SequenceStart start => ReadList(start, depth),
            MappingStart start => ReadMap(start, depth),
            AnchorAlias alias => Resolve(alias),
            _ => throw new Refusal(Place(current), "a value was expected here"),
        };
        Advance();
        return node;
    }

    private void Advance()
    {
        try
        {
            _parser.MoveNext();
        }
        catch (InvalidOperationException)
        {
            // The scanner's answer to some invalid plain scalars in flow style, where a YamlException was meant.
            throw _brackets.TryPeek(out var bracket)
                ? new Refusal(bracket.Mark, $"invalid YAML: the `{bracket.Text}` here is not closed")
                : new Refusal(Place(_parser.Current!), "invalid YAML behind this");
        }
    }

    private ConfigScalar ReadScalar(Scalar scalar)
    {
        CountUp(scalar, 1);
        var isPlain = scalar.Style == ScalarStyle.Plain;
        if (!scalar.Tag.IsEmpty && !scalar.Tag.IsNonSpecific)
        {
            RefuseUnknownTag(scalar, scalar.Tag);
            isPlain &= scalar.Tag.Value != "tag:yaml.org,2002:str";
        }

        var node = new ConfigScalar(Place(scalar), scalar.Value, isPlain, InnerOffset(scalar));
        Remember(scalar.Anchor, node);
        return node;
    }

    private ConfigList ReadList(SequenceStart start, int depth)
    {
        CountUp(start, 1);
        RefuseUnknownTag(start, start.Tag);
        var items = ImmutableArray.CreateBuilder<ConfigNode>();
        Open(start.Style == SequenceStyle.Flow, start, '[');
        Advance();
        while (_parser.Current is not SequenceEnd)
        {
            items.Add(ReadNode(depth + 1));
        }

        Close(start.Style == SequenceStyle.Flow);

        var node = new ConfigList(Place(start), items.ToImmutable());
        Remember(start.Anchor, node);
        return node;
    }

    private ConfigMap ReadMap(MappingStart start, int depth)
    {
        CountUp(start, 1);
        RefuseUnknownTag(start, start.Tag);
        var entries = ImmutableArray.CreateBuilder<ConfigEntry>();
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        ConfigEntry? merge = null;
        Open(start.Style == MappingStyle.Flow, start, '{');
        Advance();
        while (_parser.Current is not MappingEnd)
        {
            if (_parser.Current is not Scalar key)
            {
                throw new Refusal(Place(_parser.Current!), "a key is a word, here stands a list, a map or an alias");
            }

            var mark = Place(key);
            Advance();
            var entry = new ConfigEntry(key.Value, mark, ReadNode(depth + 1));
            if (!lines.TryAdd(entry.Key, mark.Line))
            {
                _problems.Error(mark, "", $"`{entry.Key}` stands here a second time, it was set in line {lines[entry.Key]}");
            }
            else if (entry.Key == MergeKey && key.Style == ScalarStyle.Plain)
            {
                merge = entry;
            }
            else
            {
                entries.Add(entry);
            }
        }

        Close(start.Style == MappingStyle.Flow);
        if (merge is not null)
        {
            AddMerged(merge, entries, lines);
        }

        var node = new ConfigMap(Place(start), entries.ToImmutable());
        Remember(start.Anchor, node);
        return node;
    }

    private void Open(bool isFlow, ParsingEvent start, char bracket)
    {
        if (isFlow)
        {
            _brackets.Push((Place(start), bracket));
        }
    }

    private void Close(bool isFlow)
    {
        if (isFlow)
        {
            _brackets.Pop();
        }
    }

    // "<<: *defaults" or "<<: [*first, *second]": keys that the map sets itself win, then the earlier source.
    private void AddMerged(ConfigEntry merge, ImmutableArray<ConfigEntry>.Builder entries, Dictionary<string, int> lines)
    {
        var sources = merge.Value is ConfigList list ? list.Items : [merge.Value];
        foreach (var source in sources)
        {
            if (source is not ConfigMap map)
            {
                _problems.Error(merge.KeyMark, "", $"`<<` merges maps, this is {source.Description}");
                continue;
            }

            foreach (var entry in map.Entries)
            {
                if (lines.TryAdd(entry.Key, entry.KeyMark.Line))
                {
                    entries.Add(entry);
                }
            }
        }
    }

    private ConfigNode Resolve(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value, out var node))
        {
            throw new Refusal(Place(alias), $"the alias `*{alias.Value.Value}` names no anchor that stands before it");
        }

        CountUp(alias, node.Count);
        return node;
    }

    private void Remember(AnchorName anchor, ConfigNode node)
    {
        if (!anchor.IsEmpty)
        {
            _anchors[anchor] = node;
        }
    }

    private void CountUp(ParsingEvent at, int nodes)
    {
        _count += nodes;
        if (_count > NodeCountMax)
        {
            throw new Refusal(Place(at), $"more than {NodeCountMax} values, aliases counted wherever they are used");
        }
    }

    private void RefuseUnknownTag(ParsingEvent at, TagName tag)
    {
        if (!tag.IsEmpty && !tag.IsNonSpecific && !tag.Value.StartsWith("tag:yaml.org,2002:", StringComparison.Ordinal))
        {
            _problems.Error(Place(at), "", $"the tag `{tag.Value}` is not supported");
        }
    }

    // Where a condition's own line and column can be mapped into the file: text that stands there character by character.
    private static int InnerOffset(Scalar scalar)
    {
        var quotes = scalar.Style switch
        {
            ScalarStyle.Plain => 0,
            ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted => 1,
            _ => -1,
        };
        var isVerbatim = quotes >= 0
            && scalar.Anchor.IsEmpty
            && scalar.Tag.IsEmpty
            && scalar.Start.Line == scalar.End.Line
            && scalar.End.Column - scalar.Start.Column == scalar.Value.Length + (2 * quotes);
        return isVerbatim ? quotes : -1;
    }

    private Mark Place(ParsingEvent at) => Place(_file, at.Start);

    private static Mark Place(string file, YamlDotNet.Core.Mark at) => new(file, Math.Max(1, (int)at.Line), Math.Max(1, (int)at.Column));

    // The first line from a line on that a tab indents.
    private static Mark? FindTab(string file, string text, int from)
    {
        var line = 0;
        foreach (var content in text.AsSpan().EnumerateLines())
        {
            line++;
            var column = content.IndexOfAnyExcept(' ');
            if (line >= from && column >= 0 && content[column] == '\t')
            {
                return new Mark(file, line, column + 1);
            }
        }

        return null;
    }

    // The library begins some of its messages with the place, which the problem has already.
    private static string Plain(YamlException invalid)
    {
        var message = invalid.InnerException?.Message ?? invalid.Message;
        var end = message.StartsWith('(') ? message.IndexOf("): ", StringComparison.Ordinal) : -1;
        return (end < 0 ? message : message[(end + 3)..]).TrimEnd('.');
    }

    // Ends the reading of one file from any depth; it never leaves this class.
    private sealed class Refusal(Mark mark, string message) : Exception(message)
    {
        public Mark Mark { get; } = mark;
    }
}
