using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OtlpTap.Forward;

/// <summary>
/// What a connection to an upstream trusts and shows, read from the files when a connection is made. A connection that
/// is up keeps what it was made with. A file that cannot be read any more, or does not fit (a rotation that is half done),
/// leaves what was read before in use, and is logged once.
/// </summary>
internal sealed class ClientTls(UpstreamOptions options, TimeProvider time, ILogger logger)
{
    private readonly Lock _lock = new();

    // Under the lock.
    private Material? _material;
    private long _readAt;
    private bool _isFailing;

    /// <exception cref="CryptographicException">A file does not hold what it should, and nothing was ever read.</exception>
    /// <exception cref="IOException">A file cannot be read, and nothing was ever read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public SslClientAuthenticationOptions Options(string host, List<SslApplicationProtocol> protocols)
    {
        var material = Current();
        var tls = new SslClientAuthenticationOptions
        {
            // Goes out as the server name indication, and must stand in the server's certificate.
            TargetHost = options.ServerNameOverride ?? host,
            ApplicationProtocols = protocols,
            EnabledSslProtocols = Protocols(options.MinTlsVersion),
            ClientCertificateContext = material.Certificate,
        };
        if (options.InsecureSkipVerify)
        {
#pragma warning disable CA5359 // What tls.insecure_skip_verify says; off by default.
            tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (material.Roots is { } roots)
        {
            // Of its own for each connection: the policy of a chain is not made for several threads.
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(roots);
            tls.CertificateChainPolicy = policy;
        }

        return tls;
    }

    // 1.0 and 1.1 are left out whatever is written: no server of this decade speaks nothing newer, and both are broken.
    private static SslProtocols Protocols(Version min) =>
        min >= new Version(1, 3) ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13;

    private Material Current()
    {
        lock (_lock)
        {
            if (_material is { } known && options.TlsReloadInterval is { } interval && time.GetElapsedTime(_readAt) < interval)
            {
                return known;
            }

            _readAt = time.GetTimestamp();
            try
            {
                _material = Read();
                _isFailing = false;
            }
            catch (Exception exception) when (_material is not null && exception is IOException or CryptographicException or UnauthorizedAccessException)
            {
                if (!_isFailing)
                {
                    _isFailing = true;
                    logger.TlsFilesUnreadable(options.Endpoint, exception.Message);
                }
            }

            return _material;
        }
    }

    private Material Read() => new(ReadRoots(), ReadCertificate());

    private X509Certificate2Collection? ReadRoots()
    {
        if (options.CaFile is null && options.CaPem is null)
        {
            return null;
        }

        var roots = new X509Certificate2Collection();
        if (options.CaFile is { } file)
        {
            roots.ImportFromPemFile(file);
        }

        if (options.CaPem is { } pem)
        {
            roots.ImportFromPem(pem);
        }

        // An empty one would trust nobody, and say no more than that.
        return roots.Count > 0 ? roots : throw new CryptographicException($"'{options.CaFile ?? "ca_pem"}' has no certificate in PEM form");
    }

    private SslStreamCertificateContext? ReadCertificate()
    {
        if (options.CertificateFile is not { } file)
        {
            return null;
        }

        X509Certificate2 certificate;
        try
        {
            certificate = X509Certificate2.CreateFromPemFile(file, options.KeyFile);
        }
        catch (ArgumentException exception)
        {
            // What the runtime says of a key that belongs to another certificate.
            throw new CryptographicException($"'{options.KeyFile}' is not the key of '{file}'", exception);
        }

        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(file);
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }

    private sealed record Material(X509Certificate2Collection? Roots, SslStreamCertificateContext? Certificate);
}
