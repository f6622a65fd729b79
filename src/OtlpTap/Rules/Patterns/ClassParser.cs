namespace OtlpTap.Rules.Patterns;

/// <summary>Reads a pattern's classes of characters, and its escapes, which stand in classes and outside of them.</summary>
internal sealed class ClassParser(PatternCursor cursor)
{
    private readonly Dictionary<string, RuneSet?> _classes = [];

    /// <summary>What stands in brackets; the opening one is read already. Null: it is wrong.</summary>
    public RuneSet? Class(bool isFolded)
    {
        var start = cursor.At - 1;
        var negative = cursor.Accept('^');
        var ranges = new List<(int, int)>();
        var first = true;
        while (true)
        {
            if (cursor.AtEnd)
            {
                return Fail($"'{cursor.Text(start, cursor.At)}' is not closed");
            }

            if (cursor.Peek() == ']' && !first)
            {
                cursor.At++;
                break;
            }

            first = false;
            if (ClassPart(isFolded) is not { } part)
            {
                return null;
            }

            ranges.AddRange(part.Ranges);
        }

        var runes = RuneSet.Of(ranges);
        return negative ? runes.Complement() : runes;
    }

    /// <summary><c>\d \s \w \pL \p{Greek}</c> and their complements; the backslash is read already.</summary>
    /// <returns>False: it is no class. True with null: it is a wrong one.</returns>
    public bool TryEscapedClass(bool isFolded, out RuneSet? runes)
    {
        RuneSet? known = cursor.Peek() switch
        {
            'd' or 'D' => RuneSet.Digit,
            's' or 'S' => RuneSet.Space,
            'w' or 'W' => RuneSet.Word,
            _ => null,
        };
        if (known is not null)
        {
            var negative = cursor.Peek() is 'D' or 'S' or 'W';
            cursor.At++;
            runes = Grouped(known, isFolded, negative);
            return true;
        }

        runes = null;
        if (cursor.Peek() is not ('p' or 'P'))
        {
            return false;
        }

        runes = UnicodeClass(isFolded);
        return true;
    }

    /// <summary>One escaped character, in a class or outside; the backslash is read already. -1: wrong.</summary>
    public int EscapedRune()
    {
        var start = cursor.At - 1;
        var rune = cursor.Take();
        switch (rune)
        {
            case >= '1' and <= '7' when cursor.AtEnd || cursor.Peek() is < '0' or > '7':
                break;
            case >= '0' and <= '7':
                var octal = rune - '0';
                for (var i = 0; i < 2 && !cursor.AtEnd && cursor.Peek() is >= '0' and <= '7'; i++)
                {
                    octal = (octal * 8) + (cursor.Peek() - '0');
                    cursor.At++;
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

        Fail($"the escape '{cursor.Text(start, cursor.At)}' is unknown (references to groups are not supported)");
        return -1;
    }

    private RuneSet? ClassPart(bool isFolded)
    {
        if (cursor.Peek() == '[' && cursor.PeekAt(1) == ':')
        {
            var close = cursor.Text(cursor.At, cursor.Length).IndexOf(":]", 2, StringComparison.Ordinal);
            if (close >= 0)
            {
                return PosixClass(isFolded);
            }
        }

        if (cursor.Peek() == '\\' && cursor.At + 1 < cursor.Length)
        {
            cursor.At++;
            if (TryEscapedClass(isFolded, out var named))
            {
                return named;
            }

            cursor.At--;
        }

        var low = ClassRune();
        var high = low;
        if (low >= 0 && cursor.PeekAt(1) is >= 0 and not ']' && cursor.Peek() == '-')
        {
            cursor.At++;
            high = ClassRune();
            if (high >= 0 && high < low)
            {
                return Fail("a range of characters ends before it starts");
            }
        }

        if (low < 0 || high < 0)
        {
            return null;
        }

        var runes = RuneSet.Of([(low, high)]);
        return isFolded ? runes.Folded() : runes;
    }

    private int ClassRune()
    {
        if (cursor.Peek() != '\\')
        {
            return cursor.Take();
        }

        cursor.At++;
        if (!cursor.AtEnd)
        {
            return EscapedRune();
        }

        Fail("a backslash at the end");
        return -1;
    }

    private RuneSet? PosixClass(bool isFolded)
    {
        var start = cursor.At;
        cursor.At += 2;
        var negative = cursor.Accept('^');
        var nameStart = cursor.At;
        while (cursor.Peek() != ':' || cursor.PeekAt(1) != ']')
        {
            cursor.At++;
        }

        var name = cursor.Text(nameStart, cursor.At);
        cursor.At += 2;
        return UnicodeNames.FindPosix(name) is { } runes ? Grouped(runes, isFolded, negative) : Fail($"the class of characters '{cursor.Text(start, cursor.At)}' is unknown");
    }

    private RuneSet? UnicodeClass(bool isFolded)
    {
        var start = cursor.At - 1;
        var negative = cursor.Peek() == 'P';
        cursor.At++;
        if (cursor.AtEnd)
        {
            return Fail("a class of characters has no name");
        }

        string name;
        if (cursor.Accept('{'))
        {
            var close = cursor.At;
            while (close < cursor.Length && cursor[close] != '}')
            {
                close++;
            }

            if (close == cursor.Length)
            {
                return Fail($"'{cursor.Text(start, close)}' has no closing brace");
            }

            name = cursor.Text(cursor.At, close);
            cursor.At = close + 1;
        }
        else
        {
            name = cursor.Text(cursor.At, cursor.At + 1);
            cursor.At++;
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
            ? Grouped(runes, isFolded, negative)
            : Fail($"the class of characters '{name}' is unknown (general categories are known, and the scripts {UnicodeNames.Scripts})");
    }

    private static RuneSet Grouped(RuneSet runes, bool isFolded, bool negative)
    {
        var folded = isFolded ? runes.Folded() : runes;
        return negative ? folded.Complement() : folded;
    }

    private int HexRune(int start)
    {
        var value = 0;
        if (cursor.Accept('{'))
        {
            var digits = 0;
            while (!cursor.AtEnd && HexDigit(cursor.Peek()) is var digit and >= 0)
            {
                value = Math.Min((value * 16) + digit, RuneSet.RuneMax + 1);
                digits++;
                cursor.At++;
            }

            if (digits > 0 && value <= RuneSet.RuneMax && cursor.Accept('}'))
            {
                return value;
            }
        }
        else if (cursor.PeekAt(1) >= 0 && HexDigit(cursor.Peek()) is var high and >= 0 && HexDigit(cursor.PeekAt(1)) is var low and >= 0)
        {
            cursor.At += 2;
            return (high * 16) + low;
        }

        Fail($"the escape '{cursor.Text(start, Math.Min(cursor.At + 1, cursor.Length))}' is no hexadecimal code point");
        return -1;
    }

    private static int HexDigit(int rune) => rune < 0x80 && char.IsAsciiHexDigit((char)rune) ? Convert.ToInt32(((char)rune).ToString(), 16) : -1;

    private RuneSet? Fail(string problem)
    {
        cursor.Fail(problem);
        return null;
    }
}
