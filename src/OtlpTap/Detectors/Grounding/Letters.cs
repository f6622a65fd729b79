namespace OtlpTap.Detectors.Grounding;

/// <summary>Words without regard to case, accents and endings. The runtime is without ICU here, so the folding stands as a table.</summary>
internal static class Letters
{
    // U+00C0 to U+017F: Latin-1 Supplement and Latin Extended-A.
    private const string Folded =
        "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo*ouuuuyty" +
        "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

    public static char Fold(char letter) => letter switch
    {
        >= 'A' and <= 'Z' => (char)(letter | 0x20),
        < '\u00C0' => letter,
        '\u00D7' or '\u00F7' => letter,
        <= '\u017F' => Folded[letter - '\u00C0'],
        '\u2019' => '\'',
        _ => char.ToLowerInvariant(letter),
    };

    /// <summary>All of the word.</summary>
    public static ulong Hash(ReadOnlySpan<char> word)
    {
        var hash = 14695981039346656037UL;
        foreach (var letter in word)
        {
            hash = Add(hash, Fold(letter));
        }

        return hash;
    }

    /// <summary>Letters and digits alone: <c>HP-330</c>, <c>hp330</c> and <c>HP 330</c> are one.</summary>
    public static ulong HashOfKey(ReadOnlySpan<char> key)
    {
        var hash = 14695981039346656037UL;
        foreach (var letter in key)
        {
            if (char.IsLetterOrDigit(letter))
            {
                hash = Add(hash, Fold(letter));
            }
        }

        return hash;
    }

    /// <summary>The first five letters; of shorter words all without a plural's or genitive's s. Inflections and derivations of a word mostly agree in them.</summary>
    public static ulong Stem(ReadOnlySpan<char> word)
    {
        if (word.Length > 2 && word[^1] is 's' or 'S' && word[^2] is '\'' or '\u2019')
        {
            word = word[..^2];
        }

        if (word.Length > 5)
        {
            word = word[..5];
        }
        else if (word.Length > 3 && word[^1] is 's' or 'S')
        {
            word = word[..^1];
        }

        return Hash(word);
    }

    public static ulong Pair(ulong first, ulong second) => Add(first, (char)(second & 0xFFFF)) ^ (second * 0x9E3779B97F4A7C15UL);

    public static string FoldAll(ReadOnlySpan<char> text) => string.Create(text.Length, text, static (to, from) =>
    {
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = Fold(from[i]);
        }
    });

    private static ulong Add(ulong hash, char letter) => (hash ^ letter) * 1099511628211UL;
}
