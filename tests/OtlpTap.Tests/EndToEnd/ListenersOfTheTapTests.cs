using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using OtlpTap.Configuration;
using OtlpTap.Hosting;
using OtlpTap.Otlp;
using OtlpTap.Receive;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Hosting;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>A whole tap whose receivers and admin port have TLS, authenticators and Unix sockets.</summary>
public sealed class ListenersOfTheTapTests : IAsyncLifetime
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes);
    private static readonly byte[] Request = new TraceBuilder().Span("healthy").ToBytes();
    private static readonly BearerTokenOptions Token = new("bearertokenauth") { Tokens = ["sesame"] };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("otlptap-test-");
    private readonly TestAuthority _certificates = new();
    private readonly ListLogger<TapHost> _log = new();
    private readonly List<IDisposable> _clients = [];
    private StubUpstream _upstream = null!;
    private TapHost? _tap;

    public async ValueTask InitializeAsync() => _upstream = await StubUpstream.StartAsync();

    public async ValueTask DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        if (_tap is not null)
        {
            await _tap.DisposeAsync();
        }

        await _upstream.DisposeAsync();
        _certificates.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_bearer_token_lets_in_and_does_not_travel_on()
    {
        await StartAsync(grpc => grpc with { Authenticator = Token });

        await Export(_tap!.GrpcEndpoint, new Grpc.Core.Metadata { { "authorization", "Bearer sesame" }, { "x-scope-orgid", "tenant" } });

        var call = Assert.Single(_upstream.Calls);
        Assert.Equal(Request, call.Message);
        Assert.Equal("tenant", call.Headers["x-scope-orgid"]);
        Assert.DoesNotContain("authorization", call.Headers.Keys);
    }

    [Fact]
    public async Task A_credential_for_the_upstream_still_travels_where_the_tap_has_a_header_of_its_own()
    {
        await StartAsync(grpc => grpc with { Authenticator = Token with { Header = "x-tap-token", Scheme = "" } });

        await Export(_tap!.GrpcEndpoint, new Grpc.Core.Metadata { { "x-tap-token", "sesame" }, { "authorization", "Bearer upstream" } });

        var call = Assert.Single(_upstream.Calls);
        Assert.Equal("Bearer upstream", call.Headers["authorization"]);
        Assert.DoesNotContain("x-tap-token", call.Headers.Keys);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer guess")]
    public async Task Who_is_not_let_in_is_told_before_the_body_is_read(string? header)
    {
        await StartAsync(grpc => grpc with { Authenticator = Token });
        var channel = Channel($"http://{_tap!.GrpcEndpoint}");
        var headers = header is null ? [] : new Grpc.Core.Metadata { { "authorization", header } };

        // A stream that is never finished: whoever read the message first would wait for it.
        using var call = channel.CreateCallInvoker().AsyncClientStreamingCall(
            new Method<byte[], byte[]>(MethodType.ClientStreaming, ExportServiceNames.Of(Signal.Traces), "Export", Bytes, Bytes), null, new CallOptions(headers));
        var refused = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.InTime());

        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
        Assert.Equal("the credentials are missing or not known", refused.Status.Detail);
        Assert.Empty(_upstream.Calls);
        Assert.Equal(1, await MetricAsync("otlptap_unauthenticated_requests_total{listener=\"otlp grpc\"}"));
    }

    [Theory]
    [InlineData("application/x-protobuf", "application/x-protobuf")]
    [InlineData("application/json", "application/json")]
    [InlineData("text/html", "text/plain; charset=utf-8")]
    public async Task Over_http_the_answer_is_401_in_the_type_of_the_request(string type, string expected)
    {
        await StartAsync(grpc => grpc with { Authenticator = Token });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{_tap!.GrpcEndpoint}/v1/traces")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Request) { Headers = { ContentType = new MediaTypeHeaderValue(type) } },
        };
        using var response = await Http().SendAsync(request, Deadline.Token());
        var body = await response.Content.ReadAsByteArrayAsync(Deadline.Token());

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
        Assert.Equal(expected, response.Content.Headers.ContentType!.ToString());
        var text = Encoding.UTF8.GetString(body);
        if (type == "application/x-protobuf")
        {
            // google.rpc.Status: code = 16, message
            Assert.Equal(new byte[] { 0x08, 16, 0x12, 40 }, body[..4]);
            Assert.EndsWith("the credentials are missing or not known", text, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(type == "application/json" ? """{"code":16,"message":"the credentials are missing or not known"}""" : "the credentials are missing or not known\n", text);
        }
    }

    [Fact]
    public async Task The_admin_port_with_tls_and_an_authenticator_shows_nothing_to_strangers()
    {
        using var leaf = _certificates.Create("server", TestAuthority.ServerAuthentication);
        var tls = new ServerTlsOptions { CertificateFile = _certificates.WriteCertificate("cert.pem", leaf), KeyFile = _certificates.WriteKey("key.pem", leaf) };
        await StartAsync(admin: admin => admin with { Tls = tls, Authenticator = new BasicAuthOptions("basicauth") { Inline = "ann:secret" } });
        var client = Http(Trusting());

        foreach (var path in (string[])["/", "/metrics", "/healthz", "/readyz", "/nowhere"])
        {
            using var stranger = await client.GetAsync(new Uri($"https://{_tap!.AdminEndpoint}{path}"), Deadline.Token());
            Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
            Assert.Equal("Basic", stranger.Headers.WwwAuthenticate.Single().Scheme);
        }

        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String("ann:secret"u8));
        Assert.Contains("otlptap_build_info", await client.GetStringAsync(new Uri($"https://{_tap!.AdminEndpoint}/metrics"), Deadline.Token()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0", false, true)]
    [InlineData("0.0.0.0", true, false)]
    [InlineData("127.0.0.1", false, false)]
    public async Task An_admin_port_that_everyone_reaches_is_said_once(string host, bool isProtected, bool isSaid)
    {
        await StartAsync(admin: admin => admin with { Endpoint = new ListenAddress(host, 0), Authenticator = isProtected ? Token : null });

        Assert.Equal(isSaid ? 1 : 0, _log.Messages.Count(line => line == "Warning: service.admin listens on 0.0.0.0:0 and lets in everyone who reaches it: metrics tell what runs here, and the API lets traces be kept; give it an api.token, an auth.authenticator, or an address of this machine alone"));
    }

    [Fact]
    public async Task Grpc_with_a_client_certificate_goes_through_tls()
    {
        using var leaf = _certificates.Create("server", TestAuthority.ServerAuthentication);
        var tls = new ServerTlsOptions
        {
            CertificateFile = _certificates.WriteCertificate("cert.pem", leaf),
            KeyFile = _certificates.WriteKey("key.pem", leaf),
            ClientCaFile = _certificates.WriteCertificate("ca.pem", _certificates.Root),
        };
        await StartAsync(grpc => grpc with { Tls = tls });
        using var agent = _certificates.Create("agent", TestAuthority.ClientAuthentication);

        await Export(Channel($"https://{_tap!.GrpcEndpoint}", Trusting(agent)));
        var refused = await Assert.ThrowsAsync<RpcException>(() => Export(Channel($"https://{_tap!.GrpcEndpoint}", Trusting())));

        Assert.Equal(Request, Assert.Single(_upstream.Calls).Message);
        Assert.Contains(refused.StatusCode, new[] { StatusCode.Unavailable, StatusCode.Internal });
    }

    [Fact]
    public async Task Grpc_goes_through_a_unix_socket()
    {
        var path = Path.Combine(_folder.FullName, "tap.sock");
        await StartAsync(grpc => grpc with { Endpoint = new ListenAddress(default, path) });

        await Export(Channel("http://localhost", new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        }));

        Assert.Equal(Request, Assert.Single(_upstream.Calls).Message);
        Assert.Equal(path, _tap!.Listeners.BoundTo(ListenerName.Grpc("otlp"))!.ToString());
    }

    [Fact]
    public async Task Each_receiver_has_its_own_port_pipelines_and_limit()
    {
        var traces = new ReceiverOptions("otlp/traces", new GrpcReceiverOptions { Endpoint = new ListenAddress("127.0.0.1", 0) }, null);
        var small = new ReceiverOptions("otlp/small", new GrpcReceiverOptions { Endpoint = new ListenAddress("127.0.0.1", 0), MaxReceiveMessageBytes = 16 }, null);
        await StartAsync(receivers: [traces, small]);
        var first = (IPEndPoint)_tap!.Listeners.BoundTo(ListenerName.Grpc("otlp/traces"))!;
        var second = (IPEndPoint)_tap.Listeners.BoundTo(ListenerName.Grpc("otlp/small"))!;
        Assert.NotEqual(first.Port, second.Port);

        await Export(first, []);
        Assert.Single(_upstream.Calls);
        var noPipeline = await Assert.ThrowsAsync<RpcException>(() => Export(first, [], Signal.Logs));
        Assert.Equal(StatusCode.Unimplemented, noPipeline.StatusCode);
        var tooLarge = await Assert.ThrowsAsync<RpcException>(() => Export(second, []));
        Assert.Equal(StatusCode.ResourceExhausted, tooLarge.StatusCode);
        Assert.Single(_upstream.Calls);
    }

    private async Task StartAsync(Func<GrpcReceiverOptions, GrpcReceiverOptions>? grpc = null, Func<AdminOptions, AdminOptions>? admin = null, ReceiverOptions[]? receivers = null)
    {
        var loaded = new ConfigurationLoader().LoadText([("test.yaml", $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { corpus: { directory: '{{_folder.FullName}}' } } }
            exporters: { otlp_grpc: { endpoint: "{{_upstream.Endpoint}}", tls: { insecure: true } } }
            service:
              admin: { endpoint: "127.0.0.1:0" }
              pipelines: { traces: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc] } }
            """)]);
        var options = loaded.Options ?? throw new InvalidOperationException(string.Join('\n', loaded.Problems));
        receivers ??= [options.Receivers[0] with { Grpc = (grpc ?? (same => same))(options.Receivers[0].Grpc!) }];
        _tap = TapHost.Create(
            options with
            {
                Receivers = [.. receivers],
                Pipelines = [.. options.Pipelines.Select(pipeline => pipeline with { Receivers = [.. receivers.Select(receiver => receiver.Id)] })],
                Service = options.Service with { Admin = (admin ?? (same => same))(options.Service.Admin) },
            },
            TimeProvider.System,
            new OneLog(_log));
        await _tap.StartAsync(Deadline.Token());
    }

    private Task Export(IPEndPoint endpoint, Grpc.Core.Metadata headers, Signal signal = Signal.Traces) => Export(Channel($"http://{endpoint}"), headers, signal);

    private static async Task Export(GrpcChannel channel, Grpc.Core.Metadata? headers = null, Signal signal = Signal.Traces)
    {
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(
            new Method<byte[], byte[]>(MethodType.Unary, ExportServiceNames.Of(signal), "Export", Bytes, Bytes), null, new CallOptions(headers), Request);
        await call.ResponseAsync.InTime();
    }

    private GrpcChannel Channel(string address, HttpMessageHandler? handler = null)
    {
        var channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        _clients.Add(channel);
        return channel;
    }

    private HttpClient Http(HttpMessageHandler? handler = null)
    {
        var client = handler is null ? new HttpClient() : new HttpClient(handler);
        _clients.Add(client);
        return client;
    }

    private async Task<double> MetricAsync(string series)
    {
        var text = await Http().GetStringAsync(new Uri($"http://{_tap!.AdminEndpoint}/metrics"), Deadline.Token());
        var line = text.Split('\n').Single(line => line.StartsWith(series + " ", StringComparison.Ordinal));
        return double.Parse(line.AsSpan(series.Length + 1), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static SocketsHttpHandler Trusting(X509Certificate2? certificate = null) => new()
    {
        SslOptions = new SslClientAuthenticationOptions
        {
            ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
            RemoteCertificateValidationCallback = (_, server, _, _) => server!.Subject == "CN=server",
        },
    };

    private sealed class OneLog(ILogger logger) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => logger;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
