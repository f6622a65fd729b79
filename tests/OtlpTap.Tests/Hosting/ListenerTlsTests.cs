using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Configuration;
using OtlpTap.Hosting;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Hosting;

public sealed class ListenerTlsTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly TestAuthority _certificates = new();
    private readonly RunningListeners _listeners;

    public ListenerTlsTests()
    {
        _listeners = new RunningListeners(_time);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _listeners.DisposeAsync();
        _certificates.Dispose();
    }

    [Theory]
    [InlineData(1, false, "HTTP/1.1 https")]
    [InlineData(2, false, "HTTP/2 https")]
    [InlineData(2, true, "HTTP/2 https")]
    public async Task Both_versions_are_negotiated_with_keys_of_either_kind(int version, bool isRsa, string expected)
    {
        await StartAsync(Tls(isRsa: isRsa));
        using var client = Client();

        Assert.Equal(expected, await _listeners.GetAsync(client, version: version, scheme: "https"));
    }

    [Fact]
    public async Task Intermediate_certificates_are_sent()
    {
        using var intermediate = _certificates.CreateAuthority("intermediate", _certificates.Root);
        using var leaf = _certificates.Create("server", TestAuthority.ServerAuthentication, intermediate);
        await StartAsync(new ServerTlsOptions
        {
            CertificateFile = _certificates.WriteCertificate("chain.pem", leaf, intermediate),
            KeyFile = _certificates.WriteKey("key.pem", leaf),
        });

        // The client knows the root alone.
        using var client = Client();
        Assert.Equal("HTTP/2 https", await _listeners.GetAsync(client, scheme: "https"));
    }

    [Fact]
    public async Task Certificate_and_key_may_stand_in_the_configuration()
    {
        var tls = Tls();
        await StartAsync(new ServerTlsOptions
        {
            CertificatePem = await File.ReadAllTextAsync(tls.CertificateFile!, Deadline.Token()),
            KeyPem = await File.ReadAllTextAsync(tls.KeyFile!, Deadline.Token()),
        });
        using var client = Client();

        Assert.Equal("HTTP/2 https", await _listeners.GetAsync(client, scheme: "https"));
    }

    [Fact]
    public async Task A_sender_with_a_certificate_of_the_client_ca_is_let_in()
    {
        await StartAsync(Tls() with { ClientCaFile = _certificates.WriteCertificate("ca.pem", _certificates.Root) });
        using var certificate = _certificates.Create("agent", TestAuthority.ClientAuthentication);
        using var client = Client(certificate);

        Assert.Equal("HTTP/2 https", await _listeners.GetAsync(client, scheme: "https"));
    }

    [Fact]
    public async Task A_client_ca_need_not_be_a_root()
    {
        using var intermediate = _certificates.CreateAuthority("agents", _certificates.Root);
        await StartAsync(Tls() with { ClientCaFile = _certificates.WriteCertificate("ca.pem", intermediate) });
        using var certificate = _certificates.Create("agent", TestAuthority.ClientAuthentication, intermediate);
        using var client = Client(certificate);
        Assert.Equal("HTTP/2 https", await _listeners.GetAsync(client, scheme: "https"));

        // The root above it is not trusted for that.
        using var other = _certificates.Create("other", TestAuthority.ClientAuthentication);
        using var stranger = Client(other);
        await AssertRefusedAsync(stranger);
    }

    [Fact]
    public async Task A_certificate_of_a_forged_authority_with_the_same_name_and_serial_is_refused()
    {
        using var intermediate = _certificates.CreateAuthority("agents", _certificates.Root);
        await StartAsync(Tls() with { ClientCaFile = _certificates.WriteCertificate("ca.pem", intermediate) });
        using var others = new TestAuthority();
        using var forged = others.CreateAuthority("agents", others.Root);
        Assert.Equal(intermediate, forged); // as .NET compares certificates
        using var certificate = others.Create("agent", TestAuthority.ClientAuthentication, forged);
        using var client = Client(certificate);

        await AssertRefusedAsync(client);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("another authority")]
    [InlineData("expired")]
    [InlineData("for servers")]
    public async Task A_sender_without_a_valid_certificate_is_refused(string kind)
    {
        await StartAsync(Tls() with { ClientCaFile = _certificates.WriteCertificate("ca.pem", _certificates.Root) });
        using var others = new TestAuthority();
        using var certificate = kind switch
        {
            "another authority" => others.Create("agent", TestAuthority.ClientAuthentication),
            "expired" => _certificates.Create("agent", TestAuthority.ClientAuthentication, days: -1),
            "for servers" => _certificates.Create("agent", TestAuthority.ServerAuthentication),
            _ => null,
        };
        using var client = Client(certificate);

        await AssertRefusedAsync(client);
    }

    [Theory]
    [InlineData("1.2", null, SslProtocols.Tls12, true)]
    [InlineData("1.2", null, SslProtocols.Tls13, true)]
    [InlineData("1.3", null, SslProtocols.Tls12, false)]
    [InlineData("1.3", null, SslProtocols.Tls13, true)]
    [InlineData("1.2", "1.2", SslProtocols.Tls13, false)]
#pragma warning disable SYSLIB0039, CA5397 // what has to be refused
    [InlineData("1.2", null, SslProtocols.Tls11, false)]
#pragma warning restore SYSLIB0039, CA5397
    public async Task Versions_of_tls_are_kept_to(string min, string? max, SslProtocols offered, bool isTaken)
    {
        await StartAsync(Tls() with { MinVersion = Version.Parse(min), MaxVersion = max is null ? null : Version.Parse(max) });
        using var client = Client(versions: offered);

        if (isTaken)
        {
            Assert.Equal("HTTP/2 https", await _listeners.GetAsync(client, scheme: "https"));
        }
        else
        {
            await AssertRefusedAsync(client);
        }
    }

    [Fact]
    public async Task New_handshakes_get_the_new_certificate_while_an_old_connection_goes_on()
    {
        var tls = Tls() with { ReloadInterval = TimeSpan.FromMinutes(1) };
        await StartAsync(tls);
        var before = _listeners.Metric("otlptap_tls_certificate_not_after_timestamp_seconds", "otlp http");
        var seen = new List<string>();
        using var old = Client(seen: seen);
        Assert.Equal("HTTP/2 https", await _listeners.GetAsync(old, scheme: "https"));

        using var renewed = _certificates.Create("renewed", TestAuthority.ServerAuthentication, days: 200);
        _certificates.WriteCertificate("cert.pem", renewed);
        _certificates.WriteKey("key.pem", renewed);
        _time.Advance(TimeSpan.FromMinutes(1));
        await Deadline.UntilAsync(() => _listeners.Metric("otlptap_tls_certificate_not_after_timestamp_seconds", "otlp http") > before, "the new certificate is in use");

        using var fresh = Client(seen: seen);
        Assert.Equal("HTTP/2 https", await _listeners.GetAsync(fresh, scheme: "https"));
        Assert.Equal("HTTP/2 https", await _listeners.GetAsync(old, scheme: "https"));
        Assert.Equal(["CN=server", "CN=renewed"], seen);
    }

    [Fact]
    public async Task What_cannot_be_read_again_leaves_the_old_in_place_and_is_said_once()
    {
        var tls = Tls() with { ReloadInterval = TimeSpan.FromMinutes(1) };
        await StartAsync(tls);
        using var other = _certificates.Create("other", TestAuthority.ServerAuthentication);
        _certificates.WriteKey("key.pem", other);

        for (var times = 1; times <= 3; times++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            await Deadline.UntilAsync(() => _listeners.Metric("otlptap_tls_reload_failures_total", "otlp http") == times, "the failure is counted");
        }

        var line = Assert.Single(_listeners.Log.Messages);
        Assert.StartsWith($"Warning: otlp http: the certificates in use stay: tls.key_file `{tls.KeyFile}` is no key of tls.cert_file `{tls.CertificateFile}`", line, StringComparison.Ordinal);
        using var client = Client();
        Assert.Equal("HTTP/2 https", await _listeners.GetAsync(client, scheme: "https"));
    }

    [Fact]
    public async Task A_reload_of_the_configuration_reads_the_files_again_without_an_interval()
    {
        var tls = Tls();
        await StartAsync(tls);
        using var renewed = _certificates.Create("renewed", TestAuthority.ServerAuthentication);
        _certificates.WriteCertificate("cert.pem", renewed);
        _certificates.WriteKey("key.pem", renewed);

        await StartAsync(tls);

        var seen = new List<string>();
        using var client = Client(seen: seen);
        await _listeners.GetAsync(client, scheme: "https");
        Assert.Equal(["CN=renewed"], seen);
    }

    [Fact]
    public async Task A_client_ca_is_read_again()
    {
        using var others = new TestAuthority();
        await StartAsync(Tls() with { ClientCaFile = _certificates.WriteCertificate("ca.pem", others.Root), ClientCaFileReload = true });
        using var certificate = _certificates.Create("agent", TestAuthority.ClientAuthentication);
        using var client = Client(certificate);
        await AssertRefusedAsync(client);

        _certificates.WriteCertificate("ca.pem", _certificates.Root);
        _time.Advance(TimeSpan.FromSeconds(10));

        await Deadline.UntilAsync(async () => await TryGetAsync(client), "the new authority is in use");
    }

    [Theory]
    [InlineData("missing certificate", "tls.cert_file `nowhere.pem` cannot be read: ")]
    [InlineData("missing key", "tls.key_file `nowhere.pem` cannot be read: ")]
    [InlineData("missing ca", "tls.client_ca_file `nowhere.pem` cannot be read: ")]
    [InlineData("no certificate", "tls.cert_file `*text.pem` has no certificate in PEM form")]
    [InlineData("no ca", "tls.client_ca_file `*text.pem` has no certificate in PEM form")]
    [InlineData("no key", "tls.key_file `*text.pem` is no key of tls.cert_file `")]
    [InlineData("no text", "neither tls.key_file nor tls.key_pem is given")]
    public async Task A_start_with_unusable_files_names_the_key_and_the_file(string kind, string expected)
    {
        var text = _certificates.Write("text.pem", "no PEM");
        var good = Tls();
        var bad = kind switch
        {
            "missing certificate" => good with { CertificateFile = "nowhere.pem" },
            "missing key" => good with { KeyFile = "nowhere.pem" },
            "missing ca" => good with { ClientCaFile = "nowhere.pem" },
            "no certificate" => good with { CertificateFile = text },
            "no ca" => good with { ClientCaFile = text },
            "no key" => good with { KeyFile = text },
            _ => good with { KeyFile = null },
        };

        var refused = await Assert.ThrowsAsync<ListenException>(() => StartAsync(bad));

        Assert.StartsWith($"cannot serve TLS on 127.0.0.1:0 (otlp http): {expected.Replace("*text.pem", text, StringComparison.Ordinal)}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listener_of_http2_alone_refuses_clients_that_do_not_negotiate_it()
    {
        var settings = ListenerSettings.Of(ListenerName.Http("otlp"), new HttpReceiverOptions { Endpoint = RunningListeners.AnyPort, Tls = Tls() });
        await _listeners.ApplyAsync(new ListenerPlan(settings with { Protocols = HttpProtocols.Http2 }, RunningListeners.Echo()));
        using var client = Client();

        Assert.Equal("HTTP/2 https", await _listeners.GetAsync(client, scheme: "https"));
        await Assert.ThrowsAsync<HttpRequestException>(() => _listeners.GetAsync(client, version: 1, scheme: "https"));
    }

    private Task<Task> StartAsync(ServerTlsOptions tls) =>
        _listeners.ApplyAsync(RunningListeners.Http(options: new HttpReceiverOptions { Endpoint = RunningListeners.AnyPort, Tls = tls }));

    private ServerTlsOptions Tls(bool isRsa = false)
    {
        using var leaf = _certificates.Create("server", TestAuthority.ServerAuthentication, isRsa: isRsa);
        return new ServerTlsOptions { CertificateFile = _certificates.WriteCertificate("cert.pem", leaf), KeyFile = _certificates.WriteKey("key.pem", leaf) };
    }

    /// <summary>Trusts the test's root alone.</summary>
    /// <param name="seen">Gets the subject of each server certificate.</param>
    private HttpClient Client(X509Certificate2? certificate = null, SslProtocols versions = SslProtocols.None, List<string>? seen = null) => new(new SocketsHttpHandler
    {
        SslOptions = new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = versions,
            ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
            RemoteCertificateValidationCallback = (_, server, chain, _) =>
            {
                seen?.Add(server!.Subject);
                using var own = new X509Chain();
                own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                own.ChainPolicy.CustomTrustStore.Add(_certificates.Root);
                own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                own.ChainPolicy.DisableCertificateDownloads = true;
                own.ChainPolicy.ExtraStore.AddRange(chain!.ChainElements.Select(element => element.Certificate).ToArray());
                return own.Build((X509Certificate2)server!);
            },
        },
    });

    // In TLS 1.3 a client learns of it with what it reads first: the handshake is over for it by then.
    private Task<HttpRequestException> AssertRefusedAsync(HttpClient client) => Assert.ThrowsAnyAsync<HttpRequestException>(() => _listeners.GetAsync(client, scheme: "https"));

    private async Task<bool> TryGetAsync(HttpClient client)
    {
        try
        {
            await _listeners.GetAsync(client, scheme: "https");
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
