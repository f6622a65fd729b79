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
        credentialHeader is not null ? $"credential {Credential(http.Request.Headers[credentialHeader].ToString())}" : $"address {Network(http.Connection.RemoteIpAddress)}";

    // Schemes come in any case, blanks in any number and base64 with blanks in it: none of that makes another sender.
    private static string Credential(string header)
    {
        var value = header.AsSpan().Trim();
        return string.Concat(value[(value.IndexOf(' ') + 1)..].ToString().Where(character => !char.IsWhiteSpace(character)));
    }

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
