using OtlpTap.Configuration;
using OtlpTap.Otlp;
using OtlpTap.Receive;

namespace OtlpTap.Tests.Configuration;

public sealed class ReceiverTests
{
    private const string Started =
        """

        extensions:
          bearertokenauth/agents: { header: X-Token, scheme: "", tokens: [one, two] }
          basicauth: { htpasswd: { file: /dev/null, inline: "a:b\nc:$apr1$x$y" } }
        """;

    [Fact]
    public void A_protocol_is_served_when_its_key_is_there_with_or_without_something_behind_it()
    {
        Assert.Equal((true, false), Served("grpc:"));
        Assert.Equal((false, true), Served("http: {}"));
        Assert.Equal((true, true), Served("grpc: , http: "));

        static (bool, bool) Served(string protocols)
        {
            var receiver = Configured.Valid($"receivers: {{ otlp: {{ protocols: {{ {protocols} }} }} }}").Receivers[0];
            return (receiver.Grpc is not null, receiver.Http is not null);
        }
    }

    [Theory]
    [InlineData(UnixFileMode.UserRead, false)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.GroupRead, false)]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.OtherRead, true)]
    public void A_private_key_that_every_user_can_read_is_said(UnixFileMode mode, bool isSaid)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("There are no such permissions.");
            return;
        }

        using var key = new TemporaryFile("");
        File.SetUnixFileMode(key.Path, mode);
        var link = key.Path + ".link";
        File.CreateSymbolicLink(link, key.Path); // as a mounted secret is
        try
        {
            var loaded = new ConfigurationLoader().LoadText([("test.yaml", $"receivers: {{ otlp: {{ protocols: {{ grpc: {{ tls: {{ cert_pem: a, key_file: '{link}' }} }} }} }} }}")]);

            Assert.Equal(isSaid ? 1 : 0, loaded.Problems.Count(problem => problem.ToString()!.Contains($"every user of this machine can read `{link}`", StringComparison.Ordinal)));
            Assert.NotNull(loaded.Options);
        }
        finally
        {
            File.Delete(link);
        }
    }

    [Fact]
    public void Every_key_of_HTTP_is_read()
    {
        var http = Configured.Valid(
            """
            receivers:
              otlp:
                protocols:
                  http:
                    endpoint: 0.0.0.0:14318
                    max_request_body_size: 1048576
                    traces_url_path: t
                    logs_url_path: /l
                    metrics_url_path: /m/m
                    feedback_url_path: /opinions
                    url_path_prefixes: [/api/public/otel/, "*"]
                    cors: { allowed_origins: ["https://*.example.com"], allowed_headers: ["*"], exposed_headers: [x-a], max_age: 7200 }
                    response_headers: { X-A: b }
                    compression_algorithms: ["", gzip]
                    read_header_timeout: 10s
                    idle_timeout: 0
                    keep_alives_enabled: false
                    max_concurrent_streams: 7
            """).Receivers[0].Http!;

        Assert.Equal(new ListenAddress("0.0.0.0", 14318), http.Endpoint);
        Assert.Equal(1 << 20, http.MaxRequestBodyBytes);
        Assert.Equal(("/t", "/l", "/m/m", "/opinions"), (http.Paths.Traces, http.Paths.Logs, http.Paths.Metrics, http.Paths.Feedback));
        Assert.Equal(["/api/public/otel", "*"], http.Paths.Prefixes);
        Assert.Equal(["https://*.example.com"], http.Cors!.AllowedOrigins);
        Assert.Equal(["*"], http.Cors.AllowedHeaders);
        Assert.Equal(["x-a"], http.Cors.ExposedHeaders);
        Assert.Equal(7200, http.Cors.MaxAgeSeconds);
        Assert.Equal([("x-a", "b")], http.ResponseHeaders);
        Assert.Equal(["", "gzip"], http.CompressionAlgorithms);
        Assert.Equal((TimeSpan.FromSeconds(10), TimeSpan.Zero, false, 7), (http.ReadHeaderTimeout, http.IdleTimeout, http.KeepAlivesEnabled, http.MaxConcurrentStreams));
    }

    [Theory]
    [InlineData("endpoint: \"unix:///run/otlp.sock\"")]
    [InlineData("transport: unix, endpoint: /run/otlp.sock")]
    [InlineData("transport: unix, endpoint: \"unix:///run/otlp.sock\"")]
    public void A_Unix_socket_is_named_as_the_Collector_names_it_or_by_a_URL(string keys)
    {
        var options = Configured.Valid($"receivers: {{ otlp: {{ protocols: {{ grpc: {{ {keys} }} }} }} }}");

        Assert.Equal("/run/otlp.sock", options.Receivers[0].Grpc!.Endpoint.UnixPath);
    }

    [Fact]
    public void Every_key_of_TLS_is_read()
    {
        using var certificate = new TemporaryFile("certificate");
        using var clients = new TemporaryFile("clients");
        var tls = Configured.Valid(
            $$"""
            receivers:
              otlp:
                protocols:
                  grpc:
                    tls:
                      cert_file: {{certificate.Path}}
                      key_pem: |
                        -----BEGIN PRIVATE KEY-----
                      client_ca_file: {{clients.Path}}
                      client_ca_file_reload: true
                      min_version: 1.3
                      max_version: "1.3"
                      reload_interval: 1h
            """).Receivers[0].Grpc!.Tls;

        Assert.Equal(
            new ServerTlsOptions
            {
                CertificateFile = certificate.Path,
                KeyPem = "-----BEGIN PRIVATE KEY-----\n",
                ClientCaFile = clients.Path,
                ClientCaFileReload = true,
                MinVersion = new Version(1, 3),
                MaxVersion = new Version(1, 3),
                ReloadInterval = TimeSpan.FromHours(1),
            },
            tls);
    }

    [Fact]
    public void Who_may_come_in_is_what_the_authenticator_names()
    {
        var options = Configured.Valid(
            $$"""
            receivers: { otlp: { protocols: { grpc: { auth: { authenticator: bearertokenauth/agents } }, http: { auth: { authenticator: basicauth } } } } }
            service: { extensions: [basicauth, bearertokenauth/agents], admin: { auth: { authenticator: basicauth } } }
            {{Started}}
            """);

        var bearer = Assert.IsType<BearerTokenOptions>(options.Receivers[0].Grpc!.Authenticator);
        Assert.Equal(("bearertokenauth/agents", "x-token", "", null), (bearer.Id, bearer.Header, bearer.Scheme, bearer.TokenFile));
        Assert.Equal(["one", "two"], bearer.Tokens);
        var basic = Assert.IsType<BasicAuthOptions>(options.Receivers[0].Http!.Authenticator);
        Assert.Equal(("/dev/null", "a:b\nc:$apr1$x$y"), (basic.PasswordFile, basic.Inline));
        Assert.Same(basic, options.Service.Admin.Authenticator);
    }

    [Fact]
    public void The_health_check_is_served_when_the_service_names_it()
    {
        const string Text = "extensions: { health_check: { endpoint: \":13134\", path: /health, response_body: { healthy: ok, unhealthy: no } } }\n";

        var health = Configured.Valid(Text + "service: { extensions: [health_check] }").Service.HealthCheck!;

        Assert.Equal((new ListenAddress("", 13134), "/health", "ok", "no"), (health.Endpoint, health.Path, health.HealthyBody, health.UnhealthyBody));
        Assert.Null(Configured.Load(Text).Options!.Service.HealthCheck);
    }

    [Fact]
    public void Several_receivers_feed_pipelines_of_their_own()
    {
        var options = Configured.Valid(
            """
            receivers:
              otlp/a: { protocols: { grpc: , http: } }
              otlp/b: { protocols: { grpc: { endpoint: ":5317" } } }
            exporters:
              otlp_grpc/a: { endpoint: a:4317 }
              otlp_grpc/b: { endpoint: b:4317 }
            service:
              pipelines:
                traces/a: { receivers: [otlp/a], processors: [tap], exporters: [otlp_grpc/a] }
                traces/b: { receivers: [otlp/b], exporters: [otlp_grpc/b] }
                logs: { receivers: [otlp/a, otlp/b], processors: [tap] }
            """);

        Assert.Equal(["otlp/a", "otlp/b"], options.Receivers.Select(receiver => receiver.Id));
        Assert.Equal(("otlp_grpc/a", "otlp_grpc/b"), (options.PipelineOf("otlp/a", Signal.Traces)!.Primary!.Id, options.PipelineOf("otlp/b", Signal.Traces)!.Primary!.Id));
        Assert.Same(options.PipelineOf("otlp/a", Signal.Logs), options.PipelineOf("otlp/b", Signal.Logs));
    }

    [Fact]
    public void Both_protocols_of_a_receiver_can_share_an_endpoint_when_its_TLS_is_one()
    {
        const string Shared = "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: \":4317\" }}, http: {{ endpoint: \":4317\"{0} }} }} }} }}";
        var tls = ", tls: { cert_pem: a, key_pem: b }";

        Assert.Equal(4317, Configured.Valid(Shared.Replace("{{", "{").Replace("}}", "}").Replace("{0}", "")).Receivers[0].Http!.Endpoint.Tcp.Port);
        Assert.Equal(
            ["tap.yaml:1:82: receivers.otlp.protocols.http.endpoint: is that of `grpc` as well: then `tls` and `auth` of both must be the same"],
            Configured.Problems(Shared.Replace("{{", "{").Replace("}}", "}").Replace("{0}", tls)));
    }

    [Fact]
    public void Protocols_on_one_endpoint_let_in_the_same_senders()
    {
        var text =
            $$"""
            receivers:
              otlp:
                protocols:
                  grpc: { endpoint: ":4317", auth: { authenticator: basicauth } }
                  http: { endpoint: ":4317", auth: { authenticator: bearertokenauth/agents } }
            service: { extensions: [basicauth, bearertokenauth/agents] }
            {{Started}}
            """;

        Assert.Equal(
            ["tap.yaml:5:25: receivers.otlp.protocols.http.endpoint: is that of `grpc` as well: then `tls` and `auth` of both must be the same"],
            Configured.Problems(text));
        Assert.Empty(Configured.Problems(text.Replace("authenticator: basicauth", "authenticator: bearertokenauth/agents", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("metrics: { address: 0.0.0.0:9464 }", "0.0.0.0:9464")]
    [InlineData("metrics: { readers: [{ pull: { exporter: { prometheus: { host: 0.0.0.0, port: 9464 } } } }] }", "0.0.0.0:9464")]
    [InlineData("metrics: { readers: [{ pull: { exporter: { prometheus: { host: \"::1\", port: 9464 } } } }] }", "[::1]:9464")]
    [InlineData("metrics: { readers: [{ pull: { exporter: { prometheus: } } }] }", null)]
    [InlineData("metrics: { level: detailed, readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: 8888 } } } }] }", null)]
    [InlineData("metrics: { address: \"localhost:8888\" }", null)]
    [InlineData("logs: { level: INFO }", null)]
    public void Metrics_are_served_where_the_Collector_would_serve_them_unless_that_is_the_admin_port(string telemetry, string? expected)
    {
        var options = Configured.Valid($"service: {{ telemetry: {{ {telemetry} }} }}");

        Assert.Equal(expected, options.Service.MetricsEndpoint?.ToString());
    }
}
