namespace OtlpTap.Redact;

/// <summary>
/// Tells random characters from words, names and ids. Random base62 changes between upper case, lower case and digits at
/// 45 of 100 places, not counting a lower-case letter behind an upper-case one; a name in camel case at 15 to 25. Hexadecimal is left alone: hashes, commits and ids of traces are
/// written so.
/// </summary>
internal static class Randomness
{
    // Ids that providers and frameworks give to answers, calls and sessions; what a secret's own prefix says is not among them.
    private static readonly string[] SecretPrefixes = ["key", "secret", "token", "pat", "sk", "rk", "api", "auth", "pass", "pwd", "cred", "bearer", "priv"];

    /// <summary>A run of letters, digits, <c>-</c>, <c>_</c> and <c>+</c> that is a secret by its looks.</summary>
    public static bool IsSecret(ReadOnlySpan<byte> run)
    {
        if (PrefixOf(run) is > 0 and var prefix)
        {
            return IsSecretPrefix(run[..prefix]) && IsRandom(run[(prefix + 1)..]);
        }

        return !run.StartsWith("sha256"u8) && !run.StartsWith("sha384"u8) && !run.StartsWith("sha512"u8) && IsOfOnePiece(run) && IsRandom(run);
    }

    /// <summary><c>chatcmpl-…</c>, <c>call_…</c>, <c>msg_…</c>; <c>key_…</c> is none.</summary>
    public static bool IsId(ReadOnlySpan<byte> run) => PrefixOf(run) is > 0 and var prefix && !IsSecretPrefix(run[..prefix]);

    private static int PrefixOf(ReadOnlySpan<byte> run)
    {
        const int PrefixMax = 14;
        var prefix = 0;
        while (prefix < run.Length && prefix <= PrefixMax && char.IsAsciiLetterLower((char)run[prefix]))
        {
            prefix++;
        }

        return prefix is >= 1 and <= PrefixMax && prefix < run.Length && run[prefix] is (byte)'-' or (byte)'_' ? prefix : 0;
    }

    /// <summary>Not a row of short words joined by dashes.</summary>
    public static bool IsOfOnePiece(ReadOnlySpan<byte> run)
    {
        const int PieceMin = 12;
        var (longest, length) = (0, 0);
        foreach (var value in run)
        {
            length = char.IsAsciiLetterOrDigit((char)value) ? length + 1 : 0;
            longest = Math.Max(longest, length);
        }

        return longest >= PieceMin;
    }

    public static bool IsRandom(ReadOnlySpan<byte> run)
    {
        const double ChangesMin = 0.27;
        const double EntropyMin = 3.5;
        Span<int> counts = stackalloc int[128];
        counts.Clear();
        var (upper, lower, digits, changes, letters) = (0, 0, 0, 0, 0);
        var before = 0;
        foreach (var value in run)
        {
            if (value >= 128)
            {
                return false;
            }

            counts[value]++;
            var c = (char)value;
            var kind = char.IsAsciiLetterUpper(c) ? 1 : char.IsAsciiLetterLower(c) ? 2 : char.IsAsciiDigit(c) ? 3 : 0;
            if (kind == 0)
            {
                continue;
            }

            upper += kind == 1 ? 1 : 0;
            lower += kind == 2 ? 1 : 0;
            digits += kind == 3 ? 1 : 0;
            changes += before != 0 && before != kind && !(before == 1 && kind == 2) ? 1 : 0;
            letters++;
            before = kind;
        }

        // A tenth of each: of hex behind two capitals (an id of Twilio's) there are two capitals.
        if (letters < 20 || Math.Min(upper, lower) < Math.Max(2, letters / 10) || digits < 1)
        {
            return false;
        }

        var entropy = 0.0;
        foreach (var count in counts)
        {
            if (count > 0)
            {
                var share = (double)count / run.Length;
                entropy -= share * Math.Log2(share);
            }
        }

        return entropy >= EntropyMin && changes >= ChangesMin * (letters - 1);
    }

    private static bool IsSecretPrefix(ReadOnlySpan<byte> prefix)
    {
        foreach (var secret in SecretPrefixes)
        {
            if (prefix.Length == secret.Length)
            {
                var same = true;
                for (var i = 0; i < secret.Length; i++)
                {
                    same &= prefix[i] == secret[i];
                }

                if (same)
                {
                    return true;
                }
            }
        }

        return false;
    }
}
