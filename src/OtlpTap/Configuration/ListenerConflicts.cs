using System.Net;

namespace OtlpTap.Configuration;

/// <summary>A listener with where it was written.</summary>
/// <param name="Name">What a message calls it: its section.</param>
/// <param name="Key">The key of the section that says where it listens.</param>
internal readonly record struct Listener(string Name, Section Section, string Key, ListenAddress Address)
{
    public bool IsWritten => Section.Value(Key) is not null;
}

/// <summary>Two listeners that cannot both open.</summary>
internal static class ListenerConflicts
{
    public static void Report(IReadOnlyList<Listener> listeners)
    {
        for (var later = 1; later < listeners.Count; later++)
        {
            for (var earlier = 0; earlier < later; earlier++)
            {
                if (Overlap(listeners[earlier].Address, listeners[later].Address))
                {
                    Report(listeners[earlier], listeners[later]);
                }
            }
        }
    }

    /// <summary>Whether one socket serves both.</summary>
    public static bool IsSame(ListenAddress one, ListenAddress other) => Overlap(one, other) && one.Tcp.IsEveryAddress == other.Tcp.IsEveryAddress;

    private static bool Overlap(ListenAddress one, ListenAddress other)
    {
        if (one.UnixPath is not null || other.UnixPath is not null)
        {
            return one.UnixPath is not null && one.UnixPath == other.UnixPath;
        }

        return one.Tcp.Port != 0 && one.Tcp.Port == other.Tcp.Port
            && (one.Tcp.IsEveryAddress || other.Tcp.IsEveryAddress || IsSameHost(one.Tcp.Host, other.Tcp.Host));
    }

    // "localhost" is both loopback addresses.
    private static bool IsSameHost(string one, string other) =>
        string.Equals(one, other, StringComparison.OrdinalIgnoreCase)
        || (IsLocalhost(one) && IsLoopback(other))
        || (IsLocalhost(other) && IsLoopback(one))
        || (IPAddress.TryParse(one, out var address) && IPAddress.TryParse(other, out var otherAddress) && address.Equals(otherAddress));

    private static bool IsLocalhost(string host) => string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase);

    private static bool IsLoopback(string host) => host is "127.0.0.1" or "::1" || IsLocalhost(host);

    // At an endpoint that the operator wrote, the later of two.
    private static void Report(Listener earlier, Listener later)
    {
        var (at, other) = !later.IsWritten && earlier.IsWritten ? (earlier, later) : (later, earlier);
        var what = at.Address.UnixPath is null ? $"port {at.Address.Tcp.Port}" : $"`{at.Address.UnixPath}`";
        at.Section.Error(at.Key, $"{what} is taken: `{other.Name}` listens on {other.Address}{(other.IsWritten ? "" : $" by default; set `{other.Name}.{other.Key}`")}");
    }
}
