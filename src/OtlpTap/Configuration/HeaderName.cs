using System.Buffers;

namespace OtlpTap.Configuration;

/// <summary>Which names a header that the tap sends or passes on may have.</summary>
internal static class HeaderName
{
    // RFC 9110, 5.6.2: a token. Upper case is not allowed in HTTP/2 (RFC 9113, 8.2.1).
    private static readonly SearchValues<char> Token = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~");

    // RFC 9110, 5.5: visible characters, blanks and tabs between them; no line end, which would start another header.
    private static readonly SearchValues<char> Value = SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(code => (char)code), '\t']);

    /// <summary>What is wrong with a name in lower case; null when nothing is.</summary>
    public static string? Problem(string name)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(Token))
        {
            return $"`{name}` is no name of a header";
        }

        var isReserved = name is "te" or "host" or "connection" or "content-type" or "content-length" or "content-encoding" or "transfer-encoding" or "user-agent"
            || name.StartsWith("grpc-", StringComparison.Ordinal);
        return isReserved ? $"`{name}` belongs to the protocol: it cannot be set or passed on" : null;
    }

    public static bool IsValue(string value) => !value.AsSpan().ContainsAnyExcept(Value) && value.Trim() == value;
}
