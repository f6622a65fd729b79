using static OtlpTap.Redact.AsciiBytes;

namespace OtlpTap.Redact;

/// <summary>Keys and certificates between their lines of dashes.</summary>
internal static class PemBlock
{
    /// <summary><c>-----BEGIN [...] PRIVATE KEY-----</c> up to its end, or to the text's; and what is passed over because it is none.</summary>
    /// <returns>Where to go on: the key's end, where <paramref name="isPrivateKey"/>.</returns>
    public static int Read(ReadOnlySpan<byte> text, int i, out bool isPrivateKey)
    {
        const int LabelMax = 64;
        isPrivateKey = false;
        if (!text[i..].StartsWith("-----BEGIN "u8))
        {
            return i + 1;
        }

        var label = text.Slice(i + 11, Math.Min(LabelMax, text.Length - i - 11));
        var key = label.IndexOf("PRIVATE KEY"u8);
        var labelEnd = label.IndexOf("-----"u8);
        if (key < 0 || (labelEnd >= 0 && labelEnd < key))
        {
            return labelEnd < 0 ? i + 11 : BehindCertificate(text, i + 11 + labelEnd + 5);
        }

        isPrivateKey = true;
        var rest = i + 11 + key + 11;
        var end = text[rest..].IndexOf("-----END "u8);
        if (end < 0)
        {
            return text.Length;
        }

        end += rest + 9;
        var dashes = text[end..Math.Min(text.Length, end + LabelMax)].IndexOf("-----"u8);
        return dashes < 0 ? end : end + dashes + 5;
    }

    // The lines of a certificate are as random as secrets. What does not end as one is read on from here.
    private static int BehindCertificate(ReadOnlySpan<byte> text, int body)
    {
        var end = body;
        while (end < text.Length && (IsOfRun(text[end]) || text[end] is (byte)'=' or (byte)'\\' or <= (byte)' ') && text[end] != '-')
        {
            end++;
        }

        return text[end..].StartsWith("-----END "u8) ? end + 9 : body;
    }
}
