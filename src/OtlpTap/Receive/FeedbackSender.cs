using Microsoft.AspNetCore.Http;
using OtlpTap.Buffers;

namespace OtlpTap.Receive;

/// <summary>
/// Who posts: by the credential that let it in, or by its address where nobody has to show one. Many users behind one proxy or
/// one application's token are one sender; of IPv6 the network is, since a single user has 2^64 addresses of it.
/// </summary>
/// <param name="credentialHeader">By which senders are let in; null: by none.</param>
internal sealed class FeedbackSender(string? credentialHeader)
{
    public string Of(HttpContext http) =>
        credentialHeader is not null ? $"credential {Credential(http.Request.Headers[credentialHeader].ToString())}" : $"address {ClientNetwork.Of(http.Connection.RemoteIpAddress)}";

    // Schemes come in any case, blanks in any number and base64 with blanks in it: none of that makes another sender.
    private static string Credential(string header)
    {
        var value = header.AsSpan().Trim();
        return string.Concat(value[(value.IndexOf(' ') + 1)..].ToString().Where(character => !char.IsWhiteSpace(character)));
    }
}
