using System.Text;

namespace OtlpTap.Rules.Patterns;

/// <summary>
/// Unicode's simple case folding: which code points are the same letter when case does not count. Two at most, lower
/// and upper, are what the runtime's invariant mapping knows; the larger circles stand in the table.
/// Source: https://www.unicode.org/Public/UCD/latest/ucd/CaseFolding.txt, statuses C and S.
/// </summary>
internal static class CaseFold
{
    /// <summary>No letter above it has a case (Adlam ends at U+1E943).</summary>
    public const int RuneMax = 0x1E943;

    private static readonly string[] Circles =
    [
        "Kk\u212A", "Ss\u017F", "\u00C5\u00E5\u212B", "\u00DF\u1E9E", "\u00B5\u039C\u03BC",
        "\u01C4\u01C5\u01C6", "\u01C7\u01C8\u01C9", "\u01CA\u01CB\u01CC", "\u01F1\u01F2\u01F3",
        "\u0345\u0399\u03B9\u1FBE", "\u0392\u03B2\u03D0", "\u0395\u03B5\u03F5", "\u0398\u03B8\u03D1\u03F4",
        "\u039A\u03BA\u03F0", "\u03A0\u03C0\u03D6", "\u03A1\u03C1\u03F1", "\u03A3\u03C2\u03C3",
        "\u03A6\u03C6\u03D5", "\u03A9\u03C9\u2126", "\u1E60\u1E61\u1E9B",
        "\u0412\u0432\u1C80", "\u0414\u0434\u1C81", "\u041E\u043E\u1C82", "\u0421\u0441\u1C83",
        "\u0422\u0442\u1C84\u1C85", "\u042A\u044A\u1C86", "\u0462\u0463\u1C87", "\u1C88\uA64A\uA64B",
        // The dotted and the dotless i have no partner.
        "\u0130", "\u0131",
    ];

    private static readonly Dictionary<int, string> CircleOf = Circles
        .SelectMany(circle => circle.Select(member => ((int)member, circle)))
        .ToDictionary(pair => pair.Item1, pair => pair.circle);

    public static IEnumerable<int> OthersOf(int rune)
    {
        if (CircleOf.TryGetValue(rune, out var circle))
        {
            return circle.Select(member => (int)member).Where(member => member != rune);
        }

        if (!Rune.IsValid(rune))
        {
            return [];
        }

        var letter = new Rune(rune);
        var upper = Rune.ToUpperInvariant(letter);
        var other = upper == letter ? Rune.ToLowerInvariant(letter) : upper;
        return other == letter || CircleOf.ContainsKey(other.Value) ? [] : [other.Value];
    }
}
