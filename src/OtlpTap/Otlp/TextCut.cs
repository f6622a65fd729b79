namespace OtlpTap.Otlp;

/// <summary>Shortens texts for people, labels and lists.</summary>
internal static class TextCut
{
    /// <summary>Its first characters, without half of a surrogate pair at their end: that would be no text.</summary>
    /// <param name="mark">Stands behind what was cut.</param>
    public static string Cut(this string text, int charactersMax, string mark = "")
    {
        if (text.Length <= charactersMax)
        {
            return text;
        }

        var length = charactersMax > 0 && char.IsHighSurrogate(text[charactersMax - 1]) ? charactersMax - 1 : charactersMax;
        return string.Concat(text.AsSpan(0, length), mark);
    }
}
