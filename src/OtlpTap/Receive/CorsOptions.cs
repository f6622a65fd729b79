using System.Collections.Immutable;

namespace OtlpTap.Receive;

/// <summary><c>cors</c> of an HTTP receiver, as the Collector's: https://fetch.spec.whatwg.org/#http-cors-protocol.</summary>
internal sealed record CorsOptions
{
    /// <summary><c>allowed_origins</c>: each with at most one <c>*</c> as in <c>https://*.example.com</c>; <c>*</c> alone for all. Default none.</summary>
    public ImmutableArray<string> AllowedOrigins { get; init; } = [];

    /// <summary><c>allowed_headers</c>, beside those that need no permission; <c>*</c> for all. Default none.</summary>
    public ImmutableArray<string> AllowedHeaders { get; init; } = [];

    /// <summary><c>exposed_headers</c>: what scripts may read of an answer. Default none.</summary>
    public ImmutableArray<string> ExposedHeaders { get; init; } = [];

    /// <summary><c>max_age</c> in seconds: how long a browser may keep a preflight's answer. Default 0: not said, browsers take 5 s.</summary>
    public int MaxAgeSeconds { get; init; }
}
