using System.Net;

namespace OtlpTap.Forward.Hosts;

/// <summary>Whom an <see cref="HttpHost"/> calls, and how.</summary>
/// <param name="Url">Its host is the one that is called.</param>
/// <param name="Connection">Headers and TLS, as an exporter's.</param>
/// <param name="Timeout">Of one call, to the end of its answer.</param>
/// <param name="ConnectTimeoutMax">How long connecting may take; half of <paramref name="Timeout"/> where that is less.</param>
internal sealed record HttpHostOptions(Uri Url, ForwardOptions Connection, TimeSpan Timeout, TimeSpan ConnectTimeoutMax)
{
    /// <summary>Default none.</summary>
    public ClientBearerTokenOptions? Token { get; init; }

    /// <summary>Default none: compressed answers are not asked for.</summary>
    public DecompressionMethods Decompression { get; init; }

    /// <summary>How much of an answer that nobody reads may come before its connection is given up. Default 0.</summary>
    public int DrainBytesMax { get; init; }
}
