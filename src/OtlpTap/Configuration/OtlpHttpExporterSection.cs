using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Configuration;

/// <summary><c>exporters.otlp_http</c>.</summary>
internal static class OtlpHttpExporterSection
{
    // The Collector's for this exporter; otlp_grpc has 5 s.
    private const double TimeoutSeconds = 30;

    public static OtlpHttpExporterOptions? Read(string id, Section section, Extensions extensions)
    {
        var forward = new ForwardOptions { Endpoint = section.Text("endpoint") ?? "", TimeoutSeconds = TimeoutSeconds };
        forward = ClientSection.Read(section, extensions, forward);
        var defaults = new OtlpHttpExporterOptions(id, forward);
        var options = defaults with
        {
            TracesEndpoint = Endpoint("traces_endpoint"),
            LogsEndpoint = Endpoint("logs_endpoint"),
            MetricsEndpoint = Endpoint("metrics_endpoint"),
            IsJson = section.Choice("encoding", defaults.IsJson, [("proto", false), ("json", true)]),
            ConnectionsMax = section.Number("max_conns_per_host", 0, 0, 65_536) is > 0 and var connections ? connections : null,
            IdleConnectionTimeout = section.Duration("idle_conn_timeout", defaults.IdleConnectionTimeout, TimeSpan.Zero, TimeSpan.FromDays(7)),
            ProxyUrl = section.Text("proxy_url") is { Length: > 0 } proxy ? proxy : null,
        };

        section.Ignore(["profiles_endpoint"], "the tap takes no profiles");
        section.Ignore(
            ["read_buffer_size", "write_buffer_size", "max_idle_conns", "max_idle_conns_per_host", "disable_keep_alives", "force_attempt_http2", "http2_read_idle_timeout", "http2_ping_timeout"],
            "the tap decides this itself");
        section.Refuse(["cookies"], "cookies are not kept: remove it");
        var exporter = DeliverySection.Read(options with { Spool = DeliverySection.ReadSpool(id, section) }, section);
        section.RefuseUnknownKeys();

        CheckUrl(section, "traces_endpoint", options.TracesEndpoint, forward);
        CheckUrl(section, "logs_endpoint", options.LogsEndpoint, forward);
        CheckUrl(section, "metrics_endpoint", options.MetricsEndpoint, forward);
        CheckUrl(section, "proxy_url", options.ProxyUrl, forward with { CaFile = null, CaPem = null, CertificateFile = null });
        if (forward.Endpoint.Length > 0)
        {
            CheckUrl(section, "endpoint", forward.Endpoint, forward);
            CheckBase(section, forward.Endpoint);
        }
        else if ((options.TracesEndpoint ?? options.LogsEndpoint ?? options.MetricsEndpoint) is null)
        {
            section.Problems.Error(section.MarkOf("endpoint"), section.PathOf("endpoint"), "must be set, or `traces_endpoint`, `logs_endpoint` and `metrics_endpoint`");
            return null;
        }

        return exporter;

        string? Endpoint(string key) => section.Text(key) is { Length: > 0 } text ? text : null;
    }

    /// <summary>Whether there is somewhere to send the signal to.</summary>
    public static bool Takes(OtlpHttpExporterOptions exporter, Signal signal) => exporter.Forward.Endpoint.Length > 0 || signal switch
    {
        Signal.Traces => exporter.TracesEndpoint,
        Signal.Logs => exporter.LogsEndpoint,
        _ => exporter.MetricsEndpoint,
    } is not null;

    private static void CheckUrl(Section section, string key, string? text, ForwardOptions options)
    {
        if (text is null || !ClientSection.CheckAscii(section, key, text))
        {
            return;
        }

        // The text is not shown: it may have a password in it.
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
        {
            section.Error(key, "a URL is expected here, with its scheme: `http://host:port/path` or `https://host/path`");
        }
        else if (url.Fragment.Length > 0)
        {
            section.Error(key, "a URL to send to has no `#`");
        }
        else if (url.Port == 0)
        {
            section.Error(key, "port 0 cannot be sent to");
        }
        else if (url.UserInfo.Length > 0 && key != "proxy_url")
        {
            section.Error(key, "a user in a URL is not sent: use `auth` with `basicauth`");
        }
        else if (url.Scheme == "http")
        {
            ClientSection.CheckCleartext(section, key, options);
        }
    }

    // The commonest mistake there is with this key.
    private static void CheckBase(Section section, string endpoint)
    {
        foreach (var (signal, path) in ((string, string)[])[("traces", "/v1/traces"), ("logs", "/v1/logs"), ("metrics", "/v1/metrics")])
        {
            if (endpoint.TrimEnd('/').EndsWith(path, StringComparison.Ordinal))
            {
                section.Warning("endpoint", $"is the base to which `{path}` is added: leave it out here, or set `{signal}_endpoint`");
            }
        }
    }
}
