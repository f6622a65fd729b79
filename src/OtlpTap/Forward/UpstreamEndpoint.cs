using System.Diagnostics.CodeAnalysis;

namespace OtlpTap.Forward;

/// <summary>Where an exporter sends to. <see cref="ToString"/> is what messages and logs call it: <c>host:port</c>.</summary>
internal sealed record UpstreamEndpoint(string Host, int Port, bool UseTls)
{
    public const int DefaultPort = 4317;

    /// <summary>Host and port as <c>:authority</c> and messages write them; an IPv6 host in brackets.</summary>
    public string Authority { get; } = Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    public override string ToString() => Authority;

    /// <summary>
    /// Reads what the Collector's <c>otlp_grpc</c> accepts: <c>host:port</c>, <c>dns:///host:port</c>,
    /// <c>http://host:port</c> (never TLS) and <c>https://host:port</c> (always TLS). Without a scheme,
    /// <paramref name="insecure"/> decides. A missing port is <see cref="DefaultPort"/>.
    /// </summary>
    public static bool TryParse(
        string text,
        bool insecure,
        [NotNullWhen(true)] out UpstreamEndpoint? endpoint,
        [NotNullWhen(false)] out string? problem)
    {
        endpoint = null;
        var useTls = !insecure;
        var rest = text.AsSpan().Trim();
        if (Strip(ref rest, "http://"))
        {
            useTls = false;
        }
        else if (Strip(ref rest, "https://"))
        {
            useTls = true;
        }
        else if (!Strip(ref rest, "dns:///") && rest.Contains("://", StringComparison.Ordinal))
        {
            problem = $"'{text}': the scheme is not supported; use host:port, dns:///host:port, http://host:port or https://host:port";
            return false;
        }

        rest = rest.TrimEnd('/');
        if (rest.IsEmpty || !Uri.TryCreate($"http://{rest}", UriKind.Absolute, out var uri) || uri.Host.Length == 0)
        {
            problem = $"'{text}': expected host:port";
            return false;
        }

        if (uri.PathAndQuery != "/" || uri.UserInfo.Length != 0 || uri.Fragment.Length != 0)
        {
            problem = $"'{text}': a gRPC endpoint is host:port, without path, query or user";
            return false;
        }

        // Uri takes a missing port for 80; the text tells whether it was written (the last ':' behind an IPv6 bracket, if any).
        var hasPort = rest.LastIndexOf(':') > rest.LastIndexOf(']');
        endpoint = new UpstreamEndpoint(uri.IdnHost, hasPort ? uri.Port : DefaultPort, useTls);
        problem = null;
        return true;
    }

    private static bool Strip(ref ReadOnlySpan<char> text, string prefix)
    {
        if (!text.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        text = text[prefix.Length..];
        return true;
    }
}
