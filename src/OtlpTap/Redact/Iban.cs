using static OtlpTap.Redact.AsciiBytes;

namespace OtlpTap.Redact;

/// <summary>International bank account numbers: a country, its length, and a checksum (mod 97). Source: ISO 13616, the registry of SWIFT.</summary>
internal static class Iban
{
    private const string Lengths =
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

    /// <summary>0 where the country has none.</summary>
    public static int LengthOf(byte first, byte second)
    {
        for (var i = 0; i < Lengths.Length; i += 5)
        {
            if (Lengths[i] == first && Lengths[i + 1] == second)
            {
                return ((Lengths[i + 2] - '0') * 10) + Lengths[i + 3] - '0';
            }
        }

        return 0;
    }

    /// <param name="compact">Upper-case letters and digits alone.</param>
    public static bool IsValid(ReadOnlySpan<byte> compact)
    {
        // The country and the check digits go to the end; letters count as two digits, A being 10.
        var rest = 0;
        for (var i = 0; i < compact.Length; i++)
        {
            var c = compact[(i + 4) % compact.Length];
            rest = char.IsAsciiDigit((char)c) ? ((rest * 10) + c - '0') % 97 : ((rest * 100) + c - 'A' + 10) % 97;
        }

        return rest == 1;
    }

    /// <summary>Where the number that begins here ends; 0: none does.</summary>
    public static int EndAt(ReadOnlySpan<byte> text, int i)
    {
        const int LengthMin = 15;
        const int LengthMax = 34;
        if (i + LengthMin > text.Length || !IsUpper(text[i]) || !IsUpper(text[i + 1]) || !IsDigit(text[i + 2]) || !IsDigit(text[i + 3]))
        {
            return 0;
        }

        var expected = LengthOf(text[i], text[i + 1]);
        if (expected == 0)
        {
            return 0;
        }

        Span<byte> compact = stackalloc byte[LengthMax];
        var length = 0;
        var end = i;
        while (end < text.Length && length < expected)
        {
            var c = text[end];
            if (IsUpper(c) || IsDigit(c))
            {
                compact[length++] = c;
            }
            else if (c is not ((byte)' ' or (byte)'-') || text[end - 1] is (byte)' ' or (byte)'-')
            {
                return 0;
            }

            end++;
        }

        return length == expected && (end == text.Length || !IsWord(text[end])) && IsValid(compact[..length])
            ? end
            : 0;
    }
}
