using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace OtlpTap.Buffers;

/// <summary>Who counts as one client, where only an address tells: of IPv6 the network is, since a single user has 2^64 addresses of it.</summary>
internal static class ClientNetwork
{
    /// <param name="address">Null: it came by a Unix socket.</param>
    public static string Of(IPAddress? address)
    {
        if (address is null)
        {
            return "local";
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? $"{BinaryPrimitives.ReadUInt64BigEndian(address.GetAddressBytes()):x16}/64" : address.ToString();
    }
}
