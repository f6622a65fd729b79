using System.Text;
using System.Text.Unicode;

namespace OtlpTap.Rules.Patterns;

/// <summary>
/// A regular expression with the meaning that Go's <c>regexp</c> gives it, matched in linear time on the bytes of
/// UTF-8 without allocating. Not .NET's <c>Regex</c>, even its non-backtracking one: that would need the text as
/// UTF-16, differs in <c>$</c>, classes, case folding and syntax, and takes longer for a short value than all
/// conditions on a span may take together.
/// <para>As in Go, a byte that is no UTF-8 reads as U+FFFD, each one alone.</para>
/// </summary>
internal sealed class Pattern
{
    private readonly PatternNode _node;
    private readonly LiteralPattern? _literal;

    // Built by the first value that meets the pattern: a millisecond or so then, for the few patterns that are ever
    // needed, instead of fifty of them before the tap can listen.
    private readonly Lazy<(Dfa? Dfa, Nfa? Nfa)> _automaton;

    private Pattern(string text, PatternNode node)
    {
        Text = text;
        _node = node;
        _automaton = new Lazy<(Dfa?, Nfa?)>(() => Build(node));
        _literal = LiteralPattern.Of(node);
    }

    public string Text { get; }

    /// <summary>Null when the automaton is too large and states are simulated.</summary>
    public Dfa? Dfa => _automaton.Value.Dfa;

    /// <summary>Whose states are simulated; null when there is <see cref="Dfa"/>.</summary>
    public Nfa? Nfa => _automaton.Value.Nfa;

    /// <summary>Null, and what is wrong, when Go would refuse the pattern.</summary>
    public static Pattern? Parse(string text, out string problem)
    {
        if (PatternParser.Parse(text, out problem) is not { } node)
        {
            return null;
        }

        if (Nfa.Fits(node))
        {
            return new Pattern(text, node);
        }

        problem = $"The pattern \"{text}\" is too large.";
        return null;
    }

    /// <summary>Matches where one of the patterns does; null when that would be too large.</summary>
    public static Pattern? AnyOf(IReadOnlyList<Pattern> patterns)
    {
        var node = new ChoiceNode([.. patterns.Select(pattern => pattern._node)]);
        return Nfa.Fits(node) ? new Pattern(string.Join('|', patterns.Select(pattern => pattern.Text)), node) : null;
    }

    public bool IsMatch(ReadOnlySpan<byte> utf8)
    {
        if (_literal is { } literal)
        {
            return literal.IsMatch(utf8);
        }

        using var run = new PatternRun(this);
        run.Feed(utf8);
        return run.End();
    }

    private static (Dfa? Dfa, Nfa? Nfa) Build(PatternNode node)
    {
        var nfa = Nfa.Build(node)!;
        return Patterns.Dfa.Build(nfa) is { } dfa ? (dfa, null) : (null, nfa);
    }
}

/// <summary>One match in progress; the text may come in pieces that end between two characters.</summary>
internal ref struct PatternRun : IDisposable
{
    /// <summary>Checking UTF-8 runs at some 20 bytes a nanosecond, matching at one: small enough to stop early, large enough to not count.</summary>
    private const int PieceLengthMax = 512;

    private static readonly byte[] Replacement = Encoding.UTF8.GetBytes("\uFFFD");

    private readonly Dfa? _dfa;
    private readonly NfaRun? _nfa;
    private int _state;

    public PatternRun(Pattern pattern)
    {
        _dfa = pattern.Dfa;
        if (_dfa is not null)
        {
            _state = _dfa.Start;
        }
        else
        {
            _nfa = new NfaRun(pattern.Nfa!);
        }
    }

    public void Feed(scoped ReadOnlySpan<byte> utf8)
    {
        // In pieces, so that a match or its impossibility near the start of a long text ends the work there.
        while (!utf8.IsEmpty && !IsDecided)
        {
            var piece = utf8[..PieceLength(utf8)];
            if (Utf8.IsValid(piece))
            {
                Step(piece);
            }
            else
            {
                FeedRepaired(piece);
            }

            utf8 = utf8[piece.Length..];
        }
    }

    /// <summary>The text is over: did it match?</summary>
    public readonly bool End() => _dfa is not null ? _dfa.MatchesAtEnd(_state) : _nfa!.End();

    public readonly void Dispose() => _nfa?.Dispose();

    private readonly bool IsDecided => _dfa is not null && _state <= Dfa.Matched;

    /// <summary>Cut between two characters, as far as there are characters.</summary>
    private static int PieceLength(scoped ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length <= PieceLengthMax)
        {
            return utf8.Length;
        }

        var length = PieceLengthMax;
        while (length > PieceLengthMax - 4 && (utf8[length] & 0xC0) == 0x80)
        {
            length--;
        }

        return length;
    }

    private void FeedRepaired(scoped ReadOnlySpan<byte> utf8)
    {
        while (!utf8.IsEmpty)
        {
            var isRune = Rune.DecodeFromUtf8(utf8, out _, out var length) == System.Buffers.OperationStatus.Done;
            Step(isRune ? utf8[..length] : Replacement);
            utf8 = utf8[(isRune ? length : 1)..];
        }
    }

    private void Step(scoped ReadOnlySpan<byte> bytes)
    {
        if (_dfa is not null)
        {
            _state = _dfa.Step(_state, bytes);
        }
        else
        {
            _nfa!.Step(bytes);
        }
    }
}
