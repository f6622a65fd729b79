using static OtlpTap.Redact.AsciiBytes;

namespace OtlpTap.Redact;

/// <summary>Addresses of electronic mail.</summary>
internal static class EmailAddress
{
    /// <summary>local@domain.tld around the sign at <paramref name="at"/>.</summary>
    /// <param name="notBefore">Where it begins at the earliest.</param>
    public static bool TryFind(ReadOnlySpan<byte> text, int at, int notBefore, out int start, out int end)
    {
        const int LocalMax = 64;
        const int DomainMax = 253;
        start = at;
        while (start > notBefore && at - start < LocalMax && (IsWord(text[start - 1]) || text[start - 1] is (byte)'.' or (byte)'_' or (byte)'-' or (byte)'+' or (byte)'%' or (byte)'\'' or >= 0x80))
        {
            start--;
        }

        while (start < at && text[start] is (byte)'.' or (byte)'-' or (byte)'\'' or (byte)'+')
        {
            start++;
        }

        end = at + 1;
        var lastDot = -1;
        while (end < text.Length && end - at <= DomainMax && (IsWord(text[end]) || text[end] is (byte)'.' or (byte)'-' or >= 0x80))
        {
            lastDot = text[end] == '.' && end > at + 1 && end + 2 < text.Length && IsLetter(text[end + 1]) && IsLetter(text[end + 2]) ? end : lastDot;
            end++;
        }

        // The text may go on behind a full stop: the last label with a letter behind its dot is the top.
        if (start == at || lastDot < 0)
        {
            return false;
        }

        end = lastDot + 1;
        while (end < text.Length && (IsLetter(text[end]) || text[end] >= 0x80))
        {
            end++;
        }

        return !IsPictureEnding(text[(lastDot + 1)..end]);
    }

    // icon@2x.png
    private static bool IsPictureEnding(ReadOnlySpan<byte> top) =>
        top.SequenceEqual("png"u8) || top.SequenceEqual("jpg"u8) || top.SequenceEqual("jpeg"u8) || top.SequenceEqual("gif"u8) || top.SequenceEqual("svg"u8) || top.SequenceEqual("webp"u8);
}
