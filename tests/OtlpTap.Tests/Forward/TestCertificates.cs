using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OtlpTap.Tests.Forward;

/// <summary>A certificate authority of the test's own, whose certificates lie in files that go with it.</summary>
internal sealed class TestCertificates : IDisposable
{
    private static readonly DateTimeOffset From = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("otlptap-tls");
    private readonly X509Certificate2 _authority;
    private int _serial;

    public TestCertificates(string name = "test authority")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        _authority = request.CreateSelfSigned(From, From.AddYears(100));
        AuthorityPem = _authority.ExportCertificatePem();
        AuthorityFile = Write("ca.pem", AuthorityPem);
    }

    public string AuthorityPem { get; }

    public string AuthorityFile { get; }

    public string PathOf(string file) => Path.Combine(_directory.FullName, file);

    public string Write(string file, string text)
    {
        // As an operator replaces a file: whoever reads finds the old one or the new one.
        var path = PathOf(file);
        File.WriteAllText($"{path}.new", text);
        File.Move($"{path}.new", path, overwrite: true);
        return path;
    }

    /// <summary>For a server or a client; an IP address as name counts as one.</summary>
    public X509Certificate2 Issue(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(name);
        }

        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_authority, From.AddDays(1), From.AddYears(99), BitConverter.GetBytes(++_serial));
        using var withKey = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null);
    }

    /// <summary>Writes <c>file.pem</c> and <c>file.key</c>.</summary>
    public (string Certificate, string Key) IssueFiles(string name, string file)
    {
        using var certificate = ExportableCopy(Issue(name));
        using var key = certificate.GetECDsaPrivateKey()!;
        return (Write($"{file}.pem", certificate.ExportCertificatePem()), Write($"{file}.key", key.ExportPkcs8PrivateKeyPem()));
    }

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Delete(recursive: true);
    }

    private static X509Certificate2 ExportableCopy(X509Certificate2 certificate) =>
        X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);
}
