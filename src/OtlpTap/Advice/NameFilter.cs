namespace OtlpTap.Advice;

/// <summary>A name as it is, or with <c>*</c> for any characters. Empty admits every name, also none.</summary>
internal sealed record NameFilter(string Pattern)
{
    public static readonly NameFilter Any = new("");

    public bool Admits(ReadOnlySpan<char> name)
    {
        if (Pattern.Length == 0)
        {
            return true;
        }

        // On a mismatch, the last star takes one character more.
        var (at, star, taken) = (0, -1, 0);
        for (var i = 0; i < name.Length;)
        {
            if (at < Pattern.Length && Pattern[at] == '*')
            {
                (star, taken) = (at++, i);
            }
            else if (at < Pattern.Length && Pattern[at] == name[i])
            {
                (at, i) = (at + 1, i + 1);
            }
            else if (star >= 0)
            {
                (at, i) = (star + 1, ++taken);
            }
            else
            {
                return false;
            }
        }

        return Pattern.AsSpan(at).IndexOfAnyExcept('*') < 0;
    }
}
