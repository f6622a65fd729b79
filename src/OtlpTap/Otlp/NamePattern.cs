using System.Numerics;

namespace OtlpTap.Otlp;

/// <summary>Names as they are, or with <c>*</c> for any characters: of attributes, services, agents, tools.</summary>
internal static class NamePattern
{
    /// <summary>Linear in the name for each star.</summary>
    /// <param name="name">UTF-16, or UTF-8 where patterns are ASCII.</param>
    public static bool IsMatch<TUnit>(string pattern, ReadOnlySpan<TUnit> name, bool ignoresCase)
        where TUnit : struct, IBinaryInteger<TUnit>
    {
        // On a mismatch, the last star takes one character more.
        var (at, star, taken) = (0, -1, 0);
        for (var i = 0; i < name.Length;)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                (star, taken) = (at++, i);
            }
            else if (at < pattern.Length && IsSame(pattern[at], (char)ushort.CreateTruncating(name[i]), ignoresCase))
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

        return pattern.AsSpan(at).IndexOfAnyExcept('*') < 0;
    }

    private static bool IsSame(char one, char other, bool ignoresCase) =>
        one == other || (ignoresCase && char.ToLowerInvariant(one) == char.ToLowerInvariant(other));
}
