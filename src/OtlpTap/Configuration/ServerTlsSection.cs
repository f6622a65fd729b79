namespace OtlpTap.Configuration;

/// <summary><c>tls</c> of a listener.</summary>
internal static class ServerTlsSection
{
    /// <summary>Null where it is not written, and after an error that leaves nothing to serve with.</summary>
    public static ServerTlsOptions? Read(Section listener)
    {
        if (listener.OptionalMap("tls") is not { } tls)
        {
            return null;
        }

        var defaults = new ServerTlsOptions();
        var options = new ServerTlsOptions
        {
            CertificateFile = TlsFiles.ReadFile(tls, "cert_file"),
            CertificatePem = tls.Secret("cert_pem"),
            KeyFile = TlsFiles.ReadKeyFile(tls, "key_file"),
            KeyPem = tls.Secret("key_pem"),
            ClientCaFile = TlsFiles.ReadFile(tls, "client_ca_file"),
            ClientCaFileReload = tls.Flag("client_ca_file_reload", defaults.ClientCaFileReload),
            MinVersion = TlsFiles.ReadMinVersion(tls, defaults.MinVersion),
            MaxVersion = TlsFiles.ReadMaxVersion(tls),
            ReloadInterval = TlsFiles.ReadReloadInterval(tls),
        };

        TlsFiles.Choose(tls, "cert_file", "cert_pem", isRequired: true);
        TlsFiles.Choose(tls, "key_file", "key_pem", isRequired: true);
        if (options.MaxVersion is { } newest && newest < options.MinVersion)
        {
            tls.Error("max_version", "is older than `min_version`");
        }

        if (options.ClientCaFileReload && options.ClientCaFile is null)
        {
            tls.Error("client_ca_file_reload", "there is no `client_ca_file` to read again");
        }

        tls.Refuse(["ca_file", "ca_pem"], "senders' certificates are checked against `client_ca_file`");
        tls.Refuse(["insecure", "insecure_skip_verify", "server_name_override"], "belongs to an exporter: a receiver without `tls` serves in the clear");
        TlsFiles.RefuseChoices(tls);
        tls.RefuseUnknownKeys();
        return options;
    }
}
