using System.Text;

namespace OtlpTap.Redact;

/// <summary>Names of attributes and properties that say what their values are.</summary>
internal static class SensitiveKeys
{
    // Longer names than any that is known are not looked at.
    private const int LengthMax = 128;

    private static readonly string[] Secrets =
    [
        "password", "passwd", "passphrase", "pwd", "secret", "apikey", "accesstoken", "refreshtoken", "idtoken", "authtoken", "bearertoken", "sessiontoken",
        "privatekey", "clientsecret", "secretkey", "accesskey", "secretaccesskey", "accountkey", "sharedaccesskey", "authorization", "cookie", "credential", "credentials",
        "connectionstring", "cvv", "cvc", "subscriptionkey", "signingkey", "encryptionkey", "webhooksecret",
    ];

    // As a whole: "max_token" or "next_token" say something else.
    private static readonly string[] WholeSecrets = ["token", "xauthtoken", "xamzsecuritytoken", "auth", "pin", "otp"];

    private static readonly string[] Users =
    [
        "user.id", "user.name", "user.full_name", "user.email", "user.hash", "enduser.id", "enduser.name", "langfuse.user.id", "langfuse.trace.user_id", "user_id", "userid",
        "user_name", "username", "gen_ai.user.id", "ai.telemetry.metadata.userid", "ai.telemetry.metadata.user_id", "traceloop.association.properties.user_id", "tag.user_id", "llm.user", "gen_ai.request.user", "gen_ai.openai.request.user",
    ];

    /// <summary>What a value under this name is; null where the name says nothing.</summary>
    public static Sensitive? KindOf(ReadOnlySpan<byte> key)
    {
        if (key.IsEmpty || key.Length > LengthMax)
        {
            return null;
        }

        Span<char> lower = stackalloc char[LengthMax];
        Span<char> bare = stackalloc char[LengthMax];
        var bareLength = 0;
        var lastSegment = 0;
        for (var i = 0; i < key.Length; i++)
        {
            var c = char.ToLowerInvariant((char)key[i]);
            lower[i] = c;
            if (c == '.')
            {
                lastSegment = bareLength;
            }
            else if (c is not ('-' or '_' or ' '))
            {
                bare[bareLength++] = c;
            }
        }

        var name = bare[..bareLength];
        var last = name[lastSegment..];
        foreach (var secret in Secrets)
        {
            if (last.EndsWith(secret, StringComparison.Ordinal))
            {
                return Sensitive.Secret;
            }
        }

        foreach (var secret in WholeSecrets)
        {
            if (last.SequenceEqual(secret))
            {
                return Sensitive.Secret;
            }
        }

        foreach (var user in Users)
        {
            if (lower[..key.Length].SequenceEqual(user))
            {
                return Sensitive.User;
            }
        }

        return null;
    }

    /// <summary>Whether a value under this name may be the number of a telephone.</summary>
    public static bool IsPhone(ReadOnlySpan<byte> key)
    {
        if (key.IsEmpty || key.Length > LengthMax)
        {
            return false;
        }

        var lower = Encoding.UTF8.GetString(key).ToLowerInvariant();
        return lower.Contains("phone", StringComparison.Ordinal)
            || lower.Contains("mobile", StringComparison.Ordinal)
            || lower.EndsWith("tel", StringComparison.Ordinal)
            || lower.EndsWith("fax", StringComparison.Ordinal)
            || lower.Contains("telefon", StringComparison.Ordinal)
            || lower.Contains("whatsapp", StringComparison.Ordinal);
    }
}
