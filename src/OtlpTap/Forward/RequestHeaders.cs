using System.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>
/// What goes upstream beside the transport's own fields: the credential, what the configuration pins, what the sender's
/// request brought. The first of a name wins, in this order.
/// </summary>
internal static class RequestHeaders
{
    // What no value may hold (RFC 9110 section 5.5); nghttp2, and with it Envoy, resets a stream for any of them.
    private static readonly SearchValues<char> ForbiddenCharacters =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Append(0x7F).Where(c => c != '\t').Select(c => (char)c)]);

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz");

    /// <summary>What can be sent of them: what is no legal field would make the whole request malformed.</summary>
    public static List<(string Name, string Value)> Of(UpstreamOptions options, CredentialHeader? credential, RequestMetadata metadata)
    {
        var headers = new List<(string Name, string Value)>();
        if (credential is not null)
        {
            Add(headers, credential.Name, credential.Value);
        }

        foreach (var (name, value) in options.Headers)
        {
            if (name != credential?.Name)
            {
                Add(headers, name, value);
            }
        }

        foreach (var (name, value) in metadata.Entries)
        {
            if (name != credential?.Name && !IsConfigured(options, name))
            {
                Add(headers, name, value);
            }
        }

        return headers;
    }

    private static void Add(List<(string Name, string Value)> headers, string name, string value)
    {
        // Blanks around a value are no part of it, and not allowed on the wire (RFC 9113 section 8.2.1).
        value = value.Trim(' ', '\t');
        if (name.Length > 0 && !name.AsSpan().ContainsAnyExcept(NameCharacters) && !value.AsSpan().ContainsAny(ForbiddenCharacters))
        {
            headers.Add((name, value));
        }
    }

    private static bool IsConfigured(UpstreamOptions options, string name)
    {
        foreach (var header in options.Headers)
        {
            if (header.Name == name)
            {
                return true;
            }
        }

        return false;
    }
}
