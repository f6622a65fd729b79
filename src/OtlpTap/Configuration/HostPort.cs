using System.Globalization;
using System.Net;

namespace OtlpTap.Configuration;

/// <summary>
/// An endpoint as it is written: <c>127.0.0.1:4317</c>, <c>localhost:4317</c>, <c>[::1]:4317</c>, <c>:4317</c> (every address).
/// <see cref="Host"/> is empty for "every address" and has no brackets.
/// </summary>
internal readonly record struct HostPort(string Host, int Port)
{
    /// <summary>Every address of the machine: no host, <c>0.0.0.0</c> or <c>::</c>.</summary>
    public bool IsEveryAddress => Host.Length == 0 || (IPAddress.TryParse(Host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)));

    /// <summary>False with the reason in <paramref name="error"/>, said of "an endpoint".</summary>
    public static bool TryParse(string text, out HostPort endpoint, out string error)
    {
        endpoint = default;
        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? text : text[..colon];
        var isBracketed = host.StartsWith('[') && host.EndsWith(']');
        if (colon < 0 || text.EndsWith(']'))
        {
            error = $"`{text}` has no port: an endpoint is `host:port`";
            return false;
        }

        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > IPEndPoint.MaxPort)
        {
            error = $"`{text[(colon + 1)..]}` is no port: a number from 0 to {IPEndPoint.MaxPort}";
            return false;
        }

        if (isBracketed)
        {
            host = host[1..^1];
            if (!IPAddress.TryParse(host, out var address) || !host.Contains(':', StringComparison.Ordinal) || address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6)
            {
                error = $"`{host}` is no IPv6 address";
                return false;
            }
        }
        else if (host.Contains(':', StringComparison.Ordinal))
        {
            error = $"`{text}` is no endpoint: `host:port`, an IPv6 address in brackets as in `[::1]:4317`";
            return false;
        }
        else if (host.Length > 0 && Uri.CheckHostName(host) is not (UriHostNameType.Dns or UriHostNameType.IPv4))
        {
            error = $"`{host}` is no host name or address";
            return false;
        }

        endpoint = new HostPort(host, port);
        error = "";
        return true;
    }

    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
