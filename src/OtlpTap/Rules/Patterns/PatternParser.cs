using System.Text;

namespace OtlpTap.Rules.Patterns;

/// <summary>
/// Reads a regular expression in the syntax of Go's <c>regexp</c> package (RE2 with Perl's extensions): what Go accepts
/// is accepted with the same meaning, what it refuses is refused.
/// Source: https://pkg.go.dev/regexp/syntax.
/// </summary>
internal sealed class PatternParser
{
    /// <summary>Go's bound on a repeat count, alone and multiplied through nested repeats.</summary>
    private const int RepeatMax = 1000;

    /// <summary>Go allows 1000; this keeps the recursion within the smallest stack.</summary>
    private const int DepthMax = 500;

    // Most of any pattern: the packs have ten thousand of them.
    private static readonly RunesNode[] Literals = [.. Enumerable.Range(0, 128).Select(rune => Literal(rune, isFolded: false))];
    private static readonly RunesNode[] FoldedLiterals = [.. Enumerable.Range(0, 128).Select(rune => Literal(rune, isFolded: true))];

    private readonly Dictionary<string, RuneSet?> _classes = [];
    private readonly Rune[] _runes;
    private readonly string _pattern;
    private int _at;
    private int _depth;
    private int _groups;
    private Flags _flags;
    private string? _problem;

    private PatternParser(string pattern)
    {
        _pattern = pattern;
        _runes = [.. pattern.EnumerateRunes()];
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

    private bool AtEnd => _at == _runes.Length;

    /// <summary>Null, and what is wrong, when the pattern is not valid.</summary>
    public static PatternNode? Parse(string pattern, out string problem)
    {
        var parser = new PatternParser(pattern);
        var node = parser.Choice();
        if (node is not null && !parser.AtEnd)
        {
            node = parser.Fail("')' without a '('");
        }

        problem = parser._problem ?? "";
        return node;
    }

    private static bool RepeatIsValid(PatternNode node, int left) => node switch
    {
        RepeatNode repeat => RepeatedIsValid(repeat, left),
        SequenceNode sequence => sequence.Parts.All(part => RepeatIsValid(part, left)),
        ChoiceNode choice => choice.Choices.All(part => RepeatIsValid(part, left)),
        GroupNode group => RepeatIsValid(group.Inner, left),
        _ => true,
    };

    private static bool RepeatedIsValid(RepeatNode repeat, int left)
    {
        // The operators * + ? are no counts and cost nothing.
        if (repeat is { Min: 0, Max: 1 or -1 } or { Min: 1, Max: -1 })
        {
            return RepeatIsValid(repeat.Inner, left);
        }

        var count = repeat.Max < 0 ? repeat.Min : repeat.Max;
        return count == 0 || (count <= left && RepeatIsValid(repeat.Inner, left / count));
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
        while (Accept('|'));

        _flags = flags;
        _depth--;
        return choices.Count == 1 ? choices[0] : new ChoiceNode(choices);
    }

    private PatternNode? Sequence()
    {
        var parts = new List<PatternNode>();
        while (!AtEnd && Peek() is not ('|' or ')'))
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
        if (Peek() == '\\' && _at + 1 < _runes.Length && _runes[_at + 1].Value == 'Q')
        {
            _at += 2;
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
        while (!AtEnd)
        {
            if (Peek() == '\\' && _at + 1 < _runes.Length && _runes[_at + 1].Value == 'E')
            {
                _at += 2;
                break;
            }

            if (last is not null)
            {
                before.Add(last);
            }

            last = Literal(_runes[_at++].Value);
        }

        return last is null ? PatternNode.Empty : Repeated(last);
    }

    private PatternNode? Repeated(PatternNode atom)
    {
        var repeated = false;
        while (!AtEnd)
        {
            var start = _at;
            int min;
            int max;
            switch (Peek())
            {
                case '*':
                    (min, max) = (0, -1);
                    _at++;
                    break;
                case '+':
                    (min, max) = (1, -1);
                    _at++;
                    break;
                case '?':
                    (min, max) = (0, 1);
                    _at++;
                    break;
                case '{' when TryCounts(out min, out max):
                    if (min > RepeatMax || max > RepeatMax || (max >= 0 && min > max))
                    {
                        return Fail($"the repeat count '{Text(start, _at)}' is invalid (at most {RepeatMax})");
                    }

                    break;
                default:
                    return atom;
            }

            if (repeated)
            {
                return Fail($"a repeat is repeated at '{Text(start, _at)}'");
            }

            atom = new RepeatNode(atom, min, max, IsLazy: Accept('?') != _flags.HasFlag(Flags.Ungreedy));
            if (!RepeatIsValid(atom, RepeatMax))
            {
                return Fail($"nested repeats multiply to more than {RepeatMax}");
            }

            repeated = true;
        }

        return atom;
    }

    /// <summary>Moves behind <c>{2}</c>, <c>{2,}</c> or <c>{2,3}</c>; anything else is a brace to be taken literally.</summary>
    private bool TryCounts(out int min, out int max)
    {
        var start = _at;
        _at++;
        max = 0;
        if (TryCount(out min))
        {
            max = min;
            if (Accept(','))
            {
                max = -1;
                if (!AtEnd && Peek() != '}' && !TryCount(out max))
                {
                    _at = start;
                    return false;
                }
            }

            if (Accept('}'))
            {
                return true;
            }
        }

        _at = start;
        return false;
    }

    private bool TryCount(out int count)
    {
        var start = _at;
        count = 0;
        while (!AtEnd && Peek() is >= '0' and <= '9')
        {
            count = Math.Min((count * 10) + (Peek() - '0'), RepeatMax + 1);
            _at++;
        }

        var length = _at - start;
        return length == 1 || (length > 1 && _runes[start].Value != '0');
    }

    private PatternNode? Atom(out bool repeatable)
    {
        repeatable = true;
        var rune = _runes[_at++].Value;
        switch (rune)
        {
            case '(':
                return Group(out repeatable);
            case '[':
                return Class();
            case '.':
                return new RunesNode(_flags.HasFlag(Flags.DotMatchesNewline) ? RuneSet.Any : RuneSet.AnyButNewline);
            case '^':
                return new PlaceNode(_flags.HasFlag(Flags.MultiLine) ? Place.LineStart : Place.TextStart);
            case '$':
                return new PlaceNode(_flags.HasFlag(Flags.MultiLine) ? Place.LineEnd : Place.TextEnd);
            case '*' or '+' or '?':
                return Fail($"nothing stands before '{(char)rune}'");
            case '{':
                _at--;
                var counts = TryCounts(out _, out _);
                if (counts)
                {
                    return Fail("nothing stands before a repeat count");
                }

                _at++;
                return Literal(rune);
            case '\\':
                return Escaped();
            default:
                return Literal(rune);
        }
    }

    private RunesNode Literal(int rune)
    {
        var known = _flags.HasFlag(Flags.FoldCase) ? FoldedLiterals : Literals;
        return rune < known.Length ? known[rune] : Literal(rune, isFolded: _flags.HasFlag(Flags.FoldCase));
    }

    private static RunesNode Literal(int rune, bool isFolded)
    {
        var runes = RuneSet.Of(rune);
        return new RunesNode(isFolded ? runes.Folded() : runes);
    }

    private PatternNode? Escaped()
    {
        if (AtEnd)
        {
            return Fail("a backslash at the end");
        }

        switch (Peek())
        {
            case 'A':
                _at++;
                return new PlaceNode(Place.TextStart);
            case 'z':
                _at++;
                return new PlaceNode(Place.TextEnd);
            case 'b':
                _at++;
                return new PlaceNode(Place.WordBoundary);
            case 'B':
                _at++;
                return new PlaceNode(Place.NoWordBoundary);
        }

        if (TryEscapedClass(out var runes))
        {
            return runes is null ? null : new RunesNode(runes);
        }

        var rune = EscapedRune();
        return rune < 0 ? null : Literal(rune);
    }

    /// <summary><c>\d \s \w \pL \p{Greek}</c> and their complements; the backslash is read already.</summary>
    /// <returns>False: it is no class. True with null: it is a wrong one.</returns>
    private bool TryEscapedClass(out RuneSet? runes)
    {
        RuneSet? known = Peek() switch
        {
            'd' or 'D' => RuneSet.Digit,
            's' or 'S' => RuneSet.Space,
            'w' or 'W' => RuneSet.Word,
            _ => null,
        };
        if (known is not null)
        {
            var negative = Peek() is 'D' or 'S' or 'W';
            _at++;
            runes = Grouped(known, negative);
            return true;
        }

        runes = null;
        if (Peek() is not ('p' or 'P'))
        {
            return false;
        }

        runes = UnicodeClass();
        return true;
    }

    private RuneSet Grouped(RuneSet runes, bool negative)
    {
        var folded = _flags.HasFlag(Flags.FoldCase) ? runes.Folded() : runes;
        return negative ? folded.Complement() : folded;
    }

    private RuneSet? UnicodeClass()
    {
        var start = _at - 1;
        var negative = Peek() == 'P';
        _at++;
        if (AtEnd)
        {
            return FailSet("a class of characters has no name");
        }

        string name;
        if (Accept('{'))
        {
            var close = _at;
            while (close < _runes.Length && _runes[close].Value != '}')
            {
                close++;
            }

            if (close == _runes.Length)
            {
                return FailSet($"'{Text(start, close)}' has no closing brace");
            }

            name = Text(_at, close);
            _at = close + 1;
        }
        else
        {
            name = Text(_at, _at + 1);
            _at++;
        }

        if (name.StartsWith('^'))
        {
            negative = !negative;
            name = name[1..];
        }

        // Finding one is a walk over all of Unicode.
        if (!_classes.TryGetValue(name, out var runes))
        {
            _classes.Add(name, runes = UnicodeNames.Find(name));
        }

        return runes is not null
            ? Grouped(runes, negative)
            : FailSet($"the class of characters '{name}' is unknown (general categories are known, and the scripts {UnicodeNames.Scripts})");
    }

    /// <summary>One escaped character, in a class or outside; the backslash is read already. -1: wrong.</summary>
    private int EscapedRune()
    {
        var start = _at - 1;
        var rune = _runes[_at++].Value;
        switch (rune)
        {
            case >= '1' and <= '7' when AtEnd || Peek() is < '0' or > '7':
                break;
            case >= '0' and <= '7':
                var octal = rune - '0';
                for (var i = 0; i < 2 && !AtEnd && Peek() is >= '0' and <= '7'; i++)
                {
                    octal = (octal * 8) + (Peek() - '0');
                    _at++;
                }

                return octal;
            case 'x':
                return HexRune(start);
            case 'a':
                return '\a';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'v':
                return '\v';
            case < 0x80 when !char.IsAsciiLetterOrDigit((char)rune):
                return rune;
        }

        Fail($"the escape '{Text(start, _at)}' is unknown (references to groups are not supported)");
        return -1;
    }

    private int HexRune(int start)
    {
        var value = 0;
        if (Accept('{'))
        {
            var digits = 0;
            while (!AtEnd && HexDigit(Peek()) is var digit and >= 0)
            {
                value = Math.Min((value * 16) + digit, RuneSet.RuneMax + 1);
                digits++;
                _at++;
            }

            if (digits > 0 && value <= RuneSet.RuneMax && Accept('}'))
            {
                return value;
            }
        }
        else if (_at + 1 < _runes.Length && HexDigit(_runes[_at].Value) is var high and >= 0 && HexDigit(_runes[_at + 1].Value) is var low and >= 0)
        {
            _at += 2;
            return (high * 16) + low;
        }

        Fail($"the escape '{Text(start, Math.Min(_at + 1, _runes.Length))}' is no hexadecimal code point");
        return -1;
    }

    private static int HexDigit(int rune) => rune < 0x80 && char.IsAsciiHexDigit((char)rune) ? Convert.ToInt32(((char)rune).ToString(), 16) : -1;

    private PatternNode? Group(out bool repeatable)
    {
        repeatable = true;
        if (!Accept('?'))
        {
            return NumberedGroup("");
        }

        if (!AtEnd && Peek() is 'P' or '<')
        {
            return NamedGroup();
        }

        var flags = _flags;
        var negative = false;
        var sawFlag = false;
        while (!AtEnd)
        {
            var rune = _runes[_at++].Value;
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
                    return !AtEnd && Peek() is '*' or '+' or '?' ? Fail($"nothing stands before '{(char)Peek()}'") : PatternNode.Empty;
            }

            break;
        }

        return Fail("this kind of group is not supported (no look-around, no comments)");
    }

    private PatternNode? NamedGroup()
    {
        Accept('P');
        if (!Accept('<'))
        {
            return Fail("this kind of group is not supported");
        }

        var start = _at;
        while (!AtEnd && Peek() != '>')
        {
            _at++;
        }

        var name = Text(start, _at);
        if (!Accept('>') || name.Length == 0 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
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

        return Accept(')') ? inner : Fail("a '(' is not closed");
    }

    private PatternNode? Class()
    {
        var start = _at - 1;
        var negative = Accept('^');
        var ranges = new List<(int, int)>();
        var first = true;
        while (true)
        {
            if (AtEnd)
            {
                return Fail($"'{Text(start, _at)}' is not closed");
            }

            if (Peek() == ']' && !first)
            {
                _at++;
                break;
            }

            first = false;
            if (ClassPart() is not { } part)
            {
                return null;
            }

            ranges.AddRange(part.Ranges);
        }

        var runes = RuneSet.Of(ranges);
        return new RunesNode(negative ? runes.Complement() : runes);
    }

    private RuneSet? ClassPart()
    {
        if (Peek() == '[' && _at + 1 < _runes.Length && _runes[_at + 1].Value == ':')
        {
            var close = Text(_at, _runes.Length).IndexOf(":]", 2, StringComparison.Ordinal);
            if (close >= 0)
            {
                return PosixClass();
            }
        }

        if (Peek() == '\\' && _at + 1 < _runes.Length)
        {
            _at++;
            if (TryEscapedClass(out var named))
            {
                return named;
            }

            _at--;
        }

        var low = ClassRune();
        var high = low;
        if (low >= 0 && _at + 1 < _runes.Length && Peek() == '-' && _runes[_at + 1].Value != ']')
        {
            _at++;
            high = ClassRune();
            if (high >= 0 && high < low)
            {
                return FailSet("a range of characters ends before it starts");
            }
        }

        if (low < 0 || high < 0)
        {
            return null;
        }

        var runes = RuneSet.Of([(low, high)]);
        return _flags.HasFlag(Flags.FoldCase) ? runes.Folded() : runes;
    }

    private int ClassRune()
    {
        if (Peek() != '\\')
        {
            return _runes[_at++].Value;
        }

        _at++;
        if (!AtEnd)
        {
            return EscapedRune();
        }

        Fail("a backslash at the end");
        return -1;
    }

    private RuneSet? PosixClass()
    {
        var start = _at;
        _at += 2;
        var negative = Accept('^');
        var nameStart = _at;
        while (Peek() != ':' || _runes[_at + 1].Value != ']')
        {
            _at++;
        }

        var name = Text(nameStart, _at);
        _at += 2;
        return UnicodeNames.FindPosix(name) is { } runes ? Grouped(runes, negative) : FailSet($"the class of characters '{Text(start, _at)}' is unknown");
    }

    private int Peek() => _runes[_at].Value;

    private bool Accept(char expected)
    {
        if (AtEnd || Peek() != expected)
        {
            return false;
        }

        _at++;
        return true;
    }

    private string Text(int start, int end) => string.Concat(_runes[start..end].Select(rune => rune.ToString()));

    private PatternNode? Fail(string problem)
    {
        _problem ??= $"The pattern \"{_pattern}\" is not valid: {problem}.";
        return null;
    }

    private RuneSet? FailSet(string problem)
    {
        Fail(problem);
        return null;
    }
}
