using System.Text;
using OtlpTap.Forward;

namespace OtlpTap.Configuration;

/// <summary>What both OTLP exporters have: TLS, headers, time-out, compression and authentication.</summary>
internal static class ClientSection
{
    /// <summary>Everything but what depends on the protocol.</summary>
    public static ForwardOptions Read(Section section, Extensions extensions, ForwardOptions defaults)
    {
        var options = defaults with
        {
            Headers = [.. ListenerSection.ReadHeaders(section, "headers")],
            TimeoutSeconds = section.Duration("timeout", TimeSpan.FromSeconds(defaults.TimeoutSeconds), TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10)).TotalSeconds,
            Compression = section.Choice("compression", defaults.Compression, [("none", Compression.None), ("gzip", Compression.Gzip), ("zstd", Compression.Zstd), ("", Compression.None)], Unsupported),
            Auth = ReadAuth(section, extensions),
        };
        section.Ignore(["compression_params"], "the tap compresses at the level that costs least");
        section.Refuse(["middlewares"], "the tap has no middlewares: remove it");
        section.Refuse(["batcher"], "requests are joined by themselves while the upstream is busy: remove it");
        return ReadTls(section.Map("tls"), options);

        static string? Unsupported(string text) =>
            text is "snappy" or "zlib" or "deflate" or "lz4" ? $"`{text}` is not sent by the tap: `gzip`, `zstd` or `none`" : null;
    }

    /// <summary>False, and reported, for what no wire can carry.</summary>
    public static bool CheckAscii(Section section, string key, string endpoint)
    {
        if (Ascii.IsValid(endpoint))
        {
            return true;
        }

        section.Error(key, "not ASCII: write an international host name in its form for the wire (`xn--...`)");
        return false;
    }

    /// <summary>Reports an endpoint in the clear under keys that only TLS has a use for.</summary>
    public static void CheckCleartext(Section section, string key, ForwardOptions options)
    {
        if (!options.Insecure && (options.CaFile ?? options.CaPem ?? options.CertificateFile) is not null)
        {
            section.Error(key, $"`http://` sends without TLS, and `tls.{(options.CaFile is not null ? "ca_file" : options.CaPem is not null ? "ca_pem" : "cert_file")}` asks for it: one of them must go");
        }
    }

    private static ClientAuthOptions? ReadAuth(Section section, Extensions extensions)
    {
        if (section.OptionalMap("auth") is not { } auth)
        {
            return null;
        }

        var client = extensions.Client(auth, "authenticator");
        auth.RefuseUnknownKeys();
        return client;
    }

    /// <summary>For who is no exporter: <c>headers</c> and <c>tls</c> alone.</summary>
    public static ForwardOptions ReadHeadersAndTls(Section section, ForwardOptions defaults) =>
        ReadTls(section.Map("tls"), defaults with { Headers = [.. ListenerSection.ReadHeaders(section, "headers")] });

    private static ForwardOptions ReadTls(Section tls, ForwardOptions defaults)
    {
        var isInsecure = tls.Flag("insecure", defaults.Insecure);
        var options = defaults with
        {
            Insecure = isInsecure,
            InsecureSkipVerify = tls.Flag("insecure_skip_verify", defaults.InsecureSkipVerify),
            CaFile = TlsFiles.ReadFile(tls, "ca_file", !isInsecure),
            CaPem = tls.Secret("ca_pem"),
            CertificateFile = TlsFiles.ReadFile(tls, "cert_file", !isInsecure),
            KeyFile = TlsFiles.ReadKeyFile(tls, "key_file", !isInsecure),
            ServerNameOverride = tls.Text("server_name_override") is { Length: > 0 } name ? name : null,
            MinTlsVersion = TlsFiles.ReadMinVersion(tls, defaults.MinTlsVersion),
            TlsReloadInterval = TlsFiles.ReadReloadInterval(tls),
        };

        TlsFiles.Choose(tls, "ca_file", "ca_pem", isRequired: false);
        foreach (var key in (string[])["ca_file", "ca_pem", "cert_file", "key_file"])
        {
            if (isInsecure && tls.Value(key) is not null)
            {
                tls.Error(key, "`insecure: true` sends without TLS: one of them must go");
            }
        }

        if (options.CertificateFile is null != options.KeyFile is null)
        {
            tls.Error(options.KeyFile is null ? "cert_file" : "key_file", "`cert_file` and `key_file` go together");
        }

        tls.Refuse(["cert_pem", "key_pem"], "put the certificate and its key into files and name them in `cert_file` and `key_file`");
        tls.Refuse(["client_ca_file", "client_ca_file_reload"], "belongs to a receiver");
        tls.Refuse(["max_version", "include_system_ca_certs_pool"], "is not supported: remove it");
        TlsFiles.RefuseChoices(tls);
        tls.RefuseUnknownKeys();
        return options;
    }
}
