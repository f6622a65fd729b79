using System.Diagnostics.CodeAnalysis;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.OtlpHttp;

/// <summary>
/// Where each signal goes: the base URL with <c>/v1/traces</c> and so on behind it, or the URL that is given for the
/// signal. So <c>http://loki:3100/otlp</c> is Loki's, <c>http://prometheus:9090/api/v1/otlp</c> Prometheus'.
/// </summary>
internal sealed class OtlpHttpEndpoints
{
    private readonly Uri?[] _urls;

    private OtlpHttpEndpoints(Uri?[] urls)
    {
        _urls = urls;
        Hosts = [.. urls.OfType<Uri>().Select(EndpointOf).Distinct()];
    }

    /// <summary>Who is connected to; at least one. The first stands for all in messages that are not about one signal.</summary>
    public IReadOnlyList<UpstreamEndpoint> Hosts { get; }

    /// <summary>Null for a signal that has no URL.</summary>
    public Uri? this[Signal signal] => _urls[(int)signal];

    public static UpstreamEndpoint EndpointOf(Uri url) => new(url.IdnHost, url.Port, url.Scheme == Uri.UriSchemeHttps);

    public static bool TryParse(OtlpHttpExporterOptions options, [NotNullWhen(true)] out OtlpHttpEndpoints? endpoints, [NotNullWhen(false)] out string? problem)
    {
        endpoints = null;
        problem = null;
        var urls = new Uri?[Enum.GetValues<Signal>().Length];
        foreach (var (signal, own, path) in new[]
        {
            (Signal.Traces, options.TracesEndpoint, "v1/traces"),
            (Signal.Logs, options.LogsEndpoint, "v1/logs"),
            (Signal.Metrics, options.MetricsEndpoint, "v1/metrics"),
        })
        {
            var text = string.IsNullOrEmpty(own) ? options.Forward.Endpoint : own;
            if (string.IsNullOrEmpty(text))
            {
                continue;
            }

            if (!TryParse(text, out var url, out problem))
            {
                return false;
            }

            urls[(int)signal] = string.IsNullOrEmpty(own) ? Under(url, path) : url;
        }

        if (Array.TrueForAll(urls, url => url is null))
        {
            problem = "no endpoint: expected http://host:port or https://host:port";
            return false;
        }

        endpoints = new OtlpHttpEndpoints(urls);
        return true;
    }

    /// <summary>Reads <c>proxy_url</c>.</summary>
    public static bool TryParseProxy(string text, [NotNullWhen(true)] out Uri? proxy, [NotNullWhen(false)] out string? problem)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out proxy) && proxy.Scheme == Uri.UriSchemeHttp)
        {
            problem = null;
            return true;
        }

        problem = "expected http://host:port; a proxy is spoken to in the clear, what goes through it to an https endpoint is not";
        return false;
    }

    private static bool TryParse(string text, [NotNullWhen(true)] out Uri? url, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out url) || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps) || url.IdnHost.Length == 0)
        {
            problem = $"'{text}': expected a URL, as http://host:4318 or https://host/path";
        }
        else if (url.UserInfo.Length != 0 || url.Fragment.Length != 0)
        {
            problem = $"'{url.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped)}': without user or fragment; credentials go into auth or headers";
        }

        return problem is null;
    }

    private static Uri Under(Uri url, string path) => new UriBuilder(url) { Path = $"{url.AbsolutePath.TrimEnd('/')}/{path}" }.Uri;
}
