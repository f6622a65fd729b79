using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward;

/// <summary>TLS towards the upstream, over gRPC and over HTTP alike.</summary>
public sealed class ClientTlsTests : IDisposable
{
    private static readonly byte[] Spans = new TraceBuilder().Span("a").Request.ToByteArray();

    private readonly TestCertificates _certificates = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_upstream_whose_certificate_the_configured_authority_has_signed_is_trusted(bool isHttp)
    {
        await using var stub = await StartAsync(isHttp, "localhost");
        await using (var setup = Setup(stub, isHttp, options => options with { CaFile = _certificates.AuthorityFile }))
        {
            Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans).InTime());
            Assert.Equal("localhost", stub.ServerName);
        }

        await using (var setup = Setup(stub, isHttp, options => options with { CaPem = _certificates.AuthorityPem, MinTlsVersion = new Version(1, 3) }))
        {
            Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans).InTime());
        }

        if (isHttp)
        {
            Assert.All(stub.Protocols, protocol => Assert.Equal("HTTP/2", protocol));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_upstream_that_another_authority_has_signed_gets_nothing(bool isHttp)
    {
        using var others = new TestCertificates("another authority");
        await using var stub = await StartAsync(isHttp, "localhost");
        await using var setup = Setup(stub, isHttp, options => options with { CaFile = others.AuthorityFile });

        var reply = await setup.SendAsync(Spans).InTime();

        Assert.Equal(StatusCode.Unavailable, reply.Status);
        Assert.Contains("cannot connect", reply.Message, StringComparison.Ordinal);
        Assert.Empty(stub.Calls);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_upstream_with_another_name_gets_nothing_unless_that_name_is_expected(bool isHttp)
    {
        await using var stub = await StartAsync(isHttp, "tempo.example.com");
        await using (var setup = Setup(stub, isHttp, options => options with { CaFile = _certificates.AuthorityFile }))
        {
            Assert.Equal(StatusCode.Unavailable, (await setup.SendAsync(Spans).InTime()).Status);
            Assert.Empty(stub.Calls);
        }

        await using (var setup = Setup(stub, isHttp, options => options with { CaFile = _certificates.AuthorityFile, ServerNameOverride = "tempo.example.com" }))
        {
            Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans).InTime());
            Assert.Equal("tempo.example.com", stub.ServerName);
        }

        await using (var setup = Setup(stub, isHttp, options => options with { InsecureSkipVerify = true }))
        {
            Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans).InTime());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_upstream_that_asks_is_shown_the_client_certificate(bool isHttp)
    {
        var (certificate, key) = _certificates.IssueFiles("tap-1", "client");
        await using var stub = await StartAsync(isHttp, "localhost", mustShow: true);
        await using (var setup = Setup(stub, isHttp, options => options with { CaFile = _certificates.AuthorityFile }))
        {
            Assert.Equal(StatusCode.Unavailable, (await setup.SendAsync(Spans).InTime()).Status);
        }

        await using (var setup = Setup(stub, isHttp, options => options with { CaFile = _certificates.AuthorityFile, CertificateFile = certificate, KeyFile = key }))
        {
            Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans).InTime());
            Assert.Equal("CN=tap-1", stub.ClientCertificate!.Subject);
        }
    }

    [Fact]
    public void Files_are_read_again_after_the_reload_interval_and_broken_ones_leave_the_old_in_use()
    {
        var (certificate, key) = _certificates.IssueFiles("tap-1", "client");
        var time = new FakeTimeProvider();
        var log = new ListLogger<ClientTlsTests>();
        var tls = new ClientTls(Options(certificate, key, TimeSpan.FromMinutes(1)), time, log);
        Assert.Equal("CN=tap-1", Subject(tls));

        _certificates.IssueFiles("tap-2", "client");
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal("CN=tap-1", Subject(tls));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("CN=tap-2", Subject(tls));

        // Half of a rotation: a certificate whose key has not come yet.
        var oldKey = File.ReadAllText(key);
        _certificates.IssueFiles("tap-3", "client");
        var newKey = File.ReadAllText(key);
        _certificates.Write("client.key", oldKey);
        for (var i = 0; i < 3; i++)
        {
            time.Advance(TimeSpan.FromMinutes(2));
            Assert.Equal("CN=tap-2", Subject(tls));
        }

        Assert.Contains("is not the key of", Assert.Single(log.Messages), StringComparison.Ordinal);
        _certificates.Write("client.key", newKey);
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("CN=tap-3", Subject(tls));
        Assert.Single(log.Messages);
    }

    [Fact]
    public async Task Files_that_are_not_there_are_a_failed_connect_that_names_them_and_later_ones_are_found()
    {
        await using var stub = await StartAsync(isHttp: true, "localhost");
        var time = new FakeTimeProvider();
        var missing = _certificates.PathOf("later.pem");
        await using var setup = Setup(stub, isHttp: true, options => options with { CaFile = missing }, time);

        Assert.Contains(missing, (await setup.SendAsync(Spans).InTime()).Message, StringComparison.Ordinal);
        _certificates.Write("later.pem", _certificates.AuthorityPem);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Same(ExportReply.Accepted, await setup.SendAsync(Spans).InTime());
    }

    public void Dispose() => _certificates.Dispose();

    private async Task<StubUpstream> StartAsync(bool isHttp, string name, bool mustShow = false)
    {
        var stub = await StubUpstream.StartAsync(
            certificate: _certificates.Issue(name),
            protocols: isHttp ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http2,
            tls: https => https.ClientCertificateMode = mustShow ? ClientCertificateMode.RequireCertificate : ClientCertificateMode.NoCertificate);
        if (isHttp)
        {
            stub.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 200, null, System.Text.Encoding.ASCII.GetBytes(context.Request.Protocol));
        }

        return stub;
    }

    private static ForwardSetup Setup(StubUpstream stub, bool isHttp, Func<ForwardOptions, ForwardOptions> with, TimeProvider? time = null)
    {
        var options = with(new ForwardOptions { Endpoint = $"https://localhost:{stub.Port}" });
        return isHttp ? ForwardSetup.Of(new OtlpHttpExporterOptions("otlp_http", options), time) : ForwardSetup.Of(new OtlpGrpcExporterOptions("otlp_grpc", options), time);
    }

    private static UpstreamOptions Options(string certificate, string key, TimeSpan interval) => new()
    {
        Endpoint = new UpstreamEndpoint("localhost", 4317, UseTls: true),
        CertificateFile = certificate,
        KeyFile = key,
        TlsReloadInterval = interval,
    };

    private static string Subject(ClientTls tls) => tls.Options("localhost", []).ClientCertificateContext!.TargetCertificate.Subject;
}
