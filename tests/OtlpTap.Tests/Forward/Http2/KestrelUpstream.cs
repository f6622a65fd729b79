using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OtlpTap.Forward;

namespace OtlpTap.Tests.Forward.Http2;

/// <summary>A gRPC server of somebody else's making: Kestrel, with one handler for all paths.</summary>
internal sealed class KestrelUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;

    private KestrelUpstream(WebApplication app, bool useTls, string? caFile)
    {
        _app = app;
        CaFile = caFile;
        Endpoint = new UpstreamEndpoint("localhost", new Uri(app.Urls.First()).Port, useTls);
    }

    public UpstreamEndpoint Endpoint { get; }

    public string? CaFile { get; }

    public static async Task<KestrelUpstream> StartAsync(RequestDelegate handler, bool useTls = false, Action<Http2Limits>? limits = null)
    {
        var caFile = useTls ? Path.GetTempFileName() : null;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            limits?.Invoke(kestrel.Limits.Http2);
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                if (caFile is not null)
                {
                    listen.UseHttps(MakeCertificate(caFile));
                }
            });
        });
        var app = builder.Build();
        app.Run(handler);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new KestrelUpstream(app, useTls, caFile);
    }

    /// <summary>Reads the message behind its prefix.</summary>
    public static async Task<byte[]> ReadMessageAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var bytes = body.ToArray();
        Assert.Equal(bytes.Length - 5, System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(1)));
        Assert.Equal(0, bytes[0]);
        return bytes[5..];
    }

    public static async Task AnswerAsync(HttpContext context, byte[] message, int status = 0, string? statusMessage = null, params (string Name, string Value)[] trailers)
    {
        context.Response.ContentType = "application/grpc";
        if (status == 0)
        {
            byte[] prefix = [0, 0, 0, 0, 0];
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(prefix.AsSpan(1), message.Length);
            await context.Response.Body.WriteAsync(prefix.Concat(message).ToArray(), context.RequestAborted);
        }

        context.Response.AppendTrailer("grpc-status", status.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (statusMessage is not null)
        {
            context.Response.AppendTrailer("grpc-message", statusMessage);
        }

        foreach (var (name, value) in trailers)
        {
            context.Response.AppendTrailer(name, value);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        if (CaFile is not null)
        {
            File.Delete(CaFile);
        }
    }

    private static X509Certificate2 MakeCertificate(string caFile)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = DateTimeOffset.Parse("2025-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture);
        using var certificate = request.CreateSelfSigned(now, now.AddYears(100));
        File.WriteAllText(caFile, certificate.ExportCertificatePem());
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }
}
