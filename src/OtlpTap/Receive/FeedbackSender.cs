using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace OtlpTap.Receive;

/// <summary>
/// Who posts: by the credential that let it in, or by its address where nobody has to show one. Many users behind one proxy or
/// one application's token are one sender; of IPv6 the network is, since a single user has 2^64 addresses of it.
/// </summary>
/// <param name="credentialHeader">By which senders are let in; null: by none.</param>
internal sealed class FeedbackSender(string? credentialHeader)
{
    public string Of(HttpContext http) =>
        credentialHeader is not null ? $"credential {http.Request.Headers[credentialHeader]}" : $"address {Network(http.Connection.RemoteIpAddress)}";

    private static string Network(IPAddress? address)
    {
        if (address is null)
        {
            return "local"; // a Unix socket's
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? $"{BinaryPrimitives.ReadUInt64BigEndian(address.GetAddressBytes()):x16}/64" : address.ToString();
    }
}
