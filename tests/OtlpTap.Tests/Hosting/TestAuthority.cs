using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OtlpTap.Tests.Hosting;

/// <summary>An authority of the test's own, what it signs, and the PEM files of it, in a folder that goes with it.</summary>
internal sealed class TestAuthority : IDisposable
{
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("otlptap-tls-");
    private int _serial;

    public TestAuthority()
    {
        Root = CreateAuthority("root", issuer: null);
    }

    public X509Certificate2 Root { get; }

    public X509Certificate2 CreateAuthority(string name, X509Certificate2? issuer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        if (issuer is null)
        {
            return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-10), DateTimeOffset.UtcNow.AddDays(1000));
        }

        using var certificate = request.Create(issuer, DateTimeOffset.UtcNow.AddDays(-9), DateTimeOffset.UtcNow.AddDays(900), Serial());
        return certificate.CopyWithPrivateKey(key);
    }

    public X509Certificate2 Create(string name, string usage, X509Certificate2? issuer = null, bool isRsa = false, int days = 90)
    {
        using var rsa = isRsa ? RSA.Create(2048) : null;
        using var ec = isRsa ? null : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = rsa is not null
            ? new CertificateRequest($"CN={name}", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN={name}", ec!, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        issuer ??= Root;
        using var certificate = request.Create(
            issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(issuer.GetECDsaPrivateKey()!), DateTimeOffset.UtcNow.AddDays(-8), DateTimeOffset.UtcNow.AddDays(days), Serial());
        return rsa is not null ? certificate.CopyWithPrivateKey(rsa) : certificate.CopyWithPrivateKey(ec!);
    }

    public string WriteCertificate(string file, params X509Certificate2[] chain) =>
        Write(file, string.Join('\n', chain.Select(certificate => certificate.ExportCertificatePem())));

    /// <summary>Readable by its owner alone, as a key has to be.</summary>
    public string WriteKey(string file, X509Certificate2 certificate)
    {
        var path = Write(file, ((AsymmetricAlgorithm?)certificate.GetRSAPrivateKey() ?? certificate.GetECDsaPrivateKey()!).ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return path;
    }

    public string Write(string file, string text)
    {
        var path = Path.Combine(_folder.FullName, file);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private byte[] Serial() => BitConverter.GetBytes(IPAddress.HostToNetworkOrder(++_serial));
}
