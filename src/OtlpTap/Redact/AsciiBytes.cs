namespace OtlpTap.Redact;

/// <summary>Kinds of characters, and what is told by a few of them.</summary>
internal static class AsciiBytes
{
    public static bool IsWord(byte value) => char.IsAsciiLetterOrDigit((char)value);

    public static bool IsUrl(byte value) => char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'_';

    public static bool IsLetter(byte value) => char.IsAsciiLetter((char)value);

    public static bool IsUpper(byte value) => char.IsAsciiLetterUpper((char)value);

    public static bool IsDigit(byte value) => char.IsAsciiDigit((char)value);

    public static bool IsOfRun(byte value) => IsUrl(value) || value is (byte)'+' or (byte)'/';

    public static bool IsHex(ReadOnlySpan<byte> text)
    {
        foreach (var value in text)
        {
            if (!char.IsAsciiHexDigit((char)value))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A digit behind one of these belongs to something longer: a fraction, a path, an id.</summary>
    public static bool IsJoined(byte before) => before is (byte)'.' or (byte)'_' or (byte)'/' or (byte)'#' or (byte)'$' or (byte)'-';

    /// <summary>8-4-4-4-12.</summary>
    public static bool IsUuid(ReadOnlySpan<byte> text, int i)
    {
        if (i + 36 > text.Length || text[i + 8] != '-' || text[i + 13] != '-' || text[i + 18] != '-' || text[i + 23] != '-')
        {
            return false;
        }

        for (var at = i; at < i + 36; at++)
        {
            if (text[at] != '-' && !char.IsAsciiHexDigit((char)text[at]))
            {
                return false;
            }
        }

        return i + 36 == text.Length || !IsWord(text[i + 36]);
    }

    /// <summary>4111.5 goes on, 4111. does not.</summary>
    public static bool IsFraction(ReadOnlySpan<byte> text, int end) => end + 1 < text.Length && text[end] == '.' && IsDigit(text[end + 1]);
}
