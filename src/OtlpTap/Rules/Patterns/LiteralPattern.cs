using System.Text;

namespace OtlpTap.Rules.Patterns;

/// <summary>
/// A pattern that is one literal text, with or without <c>^</c> and <c>$</c>: compared as bytes. Looking at bytes
/// instead of characters changes nothing, because no character's encoding occurs within another's; the one character
/// that broken bytes read as, U+FFFD, is left to the automaton.
/// </summary>
internal sealed class LiteralPattern
{
    private readonly byte[] _text;
    private readonly bool _fromStart;
    private readonly bool _toEnd;

    private LiteralPattern(byte[] text, bool fromStart, bool toEnd)
    {
        _text = text;
        _fromStart = fromStart;
        _toEnd = toEnd;
    }

    /// <summary>Null when the pattern is anything else.</summary>
    public static LiteralPattern? Of(PatternNode node)
    {
        var parts = new List<PatternNode>();
        Flatten(node, parts);
        var fromStart = parts is [PlaceNode { Place: Place.TextStart }, ..];
        var toEnd = parts is [.., PlaceNode { Place: Place.TextEnd }];
        var literals = parts.Skip(fromStart ? 1 : 0).Take(parts.Count - (fromStart ? 1 : 0) - (toEnd ? 1 : 0)).ToList();

        var text = new StringBuilder();
        foreach (var part in literals)
        {
            if (part is not RunesNode { Runes.Single: var single } || !Rune.TryCreate(single, out var rune) || rune == Rune.ReplacementChar)
            {
                return null;
            }

            text.Append(rune.ToString());
        }

        return new LiteralPattern(Encoding.UTF8.GetBytes(text.ToString()), fromStart, toEnd);
    }

    public bool IsMatch(ReadOnlySpan<byte> utf8) => (_fromStart, _toEnd) switch
    {
        (false, false) => utf8.IndexOf(_text) >= 0,
        (true, false) => utf8.StartsWith(_text),
        (false, true) => utf8.EndsWith(_text),
        _ => utf8.SequenceEqual(_text),
    };

    private static void Flatten(PatternNode node, List<PatternNode> parts)
    {
        if (node is GroupNode group)
        {
            Flatten(group.Inner, parts);
        }
        else if (node is SequenceNode sequence)
        {
            foreach (var part in sequence.Parts)
            {
                Flatten(part, parts);
            }
        }
        else
        {
            parts.Add(node);
        }
    }
}
