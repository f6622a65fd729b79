using System.Text.RegularExpressions;

namespace OtlpTap.Configuration;

/// <summary>Takes credentials out of texts that are shown.</summary>
internal static partial class SecretText
{
    /// <summary>The Collector's word.</summary>
    public const string Redacted = "[REDACTED]";

    /// <summary>A text that is no credential as a whole, without those that a URL in it may carry: the user, and parameters named like one.</summary>
    public static string WithoutCredentials(string text) => Parameter().Replace(User().Replace(text, $"$1{Redacted}@"), $"$1{Redacted}");

    [GeneratedRegex("([a-zA-Z][a-zA-Z0-9+.-]*://)[^/?#\\s]*@")]
    private static partial Regex User();

    [GeneratedRegex("([?&][^=&#]*(?:key|token|secret|password|passwd|auth|sig|credential)[^=&#]*=)[^&#]+", RegexOptions.IgnoreCase)]
    private static partial Regex Parameter();
}
