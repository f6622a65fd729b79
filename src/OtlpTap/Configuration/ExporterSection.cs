using System.Text;
using OtlpTap.Forward;

namespace OtlpTap.Configuration;

/// <summary><c>exporters</c>: the keys of the Collector's <c>otlp_grpc</c> exporter, under its new name and its old one, <c>otlp</c>.</summary>
internal static class ExporterSection
{
    private const string NoQueue =
        "the tap has no queue that acknowledges before the upstream does, and passes its answers on so that senders retry: set `enabled: false` or remove it";

    public static Components<ExporterOptions> Read(Section exporters)
    {
        var components = new Components<ExporterOptions>("exporter");
        foreach (var (id, type, section) in exporters.Components())
        {
            var isOtlp = type is "otlp_grpc" or "otlp";
            if (!isOtlp && type.Length > 0)
            {
                exporters.KeyError(id, type is "otlp_http" or "otlphttp"
                    ? "the OTLP/HTTP exporter is not supported yet: use `otlp_grpc`"
                    : $"`{type}` is no exporter of the tap: it has `otlp_grpc`");
            }

            components.Add(id, section, isOtlp ? ReadOtlp(id, section) : null);
        }

        return components;
    }

    private static OtlpGrpcExporterOptions? ReadOtlp(string id, Section section)
    {
        var defaults = new ForwardOptions { Endpoint = "" };
        var tls = ReadTls(section.Map("tls"));
        var options = defaults with
        {
            Endpoint = section.RequiredText("endpoint") ?? "",
            Insecure = tls.Insecure,
            InsecureSkipVerify = tls.InsecureSkipVerify,
            CaFile = tls.CaFile,
            Headers = ReadHeaders(section.Map("headers")),
            TimeoutSeconds = section.Duration("timeout", TimeSpan.FromSeconds(defaults.TimeoutSeconds), TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10)).TotalSeconds,
        };

        if (options.Endpoint.Length > 0)
        {
            CheckEndpoint(section, options);
        }

        CheckCompression(section);
        RefuseEnabled(section, "retry_on_failure");
        RefuseEnabled(section, "sending_queue");
        section.Refuse(["keepalive"], "the tap pings an upstream by itself while calls are in flight: remove it");
        section.Refuse(["auth"], "is not supported yet: set `headers`, or pass the senders' own on with `forward_headers` of the tap processor");
        section.Refuse(["balancer_name"], "several addresses behind one name are not balanced yet: remove it");
        section.Refuse(["authority", "user_agent", "middlewares"], "is not supported yet: remove it");
        section.Refuse(["read_buffer_size", "write_buffer_size", "wait_for_ready"], "the tap decides this itself: remove it");
        section.Refuse(["batcher"], "requests are joined by themselves while the upstream is busy: remove it");
        section.RefuseUnknownKeys();
        return options.Endpoint.Length == 0 ? null : new OtlpGrpcExporterOptions(id, options);
    }

    private static void CheckEndpoint(Section section, ForwardOptions options)
    {
        if (!Ascii.IsValid(options.Endpoint))
        {
            section.Error("endpoint", "not ASCII: write an international host name in its form for the wire (`xn--...`)");
        }
        else if (!UpstreamEndpoint.TryParse(options.Endpoint, options.Insecure, out var endpoint, out var problem))
        {
            section.Error("endpoint", problem);
        }
        else if (endpoint.Port == 0)
        {
            section.Error("endpoint", "port 0 cannot be sent to");
        }
        else if (!endpoint.UseTls && !options.Insecure && options.CaFile is not null)
        {
            section.Error("endpoint", "`http://` sends without TLS, and `tls.ca_file` asks for it: one of them must go");
        }
    }

    private static void CheckCompression(Section section)
    {
        var compression = section.Text("compression", "none");
        switch (compression)
        {
            case "" or "none":
                break;
            case "gzip" or "snappy" or "zstd":
                section.Error("compression", $"`{compression}` is not supported yet: requests leave uncompressed; set `none` or remove it");
                break;
            default:
                section.Error("compression", $"`{compression}` is no compression; set `none` or remove it");
                break;
        }
    }

    // A pasted exporter may switch either off; its other keys say nothing then.
    private static void RefuseEnabled(Section section, string key)
    {
        if (section.Has(key) && section.Map(key).Flag("enabled", byDefault: true))
        {
            section.KeyError(key, NoQueue);
        }
    }

    private static (bool Insecure, bool InsecureSkipVerify, string? CaFile) ReadTls(Section tls)
    {
        var insecure = tls.Flag("insecure", byDefault: false);
        var skipVerify = tls.Flag("insecure_skip_verify", byDefault: false);
        var caFile = tls.Text("ca_file", "");
        if (caFile.Length > 0 && insecure)
        {
            tls.Error("ca_file", "`insecure: true` sends without TLS: one of them must go");
        }
        else if (caFile.Length > 0 && !File.Exists(caFile))
        {
            tls.Error("ca_file", $"no file `{caFile}`");
        }

        tls.Refuse(["cert_file", "cert_pem", "key_file", "key_pem", "tpm"], "client certificates are not supported yet: remove it");
        tls.Refuse(["ca_pem"], "is not supported yet: put the certificates in a file and name it in `ca_file`");
        tls.Refuse(["server_name_override"], "is not supported yet: the certificate must name the endpoint's host");
        tls.Refuse(
            ["min_version", "max_version", "cipher_suites", "include_insecure_cipher_suites", "curve_preferences", "include_system_ca_certs_pool", "reload_interval"],
            "is not supported yet: the system's choice of TLS versions and ciphers holds; remove it");
        tls.RefuseUnknownKeys();
        return (insecure, skipVerify, caFile.Length > 0 ? caFile : null);
    }

    private static List<(string Name, string Value)> ReadHeaders(Section section)
    {
        var headers = new List<(string Name, string Value)>();
        foreach (var key in section.Keys)
        {
            var name = key.ToLowerInvariant();
            var value = section.Text(key, "");
            if (HeaderName.Problem(name) is { } problem)
            {
                section.KeyError(key, problem);
            }
            else if (!HeaderName.IsValue(value))
            {
                // The value may be a credential: it is not shown.
                section.Error(key, "the value of a header is printable ASCII without blanks around it");
            }
            else if (headers.Exists(header => header.Name == name))
            {
                section.KeyError(key, "names differ only by case: they are one header");
            }
            else
            {
                headers.Add((name, value));
            }
        }

        return headers;
    }
}
