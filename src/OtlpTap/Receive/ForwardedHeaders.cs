using Microsoft.AspNetCore.Http;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>Picks the request headers that travel on to the upstream.</summary>
internal sealed class ForwardedHeaders(ReceiveOptions options)
{
    private readonly string[] _names = [.. options.ForwardedHeaders];

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
