using Microsoft.AspNetCore.Http;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>Picks the request headers that travel on to the upstream.</summary>
/// <param name="credentialHeader">
/// By which the listener lets senders in; null where it lets in everyone. It stays here, also where it is among the
/// configured ones: what opens the tap would otherwise be shown to the upstream, and open it to whoever reads it there.
/// </param>
internal sealed class ForwardedHeaders(ReceiveOptions options, string? credentialHeader = null)
{
    private readonly string[] _names = [.. options.ForwardedHeaders.Where(name => name != credentialHeader)];

    /// <summary>In the order of the configured names, so that equal headers give equal metadata. Most requests carry none.</summary>
    public RequestMetadata Read(IHeaderDictionary headers)
    {
        List<(string, string)>? found = null;
        foreach (var name in _names)
        {
            foreach (var value in headers[name])
            {
                if (!string.IsNullOrEmpty(value))
                {
                    (found ??= []).Add((name, value));
                }
            }
        }

        return found is null ? RequestMetadata.Empty : new RequestMetadata([.. found]);
    }
}
