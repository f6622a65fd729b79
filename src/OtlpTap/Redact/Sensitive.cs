namespace OtlpTap.Redact;

/// <summary>What was found. The names, in lower case with underscores, stand in placeholders and in metrics.</summary>
internal enum Sensitive : byte
{
    Email,
    Phone,
    Card,
    Iban,

    /// <summary>A key in the form of a known provider.</summary>
    ApiKey,

    /// <summary>What follows <c>Bearer</c> or <c>Basic</c>.</summary>
    Token,
    Jwt,
    PrivateKey,

    /// <summary>A password, or what stands where one belongs, or a text too random to be anything else.</summary>
    Secret,

    /// <summary>The id or the name of a user, by the name of its attribute.</summary>
    User,

    /// <summary>The operator's pattern.</summary>
    Pattern,

    /// <summary>The operator's attribute.</summary>
    Attribute,
}

internal static class SensitiveNames
{
    public static readonly string[] All = ["email", "phone", "card", "iban", "api_key", "token", "jwt", "private_key", "secret", "user", "pattern", "attribute"];

    public static string Name(this Sensitive kind) => All[(int)kind];
}

/// <summary>A piece of a text that must not be written.</summary>
internal readonly record struct Finding(int Start, int Length, Sensitive Kind)
{
    public int End => Start + Length;
}
