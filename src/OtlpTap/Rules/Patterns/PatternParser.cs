namespace OtlpTap.Rules.Patterns;

/// <summary>
/// Reads a regular expression in the syntax of Go's <c>regexp</c> package (RE2 with Perl's extensions): what Go accepts
/// is accepted with the same meaning, what it refuses is refused.
/// Source: https://pkg.go.dev/regexp/syntax.
/// </summary>
internal sealed class PatternParser
{
    /// <summary>Go allows 1000; this keeps the recursion within the smallest stack.</summary>
    private const int DepthMax = 500;

    // Most of any pattern: the packs have ten thousand of them.
    private static readonly RunesNode[] Literals = [.. Enumerable.Range(0, 128).Select(rune => Literal(rune, isFolded: false))];
    private static readonly RunesNode[] FoldedLiterals = [.. Enumerable.Range(0, 128).Select(rune => Literal(rune, isFolded: true))];

    private readonly PatternCursor _cursor;
    private readonly ClassParser _classes;
    private int _depth;
    private int _groups;
    private Flags _flags;

    private PatternParser(string pattern)
    {
        _cursor = new PatternCursor(pattern);
        _classes = new ClassParser(_cursor);
    }

    [Flags]
    private enum Flags
    {
        None = 0,
        FoldCase = 1,
        MultiLine = 2,
        DotMatchesNewline = 4,
        Ungreedy = 8,
    }

    private bool IsFolded => _flags.HasFlag(Flags.FoldCase);

    /// <summary>Null, and what is wrong, when the pattern is not valid.</summary>
    public static PatternNode? Parse(string pattern, out string problem)
    {
        var parser = new PatternParser(pattern);
        var node = parser.Choice();
        if (node is not null && !parser._cursor.AtEnd)
        {
            node = parser.Fail("')' without a '('");
        }

        problem = parser._cursor.Problem ?? "";
        return node;
    }

    private PatternNode? Choice()
    {
        if (++_depth > DepthMax)
        {
            return Fail("groups are nested too deep");
        }

        var flags = _flags;
        var choices = new List<PatternNode>();
        do
        {
            if (Sequence() is not { } sequence)
            {
                return null;
            }

            choices.Add(sequence);
        }
        while (_cursor.Accept('|'));

        _flags = flags;
        _depth--;
        return choices.Count == 1 ? choices[0] : new ChoiceNode(choices);
    }

    private PatternNode? Sequence()
    {
        var parts = new List<PatternNode>();
        while (!_cursor.AtEnd && _cursor.Peek() is not ('|' or ')'))
        {
            if (Part(parts) is not { } part)
            {
                return null;
            }

            parts.Add(part);
        }

        return parts.Count == 1 ? parts[0] : new SequenceNode(parts);
    }

    private PatternNode? Part(List<PatternNode> before)
    {
        if (_cursor.Peek() == '\\' && _cursor.PeekAt(1) == 'Q')
        {
            _cursor.At += 2;
            return Quoted(before);
        }

        // Flags such as (?i) are no part that could be repeated.
        if (Atom(out var repeatable) is not { } atom)
        {
            return null;
        }

        return repeatable ? Repeated(atom) : atom;
    }

    /// <summary>All but the last character go before; the last one is what an operator behind the quote repeats.</summary>
    private PatternNode? Quoted(List<PatternNode> before)
    {
        PatternNode? last = null;
        while (!_cursor.AtEnd)
        {
            if (_cursor.Peek() == '\\' && _cursor.PeekAt(1) == 'E')
            {
                _cursor.At += 2;
                break;
            }

            if (last is not null)
            {
                before.Add(last);
            }

            last = Literal(_cursor.Take());
        }

        return last is null ? PatternNode.Empty : Repeated(last);
    }

    private PatternNode? Repeated(PatternNode atom)
    {
        var repeated = false;
        while (!_cursor.AtEnd)
        {
            var start = _cursor.At;
            int min;
            int max;
            switch (_cursor.Peek())
            {
                case '*':
                    (min, max) = (0, -1);
                    _cursor.At++;
                    break;
                case '+':
                    (min, max) = (1, -1);
                    _cursor.At++;
                    break;
                case '?':
                    (min, max) = (0, 1);
                    _cursor.At++;
                    break;
                case '{' when RepeatCounts.TryRead(_cursor, out min, out max):
                    if (min > RepeatCounts.RepeatMax || max > RepeatCounts.RepeatMax || (max >= 0 && min > max))
                    {
                        return Fail($"the repeat count '{_cursor.Text(start, _cursor.At)}' is invalid (at most {RepeatCounts.RepeatMax})");
                    }

                    break;
                default:
                    return atom;
            }

            if (repeated)
            {
                return Fail($"a repeat is repeated at '{_cursor.Text(start, _cursor.At)}'");
            }

            atom = new RepeatNode(atom, min, max, IsLazy: _cursor.Accept('?') != _flags.HasFlag(Flags.Ungreedy));
            if (!RepeatCounts.AreWithinBound(atom))
            {
                return Fail($"nested repeats multiply to more than {RepeatCounts.RepeatMax}");
            }

            repeated = true;
        }

        return atom;
    }

    private PatternNode? Atom(out bool repeatable)
    {
        repeatable = true;
        var rune = _cursor.Take();
        switch (rune)
        {
            case '(':
                return Group(out repeatable);
            case '[':
                return _classes.Class(IsFolded) is { } runes ? new RunesNode(runes) : null;
            case '.':
                return new RunesNode(_flags.HasFlag(Flags.DotMatchesNewline) ? RuneSet.Any : RuneSet.AnyButNewline);
            case '^':
                return new PlaceNode(_flags.HasFlag(Flags.MultiLine) ? Place.LineStart : Place.TextStart);
            case '$':
                return new PlaceNode(_flags.HasFlag(Flags.MultiLine) ? Place.LineEnd : Place.TextEnd);
            case '*' or '+' or '?':
                return Fail($"nothing stands before '{(char)rune}'");
            case '{':
                _cursor.At--;
                var counts = RepeatCounts.TryRead(_cursor, out _, out _);
                if (counts)
                {
                    return Fail("nothing stands before a repeat count");
                }

                _cursor.At++;
                return Literal(rune);
            case '\\':
                return Escaped();
            default:
                return Literal(rune);
        }
    }

    private RunesNode Literal(int rune)
    {
        var known = IsFolded ? FoldedLiterals : Literals;
        return rune < known.Length ? known[rune] : Literal(rune, IsFolded);
    }

    private static RunesNode Literal(int rune, bool isFolded)
    {
        var runes = RuneSet.Of(rune);
        return new RunesNode(isFolded ? runes.Folded() : runes);
    }

    private PatternNode? Escaped()
    {
        if (_cursor.AtEnd)
        {
            return Fail("a backslash at the end");
        }

        switch (_cursor.Peek())
        {
            case 'A':
                _cursor.At++;
                return new PlaceNode(Place.TextStart);
            case 'z':
                _cursor.At++;
                return new PlaceNode(Place.TextEnd);
            case 'b':
                _cursor.At++;
                return new PlaceNode(Place.WordBoundary);
            case 'B':
                _cursor.At++;
                return new PlaceNode(Place.NoWordBoundary);
        }

        if (_classes.TryEscapedClass(IsFolded, out var runes))
        {
            return runes is null ? null : new RunesNode(runes);
        }

        var rune = _classes.EscapedRune();
        return rune < 0 ? null : Literal(rune);
    }

    private PatternNode? Group(out bool repeatable)
    {
        repeatable = true;
        if (!_cursor.Accept('?'))
        {
            return NumberedGroup("");
        }

        if (!_cursor.AtEnd && _cursor.Peek() is 'P' or '<')
        {
            return NamedGroup();
        }

        var flags = _flags;
        var negative = false;
        var sawFlag = false;
        while (!_cursor.AtEnd)
        {
            var rune = _cursor.Take();
            switch (rune)
            {
                case 'i' or 'm' or 's' or 'U':
                    var flag = rune switch { 'i' => Flags.FoldCase, 'm' => Flags.MultiLine, 's' => Flags.DotMatchesNewline, _ => Flags.Ungreedy };
                    flags = negative ? flags & ~flag : flags | flag;
                    sawFlag = true;
                    continue;
                case '-' when !negative:
                    negative = true;
                    sawFlag = false;
                    continue;
                case ':' or ')' when negative && !sawFlag:
                    break;
                case ':':
                    var outer = _flags;
                    _flags = flags;
                    var group = GroupRest();
                    _flags = outer;
                    return group;
                case ')':
                    _flags = flags;
                    repeatable = false;
                    // Go takes an operator behind flags for one without an operand.
                    return !_cursor.AtEnd && _cursor.Peek() is '*' or '+' or '?' ? Fail($"nothing stands before '{(char)_cursor.Peek()}'") : PatternNode.Empty;
            }

            break;
        }

        return Fail("this kind of group is not supported (no look-around, no comments)");
    }

    private PatternNode? NamedGroup()
    {
        _cursor.Accept('P');
        if (!_cursor.Accept('<'))
        {
            return Fail("this kind of group is not supported");
        }

        var start = _cursor.At;
        while (!_cursor.AtEnd && _cursor.Peek() != '>')
        {
            _cursor.At++;
        }

        var name = _cursor.Text(start, _cursor.At);
        if (!_cursor.Accept('>') || name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
        {
            return Fail("a group's name consists of letters, digits and _");
        }

        return NumberedGroup(name);
    }

    /// <summary>Numbered by their opening parentheses.</summary>
    private GroupNode? NumberedGroup(string name)
    {
        var number = ++_groups;
        return GroupRest() is { } inner ? new GroupNode(inner, number, name) : null;
    }

    private PatternNode? GroupRest()
    {
        if (Choice() is not { } inner)
        {
            return null;
        }

        return _cursor.Accept(')') ? inner : Fail("a '(' is not closed");
    }

    private PatternNode? Fail(string problem)
    {
        _cursor.Fail(problem);
        return null;
    }
}
