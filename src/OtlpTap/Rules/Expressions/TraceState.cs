namespace OtlpTap.Rules.Expressions;

/// <summary>One member of a span's trace state. Source: https://www.w3.org/TR/trace-context/#tracestate-header, without blanks in between.</summary>
internal static class TraceState
{
    private const int MembersMax = 32;

    /// <summary>Empty for a key that is not there; null when the trace state as a whole is malformed.</summary>
    public static string? Find(string traceState, string key)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        var found = "";
        foreach (var member in traceState.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var equal = member.IndexOf('=');
            if (equal < 0)
            {
                return null;
            }

            var name = member[..equal].TrimStart(' ', '\t');
            var value = member[(equal + 1)..].TrimEnd(' ', '\t');
            if (!IsKey(name) || !IsValue(value) || !keys.Add(name) || keys.Count > MembersMax)
            {
                return null;
            }

            found = name == key ? value : found;
        }

        return found;
    }

    private static bool IsKey(string key)
    {
        var at = key.IndexOf('@');
        return at < 0
            ? IsPart(key, 256) && char.IsAsciiLetterLower(key[0])
            : IsPart(key[..at], 241) && IsPart(key[(at + 1)..], 14) && char.IsAsciiLetterLower(key[at + 1]);
    }

    private static bool IsPart(string part, int lengthMax) =>
        part.Length > 0 && part.Length <= lengthMax && IsAlphanumeric(part[0]) && part.All(c => IsAlphanumeric(c) || c is '_' or '-' or '*' or '/');

    private static bool IsAlphanumeric(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);

    private static bool IsValue(string value) =>
        value.Length is > 0 and <= 256 && value[^1] != ' ' && value.All(c => c is >= ' ' and <= '~' and not (',' or '='));
}
