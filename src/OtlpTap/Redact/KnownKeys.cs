namespace OtlpTap.Redact;

/// <summary>Which characters the rest of a key has.</summary>
internal enum KeyAlphabet : byte
{
    /// <summary>Letters and digits.</summary>
    Word,

    /// <summary>Letters, digits, <c>-</c> and <c>_</c>.</summary>
    Url,

    /// <summary>As <see cref="Url"/>, and <c>.</c>, <c>=</c>, <c>/</c>, <c>+</c>, <c>~</c>.</summary>
    Any,

    /// <summary>Upper-case letters and digits.</summary>
    Upper,
    Hex,
}

/// <summary>Keys that tell by their first characters whose they are.</summary>
/// <param name="LengthMin">Of what follows the prefix: shorter is a word that only begins alike.</param>
/// <param name="IsSure">Nothing else begins so: what follows need not look random, but must be no words either.</param>
internal readonly record struct KnownKey(string Prefix, int LengthMin, KeyAlphabet Alphabet, bool IsSure = true)
{
    /// <summary>
    /// Sources: the providers' documentation, and the rules of gitleaks and trufflehog where they agree. Publishable keys
    /// (Stripe's <c>pk_live_</c>) are no secrets and not here. Longer prefixes stand first.
    /// </summary>
    private static readonly KnownKey[] All =
    [
        new("sk-ant-", 24, KeyAlphabet.Url), new("sk-proj-", 24, KeyAlphabet.Url), new("sk-svcacct-", 24, KeyAlphabet.Url), new("sk-admin-", 24, KeyAlphabet.Url),
        new("sk-or-v1-", 32, KeyAlphabet.Hex), new("sk-lf-", 24, KeyAlphabet.Url), new("sk-helicone-", 28, KeyAlphabet.Url), new("sk-", 20, KeyAlphabet.Url, IsSure: false), new("sess-", 40, KeyAlphabet.Word, IsSure: false),
        new("AIza", 35, KeyAlphabet.Url), new("ya29.", 20, KeyAlphabet.Any), new("GOCSPX-", 28, KeyAlphabet.Url), new("AQ.A", 30, KeyAlphabet.Any, IsSure: false),
        new("AKIA", 16, KeyAlphabet.Upper), new("ASIA", 16, KeyAlphabet.Upper), new("ABIA", 16, KeyAlphabet.Upper), new("ACCA", 16, KeyAlphabet.Upper), new("ABSK", 60, KeyAlphabet.Any),
        new("github_pat_", 22, KeyAlphabet.Url), new("ghp_", 36, KeyAlphabet.Word), new("gho_", 36, KeyAlphabet.Word), new("ghu_", 36, KeyAlphabet.Word), new("ghs_", 36, KeyAlphabet.Word), new("ghr_", 36, KeyAlphabet.Word),
        new("glpat-", 20, KeyAlphabet.Any), new("gldt-", 20, KeyAlphabet.Url), new("glrt-", 20, KeyAlphabet.Url),
        new("xoxb-", 20, KeyAlphabet.Url), new("xoxp-", 20, KeyAlphabet.Url), new("xoxa-", 20, KeyAlphabet.Url), new("xoxs-", 20, KeyAlphabet.Url), new("xoxr-", 20, KeyAlphabet.Url), new("xoxe.", 20, KeyAlphabet.Any), new("xoxe-", 20, KeyAlphabet.Url), new("xapp-", 20, KeyAlphabet.Url),
        new("hooks.slack.com/services/", 20, KeyAlphabet.Any),
        new("sk_live_", 16, KeyAlphabet.Word), new("sk_test_", 16, KeyAlphabet.Word), new("rk_live_", 16, KeyAlphabet.Word), new("rk_test_", 16, KeyAlphabet.Word), new("whsec_", 24, KeyAlphabet.Any, IsSure: false), new("sk_", 40, KeyAlphabet.Hex, IsSure: false),
        new("hf_", 30, KeyAlphabet.Word), new("api_org_", 30, KeyAlphabet.Word),
        new("gsk_", 40, KeyAlphabet.Word), new("r8_", 30, KeyAlphabet.Word), new("pplx-", 32, KeyAlphabet.Word), new("xai-", 40, KeyAlphabet.Word), new("nvapi-", 40, KeyAlphabet.Url), new("tgp_v1_", 24, KeyAlphabet.Url),
        new("csk-", 32, KeyAlphabet.Word, IsSure: false), new("fw_", 20, KeyAlphabet.Word, IsSure: false), new("jina_", 40, KeyAlphabet.Url), new("tvly-", 24, KeyAlphabet.Url), new("fc-", 32, KeyAlphabet.Hex, IsSure: false), new("e2b_", 32, KeyAlphabet.Hex), new("voyage-pa-", 32, KeyAlphabet.Url), new("pa-", 40, KeyAlphabet.Url, IsSure: false),
        new("lsv2_pt_", 32, KeyAlphabet.Url), new("lsv2_sk_", 32, KeyAlphabet.Url), new("ls__", 32, KeyAlphabet.Hex), new("pcsk_", 40, KeyAlphabet.Url), new("dapi", 32, KeyAlphabet.Hex),
        new("npm_", 36, KeyAlphabet.Word), new("pypi-", 50, KeyAlphabet.Url), new("rubygems_", 40, KeyAlphabet.Hex), new("oy2", 43, KeyAlphabet.Word, IsSure: false), new("dckr_pat_", 20, KeyAlphabet.Url),
        new("SG.", 40, KeyAlphabet.Any, IsSure: false), new("SK", 32, KeyAlphabet.Hex, IsSure: false), new("key-", 32, KeyAlphabet.Hex, IsSure: false), new("xkeysib-", 60, KeyAlphabet.Url), new("shpat_", 32, KeyAlphabet.Hex), new("shpss_", 32, KeyAlphabet.Hex), new("shpca_", 32, KeyAlphabet.Hex),
        new("dop_v1_", 60, KeyAlphabet.Hex), new("ntn_", 40, KeyAlphabet.Word), new("secret_", 40, KeyAlphabet.Word, IsSure: false), new("lin_api_", 36, KeyAlphabet.Word), new("figd_", 36, KeyAlphabet.Url), new("sbp_", 40, KeyAlphabet.Hex), new("pat-na1-", 30, KeyAlphabet.Url),
        new("glsa_", 32, KeyAlphabet.Url), new("glc_", 32, KeyAlphabet.Any, IsSure: false), new("hvs.", 24, KeyAlphabet.Any), new("hvb.", 24, KeyAlphabet.Any), new("dp.pt.", 36, KeyAlphabet.Any), new("dp.st.", 36, KeyAlphabet.Any), new("PMAK-", 40, KeyAlphabet.Url),
        new("NRAK-", 24, KeyAlphabet.Word), new("sntrys_", 40, KeyAlphabet.Any), new("sntryu_", 40, KeyAlphabet.Hex), new("phx_", 32, KeyAlphabet.Url, IsSure: false), new("tfp_", 40, KeyAlphabet.Url, IsSure: false), new("AGE-SECRET-KEY-1", 50, KeyAlphabet.Upper),
    ];

    // Longer than any of these keys; what goes on is taken as well, but not looked at again and again where none is found.
    private const int LookedAtMax = 512;

    private const int FirstLookMax = 64;

    private static readonly KnownKey[][] ByFirst = Group();

    /// <summary>The length of the key that begins <paramref name="text"/>; 0 where none does.</summary>
    public static int LengthIn(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty || text[0] >= ByFirst.Length)
        {
            return 0;
        }

        foreach (var known in ByFirst[text[0]])
        {
            if (Starts(text, known.Prefix) && known.LooksMade(text[known.Prefix.Length..Math.Min(text.Length, known.Prefix.Length + FirstLookMax)]))
            {
                var length = known.Prefix.Length;
                while (length < Math.Min(text.Length, LookedAtMax) && known.Has(text[length]))
                {
                    length++;
                }

                // A full stop or an equals sign at the end is the sentence's.
                var end = length;
                while (end > known.Prefix.Length && text[end - 1] is (byte)'.' or (byte)'/')
                {
                    end--;
                }

                var body = text[known.Prefix.Length..end];
                var isWhole = length == text.Length || !char.IsAsciiLetterOrDigit((char)text[length]);
                if (body.Length >= known.LengthMin && (isWhole || length == LookedAtMax) && known.LooksMade(body))
                {
                    while (length == LookedAtMax && end < text.Length && known.Has(text[end]))
                    {
                        end++;
                    }

                    return end;
                }
            }
        }

        return 0;
    }

    // "sk-learn-preprocessing-pipeline" begins like a key, and has no digit; so do ids of parts of a page. Amazon's ids of
    // keys have none once in thirty, and Hugging Face's keys never.
    private bool LooksMade(ReadOnlySpan<byte> body)
    {
        var hasDigit = body.ContainsAnyInRange((byte)'0', (byte)'9');
        if (IsSure)
        {
            return hasDigit || Alphabet == KeyAlphabet.Upper
                || (body.ContainsAnyInRange((byte)'A', (byte)'Z') && body.ContainsAnyInRange((byte)'a', (byte)'z'));
        }

        return hasDigit && (Alphabet is KeyAlphabet.Hex or KeyAlphabet.Upper || Randomness.IsOfOnePiece(body) || Randomness.IsRandom(body));
    }

    private static bool Starts(ReadOnlySpan<byte> text, string prefix)
    {
        if (text.Length < prefix.Length)
        {
            return false;
        }

        for (var i = 0; i < prefix.Length; i++)
        {
            if (text[i] != prefix[i])
            {
                return false;
            }
        }

        return true;
    }

    private bool Has(byte value) => Alphabet switch
    {
        KeyAlphabet.Word => char.IsAsciiLetterOrDigit((char)value),
        KeyAlphabet.Url => char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'_',
        KeyAlphabet.Upper => char.IsAsciiLetterUpper((char)value) || char.IsAsciiDigit((char)value),
        KeyAlphabet.Hex => char.IsAsciiHexDigit((char)value),
        _ => char.IsAsciiLetterOrDigit((char)value) || value is (byte)'-' or (byte)'_' or (byte)'.' or (byte)'=' or (byte)'/' or (byte)'+' or (byte)'~',
    };

    private static KnownKey[][] Group()
    {
        var groups = new KnownKey[128][];
        for (var first = 0; first < groups.Length; first++)
        {
            groups[first] = [.. All.Where(known => known.Prefix[0] == first)];
        }

        return groups;
    }
}
