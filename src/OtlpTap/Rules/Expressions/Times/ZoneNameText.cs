namespace OtlpTap.Rules.Expressions.Times;

/// <summary>How much of a text is the abbreviated name of a zone.</summary>
internal static class ZoneNameText
{
    /// <summary>0: none.</summary>
    public static int LengthIn(ReadOnlySpan<char> text)
    {
        if (text.Length < 3)
        {
            return 0;
        }

        if (text.StartsWith("ChST") || text.StartsWith("MeST"))
        {
            return 4;
        }

        if (text.StartsWith("GMT"))
        {
            return 3 + SignedHoursLength(text[3..]);
        }

        if (text[0] is '+' or '-')
        {
            return SignedHoursLength(text);
        }

        var upper = 0;
        while (upper < 6 && upper < text.Length && char.IsAsciiLetterUpper(text[upper]))
        {
            upper++;
        }

        return upper switch
        {
            3 => 3,
            4 when text[3] == 'T' || text.StartsWith("WITA") => 4,
            5 when text[4] == 'T' => 5,
            _ => 0,
        };
    }

    private static int SignedHoursLength(ReadOnlySpan<char> text)
    {
        if (text.Length == 0 || text[0] is not ('+' or '-'))
        {
            return 0;
        }

        var length = 1;
        var hours = 0;
        while (length < text.Length && char.IsAsciiDigit(text[length]) && hours <= 23)
        {
            hours = (hours * 10) + (text[length++] - '0');
        }

        return length == 1 || hours > 23 ? 0 : length;
    }
}
