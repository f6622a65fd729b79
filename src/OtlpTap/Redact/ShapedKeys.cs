namespace OtlpTap.Redact;

/// <summary>Keys that no prefix tells, but the lengths of their parts. Sources: the providers' documentation.</summary>
internal static class ShapedKeys
{
    /// <summary>The length of the key that begins <paramref name="text"/>; 0 where none does.</summary>
    public static int LengthIn(ReadOnlySpan<byte> text) =>
        text.IsEmpty ? 0 : char.IsAsciiDigit((char)text[0]) ? TelegramIn(text) : text.StartsWith("pat"u8) ? AirtableIn(text) : 0;

    // 110201543:AA and 33 characters of base64url
    private static int TelegramIn(ReadOnlySpan<byte> text)
    {
        const int TokenLength = 35;
        var digits = text[..Math.Min(text.Length, 11)].IndexOf((byte)':');
        if (digits is not (>= 8 and <= 10) || text[..digits].ContainsAnyExceptInRange((byte)'0', (byte)'9') || !text[(digits + 1)..].StartsWith("AA"u8))
        {
            return 0;
        }

        var length = digits + 1;
        while (length < text.Length && length <= digits + 1 + TokenLength && IsUrl(text[length]))
        {
            length++;
        }

        return length == digits + 1 + TokenLength ? length : 0;
    }

    // pat and 14 characters, a full stop, 64 of hex
    private static int AirtableIn(ReadOnlySpan<byte> text)
    {
        const int Dot = 17;
        const int Length = Dot + 1 + 64;
        if (text.Length < Length || text[Dot] != '.' || (text.Length > Length && char.IsAsciiLetterOrDigit((char)text[Length])))
        {
            return 0;
        }

        for (var i = 3; i < Length; i++)
        {
            var c = (char)text[i];
            if (i != Dot && !(i < Dot ? char.IsAsciiLetterOrDigit(c) : char.IsAsciiHexDigit(c)))
            {
                return 0;
            }
        }

        return Length;
    }

    private static bool IsUrl(byte value) => char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'_';
}
