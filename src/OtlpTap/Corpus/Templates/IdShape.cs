namespace OtlpTap.Corpus.Templates;

/// <summary>What words look like that are nobody's words: ids.</summary>
internal static class IdShape
{
    /// <summary>Letters and digits in turn, or upper and lower case: nobody's word.</summary>
    public static bool IsId(ReadOnlySpan<char> word)
    {
        const int LengthMin = 6;
        if (word.Length < LengthMin)
        {
            return false;
        }

        if (word.Length > 2 && word[0] == '0' && word[1] is 'x' or 'X')
        {
            return true;
        }

        var (changes, caseChanges, digits) = (0, 0, 0);
        for (var i = 0; i < word.Length; i++)
        {
            digits += char.IsDigit(word[i]) ? 1 : 0;
            if (i > 0)
            {
                changes += char.IsDigit(word[i]) != char.IsDigit(word[i - 1]) ? 1 : 0;
                caseChanges += char.IsUpper(word[i]) && char.IsLower(word[i - 1]) ? 1 : 0;
            }
        }

        return digits < word.Length && (changes >= 2
            || (digits > 0 && word.Length >= 8 && (IsHex(word) || changes >= 1 && digits * 4 >= word.Length))
            || (word.Length >= 16 && caseChanges * 100 >= word.Length * 18));
    }

    public static bool IsHex(ReadOnlySpan<char> word)
    {
        foreach (var c in word)
        {
            if (!char.IsAsciiHexDigit(c))
            {
                return false;
            }
        }

        return true;
    }

    public static bool IsUuid(string text, int i)
    {
        if (i + 36 > text.Length || text[i + 8] != '-' || text[i + 13] != '-' || text[i + 18] != '-' || text[i + 23] != '-')
        {
            return false;
        }

        for (var at = i; at < i + 36; at++)
        {
            if (text[at] != '-' && !char.IsAsciiHexDigit(text[at]))
            {
                return false;
            }
        }

        return true;
    }

    public static int CountDigits(ReadOnlySpan<char> word)
    {
        var count = 0;
        foreach (var c in word)
        {
            count += char.IsDigit(c) ? 1 : 0;
        }

        return count;
    }
}
