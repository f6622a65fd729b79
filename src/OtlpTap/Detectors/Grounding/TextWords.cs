namespace OtlpTap.Detectors.Grounding;

/// <summary>The words of a text, wherever one is asked for.</summary>
internal readonly ref struct TextWords(ReadOnlySpan<char> text)
{
    /// <summary>What is longer without a space is read in pieces.</summary>
    private const int ChunkMax = 256;

    public ReadOnlySpan<char> Text { get; } = text;

    /// <summary>Where what begins here without a space ends.</summary>
    public int ChunkEnd(int start)
    {
        var most = Math.Min(Text.Length, start + ChunkMax);
        var address = IsAddress(start);
        var i = start + 1;
        for (; i < most; i++)
        {
            var c = Text[i];
            if (char.IsLetterOrDigit(c))
            {
                continue;
            }

            if (address && !char.IsWhiteSpace(c) && c is not ('"' or '<' or '>' or ')' or ']' or '\'' or '`' or '\\' or '*' or '|'))
            {
                continue;
            }

            var between = i + 1 < most && char.IsLetterOrDigit(Text[i + 1]);
            var joins = c switch
            {
                '-' or '_' or '.' or '/' or '@' or ':' or '#' or '&' => between,
                '\'' or '\u2019' => between && char.IsLetterOrDigit(Text[i - 1]),
                ',' => between && char.IsDigit(Text[i - 1]) && char.IsDigit(Text[i + 1]),
                '+' => between && Text[start..i].Contains(':'),
                '\u00B2' or '\u00B3' => true,
                _ => false,
            };
            if (!joins)
            {
                break;
            }
        }

        while (address && i > start + 1 && Text[i - 1] is '.' or ',' or ';' or ':' or '!' or '?')
        {
            i--;
        }

        return i;
    }

    public bool IsAddress(int at)
    {
        var rest = Text[at..Math.Min(Text.Length, at + 8)];
        return rest.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || rest.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || rest.StartsWith("www.", StringComparison.OrdinalIgnoreCase);
    }

    public bool IsNext(int at, ReadOnlySpan<char> word) => Is(Next(at, out _), word);

    /// <summary>The word or the digits behind at most two spaces.</summary>
    public ReadOnlySpan<char> Next(int at, out int end)
    {
        var i = at;
        while (i < Text.Length && i < at + 2 && Text[i] is ' ' or '\u00A0' or '\u202F')
        {
            i++;
        }

        return At(i, out end);
    }

    public ReadOnlySpan<char> At(int start, out int end)
    {
        end = start;
        while (end < Text.Length && end < start + 24 && (char.IsLetterOrDigit(Text[end]) || Text[end] is '\u00B2' || (end > start && Text[end] is '\'' or '\u2019' or '.' or '/' && end + 1 < Text.Length && char.IsLetter(Text[end + 1]) && char.IsLetter(Text[end - 1]))))
        {
            end++;
        }

        return Text[start..end];
    }

    public static bool Is(ReadOnlySpan<char> word, ReadOnlySpan<char> other) => word.Equals(other, StringComparison.OrdinalIgnoreCase);

    /// <summary>At most nine digits.</summary>
    public static bool Digits(ReadOnlySpan<char> text, ref int at, out int value, out int length)
    {
        value = 0;
        var start = at;
        while (at < text.Length && at - start < 9 && char.IsAsciiDigit(text[at]))
        {
            value = (value * 10) + (text[at++] - '0');
        }

        length = at - start;
        return length > 0;
    }
}
