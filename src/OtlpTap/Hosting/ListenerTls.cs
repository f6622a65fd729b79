using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using OtlpTap.Configuration;
using OtlpTap.Metrics;
using OtlpTap.Receive;

namespace OtlpTap.Hosting;

/// <summary>
/// The certificates of one listener. Each new handshake takes those of the moment; a connection keeps what it shook hands with.
/// </summary>
internal sealed class ListenerTls : IDisposable
{
    /// <summary>Kestrel's own default, and plenty for a line on which 64 MiB arrive in time.</summary>
    public static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How often a client CA is looked at where <c>client_ca_file_reload</c> is on and no interval is given.</summary>
    private static readonly TimeSpan ClientCaInterval = TimeSpan.FromSeconds(10);

    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2"); // RFC 5280, 4.2.1.12: id-kp-clientAuth

    private readonly ServerTlsOptions _options;
    private readonly SslProtocols _versions;
    private readonly ListenerMetrics.Of _metrics;
    private readonly Reloaded<Material> _material;

    /// <exception cref="ListenException">A certificate, key or CA cannot be used; names the listener, the key and the file.</exception>
    public ListenerTls(ListenerSettings settings, ServerTlsOptions options, ListenerMetrics.Of metrics, ILogger log, TimeProvider time)
    {
        _options = options;
        _metrics = metrics;
        _versions = Versions(options);
        try
        {
            _material = new Reloaded<Material>(
                Read,
                options.ReloadInterval ?? (options.ClientCaFileReload ? ClientCaInterval : null),
                time,
                loaded: material => metrics.CertificateLoaded(material.NotAfter),
                failed: (problem, isNew) =>
                {
                    metrics.TlsReloadFailed();
                    if (isNew)
                    {
                        log.TlsNotReloaded(settings.Name, problem);
                    }
                });
        }
        catch (UnusableFileException problem)
        {
            throw new ListenException($"cannot serve TLS on {settings.Endpoint} ({settings.Name}): {problem.Message}", problem);
        }
    }

    public TlsHandshakeCallbackOptions Handshake => new()
    {
        HandshakeTimeout = HandshakeTimeout,
        OnConnection = _ => ValueTask.FromResult(OptionsOf(_material.Current)),
    };

    /// <inheritdoc cref="Reloaded{T}.Problem"/>
    public string? Problem => _material.Problem;

    /// <summary>Reads the files now. What cannot be used leaves the old in place, as ever.</summary>
    public void Reload() => _material.Reload();

    public void Dispose()
    {
        _material.Dispose();
        _metrics.CertificateGone();
    }

    // Old certificates are left to the collector: a handshake may still be using them.
    private Material Read(Material? before)
    {
        var certificates = TextOf("tls.cert_file", _options.CertificateFile, "tls.cert_pem", _options.CertificatePem);
        var key = TextOf("tls.key_file", _options.KeyFile, "tls.key_pem", _options.KeyPem);
        var clientCa = _options.ClientCaFile is { } file ? SecretFile.Read("tls.client_ca_file", file) : null;
        var text = new PemText(certificates, key, clientCa);
        if (text == before?.Text)
        {
            return before;
        }

        var context = before is not null && text.Certificates == before.Text.Certificates && text.Key == before.Text.Key ? before.Certificate : CreateContext(text);
        return new Material(text, context, text.ClientCa is null ? null : ClientCas(text.ClientCa));
    }

    private static string TextOf(string fileKey, string? file, string textKey, string? text) =>
        file is not null ? SecretFile.Read(fileKey, file) : text ?? throw new UnusableFileException($"neither {fileKey} nor {textKey} is given");

    private SslStreamCertificateContext CreateContext(PemText text)
    {
        var certificate = _options.CertificateFile is { } file ? $"tls.cert_file `{file}`" : "tls.cert_pem";
        var key = _options.KeyFile is { } keyFile ? $"tls.key_file `{keyFile}`" : "tls.key_pem";
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(text.Certificates);
        }
        catch (CryptographicException problem)
        {
            throw new UnusableFileException($"{certificate} cannot be read: {problem.Message}", problem);
        }

        if (chain.Count == 0)
        {
            throw new UnusableFileException($"{certificate} has no certificate in PEM form");
        }

        try
        {
            var leaf = X509Certificate2.CreateFromPem(text.Certificates, text.Key);

            // Offline: nothing is fetched from addresses that stand in a certificate.
            return SslStreamCertificateContext.Create(leaf, chain, offline: true);
        }
        catch (Exception problem) when (problem is CryptographicException or ArgumentException)
        {
            throw new UnusableFileException($"{key} is no key of {certificate}, which must have its own certificate first: {problem.Message}", problem);
        }
    }

    private X509Certificate2Collection ClientCas(string text)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(text);
        }
        catch (CryptographicException problem)
        {
            throw new UnusableFileException($"tls.client_ca_file `{_options.ClientCaFile}` cannot be read: {problem.Message}", problem);
        }

        return authorities.Count > 0 ? authorities : throw new UnusableFileException($"tls.client_ca_file `{_options.ClientCaFile}` has no certificate in PEM form");
    }

    private SslServerAuthenticationOptions OptionsOf(Material material)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = material.Certificate,
            EnabledSslProtocols = _versions,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (material.ClientCas is { } authorities)
        {
            options.ClientCertificateRequired = true;
            options.CertificateChainPolicy = ClientPolicy(authorities);
            options.RemoteCertificateValidationCallback = (_, _, chain, errors) => errors == SslPolicyErrors.None || (errors == SslPolicyErrors.RemoteCertificateChainErrors && EndsAt(authorities, chain));
        }

        return options;
    }

    private static X509ChainPolicy ClientPolicy(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(authorities);
        policy.ApplicationPolicy.Add(ClientAuthentication);
        return policy;
    }

    /// <summary>An authority in the file that is not self-signed is trusted all the same, as elsewhere; .NET calls such a chain partial.</summary>
    private static bool EndsAt(X509Certificate2Collection authorities, X509Chain? chain) =>
        chain is { ChainElements.Count: > 1 }
        && chain.ChainStatus.All(problem => problem.Status == X509ChainStatusFlags.PartialChain)
        && IsOneOf(authorities, chain.ChainElements[^1].Certificate);

    // By its bytes: a certificate calls another its equal when issuer and serial number are, which anyone can write into his own.
    private static bool IsOneOf(X509Certificate2Collection authorities, X509Certificate2 certificate) =>
        authorities.Any(authority => authority.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span));

    private static SslProtocols Versions(ServerTlsOptions options)
    {
        (Version Version, SslProtocols Protocol)[] known = [(new(1, 2), SslProtocols.Tls12), (new(1, 3), SslProtocols.Tls13)];
        return known.Where(one => one.Version >= options.MinVersion && (options.MaxVersion is null || one.Version <= options.MaxVersion))
            .Aggregate(SslProtocols.None, (versions, one) => versions | one.Protocol);
    }

    private sealed record PemText(string Certificates, string Key, string? ClientCa);

    private sealed record Material(PemText Text, SslStreamCertificateContext Certificate, X509Certificate2Collection? ClientCas)
    {
        public DateTimeOffset NotAfter => Certificate.TargetCertificate.NotAfter;
    }
}
