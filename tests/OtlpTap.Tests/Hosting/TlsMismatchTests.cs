using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Configuration;
using OtlpTap.Hosting;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Hosting;

/// <summary>TLS at ports without it, and none at ports with it: what the log has, and what the client is told.</summary>
public sealed class TlsMismatchTests : IAsyncLifetime
{
    private const string Vouched = "it has no client certificate that tls.client_ca_file vouches for: none at all, or one of another authority, expired, or for something else";

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly TestAuthority _certificates = new();
    private readonly RunningListeners _listeners;

    public TlsMismatchTests() => _listeners = new RunningListeners(_time);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _listeners.DisposeAsync();
        _certificates.Dispose();
    }

    public static TheoryData<string, string> ClearPorts => new()
    {
        { "otlp grpc", "set receivers.otlp.protocols.grpc.tls, or let the sender go without: http://, or insecure: true" },
        { "otlp http", "set receivers.otlp.protocols.http.tls, or let the sender go without: http://, or insecure: true" },
        { "admin", "set service.admin.tls, or let it be asked without: http://" },
        { "health", "set tls of the health_check extension, or let it be asked without: http://" },
        { "metrics", "let it be asked without, or scrape service.admin, which may have tls" },
    };

    [Theory]
    [MemberData(nameof(ClearPorts))]
    public async Task TLS_at_a_clear_port_is_told_once_in_a_while_with_what_to_set(string listener, string remedy)
    {
        var name = await StartAsync(listener, tls: null);

        var first = await ShakeHandsAsync(name);
        await ShakeHandsAsync(name);

        Assert.Equal($"Warning: {listener}: {first} speaks TLS, and this port takes none: {remedy}", Assert.Single(_listeners.Log.Messages));

        _time.Advance(TlsMismatch.LogInterval);
        var later = await ShakeHandsAsync(name);

        Assert.Equal("Warning: 1 further lines like these were left out", _listeners.Log.Messages[1]);
        Assert.Contains($" {later} speaks TLS", _listeners.Log.Messages[2], StringComparison.Ordinal);
        Assert.Equal(3, _listeners.Metric("otlptap_wrong_protocol_connections_total", listener));
    }

    [Theory]
    [InlineData("otlp grpc")]
    [InlineData("otlp http")]
    [InlineData("admin")]
    public async Task A_clear_port_answers_TLS_in_words(string listener)
    {
        var name = await StartAsync(listener, tls: null);

        var (_, answer) = await SayAsync(name, "\u0016\u0003\u0001\u0002\0\u0001\0\u0001");

        Assert.StartsWith("HTTP/1.1 400 Bad Request\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nthis port takes no TLS: use http://\n", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("otlp grpc", "POST /v1/traces HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1")]
    [InlineData("otlp grpc", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2")]
    [InlineData("otlp http", "POST /v1/traces HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1")]
    [InlineData("otlp http", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2")]
    [InlineData("admin", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1")]
    public async Task HTTP_in_the_clear_at_a_TLS_port_is_told_on_both_sides(string listener, string said, string protocol)
    {
        var name = await StartAsync(listener, Tls());

        var (from, answer) = await SayAsync(name, said);
        await SayAsync(name, said);

        Assert.Equal($"Warning: {listener}: {from} speaks {protocol} in the clear, and this port takes TLS alone: let it use https://, and no insecure: true", Assert.Single(_listeners.Log.Messages));
        Assert.EndsWith("\r\n\r\nthis port takes TLS alone: use https://\n", answer, StringComparison.Ordinal);
        Assert.Equal(2, _listeners.Metric("otlptap_wrong_protocol_connections_total", listener));
        Assert.Equal(0, _listeners.Metric("otlptap_tls_handshake_failures_total", listener));
    }

    [Theory]
    [InlineData("otlp grpc", true)]
    [InlineData("otlp http", true)]
    [InlineData("admin", true)]
    [InlineData("admin", false)]
    public async Task Who_connects_and_says_nothing_is_not_told_of(string listener, bool isTls)
    {
        var name = await StartAsync(listener, isTls ? Tls() : null);

        await SayAsync(name, "");

        await Deadline.UntilAsync(() => _listeners.Metric("otlptap_connections", listener) == 0, "it is gone");
        Assert.Empty(_listeners.Log.Messages);
    }

    [Theory]
    [InlineData("old", "it speaks no version of TLS that this port takes (tls.min_version, tls.max_version)")]
    [InlineData("no certificate", Vouched)]
    [InlineData("other certificate", Vouched)]
    [InlineData("gone", "it went away during the handshake, as clients do that do not trust the certificate of this port")]
    [InlineData("noise", "it speaks no TLS")]
    public async Task A_handshake_that_fails_is_told_with_its_reason_and_counted(string kind, string reason)
    {
        var asksForCertificates = kind is "no certificate" or "other certificate";
        var tls = Tls() with { MinVersion = new Version(1, 3), ClientCaFile = asksForCertificates ? _certificates.WriteCertificate("ca.pem", _certificates.Root) : null };
        var name = await StartAsync("otlp http", tls);

        var from = kind switch
        {
            "gone" => (await SayAsync(name, "\u0016\u0003\u0001\u0002\0\u0001\0\u0001")).From,
            "noise" => (await SayAsync(name, "\0\0\0 no request at all")).From,
            _ => await ShakeHandsAsync(name, kind),
        };

        await Deadline.UntilAsync(() => _listeners.Log.Messages.Count > 0, "it is told");
        Assert.Equal($"Warning: otlp http: no TLS with {from}: {reason}", Assert.Single(_listeners.Log.Messages));
        Assert.Equal(1, _listeners.Metric("otlptap_tls_handshake_failures_total", "otlp http"));
        Assert.Equal(0, _listeners.Metric("otlptap_connections", "otlp http"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("--tls-max 1.2")]
    public async Task A_client_that_does_not_trust_the_port_is_told_of(string option)
    {
        var curl = ExternalProgram.Require("curl", "curl");
        var name = await StartAsync("otlp http", Tls());

        var (exitCode, _, _) = await curl.RunAsync(["-s", .. option.Split(' ', StringSplitOptions.RemoveEmptyEntries), $"https://{_listeners.Set.BoundTo(name)}/"], null, Deadline.Token());

        Assert.Equal(60, exitCode);
        await Deadline.UntilAsync(() => _listeners.Log.Messages.Count > 0, "it is told");

        // In TLS 1.3 what it says of it and its going away race.
        Assert.Matches(": no TLS with 127.0.0.1:[0-9]+: (it does not|it went away .* do not) trust the certificate of this port", Assert.Single(_listeners.Log.Messages));
    }

    [Fact]
    public async Task OTLP_HTTP_at_the_gRPC_port_with_TLS_is_told()
    {
        var name = await StartAsync("otlp grpc", Tls());

        var from = await ShakeHandsAsync(name, "HTTP/1.1");

        await Deadline.UntilAsync(() => _listeners.Log.Messages.Count > 0, "it is told");
        Assert.Equal($"Warning: otlp grpc: no TLS with {from}: it speaks no version of HTTP that this port takes, as OTLP/HTTP does at the port of OTLP/gRPC", Assert.Single(_listeners.Log.Messages));
    }

    [Fact]
    public async Task Handshakes_that_succeed_are_no_lines()
    {
        var name = await StartAsync("otlp http", Tls());

        await ShakeHandsAsync(name, "trusted");

        Assert.Empty(_listeners.Log.Messages);
        Assert.Equal(0, _listeners.Metric("otlptap_tls_handshake_failures_total", "otlp http"));
    }

    private async Task<ListenerName> StartAsync(string listener, ServerTlsOptions? tls)
    {
        var name = listener switch
        {
            "otlp grpc" => ListenerName.Grpc("otlp"),
            "otlp http" => ListenerName.Http("otlp"),
            "admin" => ListenerName.Admin,
            "health" => ListenerName.Health,
            _ => ListenerName.Metrics,
        };
        var settings = name.Role switch
        {
            ListenerRole.Grpc => ListenerSettings.Of(name, new GrpcReceiverOptions { Endpoint = RunningListeners.AnyPort, Tls = tls }),
            ListenerRole.Http => ListenerSettings.Of(name, new HttpReceiverOptions { Endpoint = RunningListeners.AnyPort, Tls = tls }),
            _ => ListenerSettings.Of(name, RunningListeners.AnyPort, tls),
        };
        await _listeners.ApplyAsync(new ListenerPlan(settings, RunningListeners.Echo()));
        return name;
    }

    private ServerTlsOptions Tls()
    {
        using var leaf = _certificates.Create("server", TestAuthority.ServerAuthentication);
        return new ServerTlsOptions { CertificateFile = _certificates.WriteCertificate("server.pem", leaf), KeyFile = _certificates.WriteKey("server.key", leaf) };
    }

    /// <summary>Of a client of .NET, which tells the server why it does not go on.</summary>
    private async Task<EndPoint> ShakeHandsAsync(ListenerName name, string kind = "untrusted")
    {
        using var socket = await ConnectAsync(name);
        var from = socket.LocalEndPoint!;
        using var others = new TestAuthority();
        using var certificate = kind == "other certificate" ? others.Create("agent", TestAuthority.ClientAuthentication) : null;
        await using var tls = new SslStream(new NetworkStream(socket));
        var options = new SslClientAuthenticationOptions { TargetHost = "localhost", EnabledSslProtocols = kind == "old" ? SslProtocols.Tls12 : SslProtocols.None };
        if (kind != "untrusted")
        {
            options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            options.CertificateChainPolicy.CustomTrustStore.Add(_certificates.Root);
        }

        if (kind == "HTTP/1.1")
        {
            options.ApplicationProtocols = [SslApplicationProtocol.Http11];
        }

        if (certificate is not null)
        {
            options.ClientCertificates = [certificate];
            options.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
        }

        try
        {
            await tls.AuthenticateAsClientAsync(options, Deadline.Token());
            await tls.WriteAsync("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"u8.ToArray(), Deadline.Token());
            await tls.CopyToAsync(Stream.Null, Deadline.Token());
        }
        catch (Exception refused) when (refused is AuthenticationException or IOException)
        {
            // As it should be.
        }

        return from;
    }

    private async Task<(EndPoint From, string Answer)> SayAsync(ListenerName name, string text)
    {
        using var socket = await ConnectAsync(name);
        await using var stream = new NetworkStream(socket);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(text), Deadline.Token());
        var from = socket.LocalEndPoint!;
        socket.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream);
        return (from, await reader.ReadToEndAsync(Deadline.Token()));
    }

    private async Task<Socket> ConnectAsync(ListenerName name)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_listeners.Set.BoundTo(name)!, Deadline.Token());
        return socket;
    }
}
