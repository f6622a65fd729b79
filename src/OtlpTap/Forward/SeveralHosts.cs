using System.Net;
using System.Net.Sockets;

namespace OtlpTap.Forward;

/// <summary>
/// Whether the addresses of a name are those of several hosts, over which calls are spread, or of one with an address in
/// each family, of which one will do: to spread over both would only double the connections, and where IPv6 leads
/// nowhere knock there in vain for ever.
/// </summary>
internal static class SeveralHosts
{
    public static bool AreBehind(string host, IReadOnlyCollection<IPAddress> addresses) =>
        !host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        && (addresses.Count(address => address.AddressFamily == AddressFamily.InterNetwork) > 1
            || addresses.Count(address => address.AddressFamily == AddressFamily.InterNetworkV6) > 1);

    /// <summary>Whether there is a name at all that may come to stand for several.</summary>
    public static bool MayBeBehind(string host) =>
        !host.Equals("localhost", StringComparison.OrdinalIgnoreCase) && !IPAddress.TryParse(host, out _);
}
