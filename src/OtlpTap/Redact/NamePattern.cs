namespace OtlpTap.Redact;

/// <summary>Names of attributes with <c>*</c> for any characters.</summary>
internal static class NamePattern
{
    /// <summary>Upper and lower case are the same. Linear in the name for each star.</summary>
    public static bool IsMatch(string pattern, ReadOnlySpan<byte> name)
    {
        var (at, star, afterStar) = (0, -1, 0);
        var i = 0;
        while (i < name.Length)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                (star, afterStar) = (at++, i);
            }
            else if (at < pattern.Length && char.ToLowerInvariant(pattern[at]) == char.ToLowerInvariant((char)name[i]))
            {
                at++;
                i++;
            }
            else if (star >= 0)
            {
                at = star + 1;
                i = ++afterStar;
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(at).TrimStart('*').IsEmpty;
    }
}
