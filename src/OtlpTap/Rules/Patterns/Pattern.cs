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
    private readonly Nfa _nfa;
    private readonly Dfa? _dfa;
    private readonly LiteralPattern? _literal;

    private Pattern(string text, PatternNode node, Nfa nfa)
    {
        Text = text;
        _node = node;
        _nfa = nfa;
        _dfa = Dfa.Build(nfa);
        _literal = LiteralPattern.Of(node);
    }

    public string Text { get; }

    /// <summary>Null when the automaton is too large and states are simulated.</summary>
    internal Dfa? Dfa => _dfa;

    internal Nfa Nfa => _nfa;

    /// <summary>Null, and what is wrong, when Go would refuse the pattern.</summary>
    public static Pattern? Parse(string text, out string problem)
    {
        if (PatternParser.Parse(text, out problem) is not { } node)
        {
            return null;
        }

        if (Nfa.Build(node) is { } nfa)
        {
            return new Pattern(text, node, nfa);
        }

        problem = $"The pattern \"{text}\" is too large.";
        return null;
    }

    /// <summary>Matches where one of the patterns does; null when that would be too large.</summary>
    public static Pattern? AnyOf(IReadOnlyList<Pattern> patterns)
    {
        var node = new ChoiceNode([.. patterns.Select(pattern => pattern._node)]);
        return Nfa.Build(node) is { } nfa ? new Pattern(string.Join('|', patterns.Select(pattern => pattern.Text)), node, nfa) : null;
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
}

/// <summary>One match in progress; the text may come in pieces that end between two characters.</summary>
internal ref struct PatternRun : IDisposable
{
    private static readonly byte[] Replacement = Encoding.UTF8.GetBytes("\uFFFD");

    private readonly Dfa? _dfa;
    private NfaRun _nfa;
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
            _nfa = new NfaRun(pattern.Nfa);
        }
    }

    public void Feed(scoped ReadOnlySpan<byte> utf8)
    {
        if (_dfa is not null && _state <= Dfa.Matched)
        {
            return;
        }

        if (Utf8.IsValid(utf8))
        {
            Step(utf8);
        }
        else
        {
            FeedRepaired(utf8);
        }
    }

    /// <summary>The text is over: did it match?</summary>
    public bool End() => _dfa is not null ? _dfa.MatchesAtEnd(_state) : _nfa.MatchesAtEnd();

    public void Dispose() => _nfa.Dispose();

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
            _nfa.Step(bytes);
        }
    }
}
