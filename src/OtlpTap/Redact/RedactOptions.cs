using System.Collections.Immutable;

namespace OtlpTap.Redact;

/// <summary>What stands in the place of something personal or secret.</summary>
internal enum RedactMode
{
    /// <summary><c>[email]</c>: nothing of the value is left.</summary>
    Mask,

    /// <summary><c>[email:5f2a90c1d3e4]</c>: equal values stay equal, by a keyed hash (HMAC-SHA256).</summary>
    Hash,

    /// <summary>Nothing; a named attribute goes with its name.</summary>
    Drop,
}

/// <summary>What is taken out of texts before they are written.</summary>
internal sealed record RedactOptions
{
    /// <summary>False writes everything as it came. Default true.</summary>
    public bool IsEnabled { get; init; } = true;

    public RedactMode Mode { get; init; }

    /// <summary>
    /// Attributes, and properties of JSON in their values, that are redacted whole, whatever they hold; <c>*</c> stands
    /// for any characters. Default none beside the names that are known to carry secrets or to name people.
    /// </summary>
    public ImmutableArray<string> Attributes { get; init; } = [];

    /// <summary>Regular expressions (Go's syntax) whose matches are redacted. Default none.</summary>
    public ImmutableArray<string> Patterns { get; init; } = [];

    /// <summary>A file whose bytes are the key of <see cref="RedactMode.Hash"/>. Empty: a random key is made and kept beside the cases, outside of Git.</summary>
    public string KeyFile { get; init; } = "";
}
