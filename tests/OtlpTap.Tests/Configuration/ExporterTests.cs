using OtlpTap.Configuration;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Configuration;

public sealed class ExporterTests
{
    [Fact]
    public void Every_key_of_otlp_grpc_is_read()
    {
        using var ca = new TemporaryFile("certificates");
        using var certificate = new TemporaryFile("certificate");
        using var key = new TemporaryFile("key");
        var exporter = Assert.IsType<OtlpGrpcExporterOptions>(Read(
            $$"""
            extensions:
              bearertokenauth: { token: "a.b" }
            exporters:
              otlp_grpc:
                endpoint: https://api.example.com:443
                tls:
                  insecure: false
                  insecure_skip_verify: true
                  ca_file: {{ca.Path}}
                  cert_file: {{certificate.Path}}
                  key_file: {{key.Path}}
                  server_name_override: other.example.com
                  min_version: "1.3"
                  reload_interval: 10m
                headers: { X-Team: agents, authorization: "Bearer a b" }
                timeout: 1.5s
                compression: zstd
                auth: { authenticator: bearertokenauth }
                balancer_name: pick_first
                authority: other
                user_agent: mine/1
                on_upstream_failure: spool
                spool: { directory: /spool, max_size_mib: 32, max_age: 1h, segment_size_mib: 2 }
            service: { extensions: [bearertokenauth] }
            """));

        var forward = exporter.Forward;
        Assert.Equal("otlp_grpc", exporter.Id);
        Assert.Equal("https://api.example.com:443", forward.Endpoint);
        Assert.Equal((false, true, ca.Path, certificate.Path, key.Path), (forward.Insecure, forward.InsecureSkipVerify, forward.CaFile, forward.CertificateFile, forward.KeyFile));
        Assert.Equal(("other.example.com", new Version(1, 3), TimeSpan.FromMinutes(10)), (forward.ServerNameOverride, forward.MinTlsVersion, forward.TlsReloadInterval!.Value));
        Assert.Equal([("x-team", "agents"), ("authorization", "Bearer a b")], forward.Headers);
        Assert.Equal((1.5, Compression.Zstd, false, "other", "mine/1"), (forward.TimeoutSeconds, forward.Compression, forward.IsRoundRobin, forward.Authority, forward.UserAgent));
        Assert.Equal(new ClientBearerTokenOptions("bearertokenauth") { Token = "a.b" }, forward.Auth);
        Assert.Equal(new SpoolOptions { Directory = "/spool", BytesMax = 32 << 20, AgeMax = TimeSpan.FromHours(1), SegmentBytes = 2 << 20 }, exporter.Spool);
    }

    [Fact]
    public void Every_key_of_otlp_http_is_read()
    {
        var exporter = Assert.IsType<OtlpHttpExporterOptions>(Read(
            """
            extensions:
              basicauth: { client_auth: { username: user, password: "pass:word" } }
            exporters:
              otlphttp/all:
                endpoint: https://example.com:8443/otlp
                traces_endpoint: http://tempo:4318/v1/traces
                logs_endpoint: https://loki/otlp/v1/logs?x=1
                metrics_endpoint: https://mimir/otlp/v1/metrics
                encoding: json
                max_conns_per_host: 3
                idle_conn_timeout: 10s
                proxy_url: http://user:secret@proxy:3128
                compression: gzip
                timeout: 7s
                auth: { authenticator: basicauth }
            service: { extensions: [basicauth] }
            """));

        Assert.Equal(("otlphttp/all", "https://example.com:8443/otlp"), (exporter.Id, exporter.Forward.Endpoint));
        Assert.Equal(("http://tempo:4318/v1/traces", "https://loki/otlp/v1/logs?x=1", "https://mimir/otlp/v1/metrics"), (exporter.TracesEndpoint, exporter.LogsEndpoint, exporter.MetricsEndpoint));
        Assert.Equal((true, 3, TimeSpan.FromSeconds(10), "http://user:secret@proxy:3128"), (exporter.IsJson, exporter.ConnectionsMax!.Value, exporter.IdleConnectionTimeout, exporter.ProxyUrl));
        Assert.Equal((Compression.Gzip, 7.0), (exporter.Forward.Compression, exporter.Forward.TimeoutSeconds));
        Assert.Equal(new ClientBasicAuthOptions("basicauth", "user", "pass:word"), exporter.Forward.Auth);
    }

    [Fact]
    public void The_time_out_of_otlp_http_is_the_Collectors() =>
        Assert.Equal((30.0, 5.0), (Read("exporters: { otlp_http: { endpoint: http://a } }").Forward.TimeoutSeconds, Read("exporters: { otlp_grpc: { endpoint: a:1 } }").Forward.TimeoutSeconds));

    [Fact]
    public void Every_key_of_file_and_debug_is_read()
    {
        var options = Configured.Valid(
            """
            exporters:
              file: { path: /out.pb, create_directory: true, format: proto, compression: zstd, rotation: { max_megabytes: 1, max_days: 2, max_backups: 3, localtime: true } }
              file/append: { path: /out.json, append: true }
              debug: { verbosity: detailed, sampling_initial: 5, sampling_thereafter: 200 }
            service: { pipelines: { traces: { receivers: [otlp], processors: [tap], exporters: [file, file/append, debug], primary: file/append } } }
            """);

        Assert.Equal(
            [
                new FileExporterOptions("file")
                {
                    Path = "/out.pb",
                    CreateDirectory = true,
                    IsProto = true,
                    IsZstd = true,
                    Rotation = new FileRotationOptions { MegabytesMax = 1, DaysMax = 2, BackupsMax = 3, IsLocalTime = true },
                },
                new FileExporterOptions("file/append") { Path = "/out.json", Append = true },
                new DebugExporterOptions("debug") { Verbosity = DebugVerbosity.Detailed, SamplingInitial = 5, SamplingThereafter = 200 },
            ],
            options.Exporters);
        var pipeline = Assert.Single(options.Pipelines);
        Assert.Equal("file/append", pipeline.Primary!.Id);
        Assert.Equal(["file", "debug"], pipeline.Others.Select(other => other.Id));
    }

    [Fact]
    public void Retries_are_there_when_they_are_written_and_refused_when_they_are_switched_off()
    {
        Assert.Equal((null, false), Retry(""));
        Assert.Equal((new RetryOptions(), false), Retry(", retry_on_failure: {}"));
        Assert.Equal((null, false), Retry(", retry_on_failure: "));
        Assert.Equal((null, true), Retry(", retry_on_failure: { enabled: false, max_elapsed_time: 1m }"));
        Assert.Equal(
            (new RetryOptions { InitialInterval = TimeSpan.FromSeconds(1), IntervalMax = TimeSpan.FromSeconds(2), ElapsedMax = TimeSpan.Zero, Multiplier = 2.5, RandomizationFactor = 0 }, false),
            Retry(", retry_on_failure: { initial_interval: 1s, max_interval: 2s, max_elapsed_time: 0, multiplier: 2.5, randomization_factor: 0 }"));

        static (RetryOptions?, bool) Retry(string keys)
        {
            var exporter = Read($"exporters: {{ otlp_grpc: {{ endpoint: a:1{keys} }} }}");
            return (exporter.Retry, exporter.IsRetryRefused);
        }
    }

    [Fact]
    public void Every_key_of_a_queue_is_read()
    {
        var options = Configured.Valid(
            """
            exporters:
              otlp_grpc: { endpoint: a:1, on_upstream_failure: spool }
              file: { path: /out.json, sending_queue: { num_consumers: 2, queue_size: 5000000000, sizer: bytes, max_size_mib: 7 } }
            service: { pipelines: { traces: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc, file] } } }
            """);

        Assert.Equal(new QueueOptions { Consumers = 2, Size = 5_000_000_000, Sizer = QueueSizer.Bytes, BytesMax = 7 << 20 }, options.Exporters[1].Queue);
        Assert.Equal("./otlptap-data/spool/otlp_grpc", options.Exporters[0].Spool!.Directory);
    }

    [Theory]
    [InlineData("[otlp_grpc]", "otlp_grpc")]
    [InlineData("[debug]", "debug")]
    [InlineData("[debug, otlp_grpc, file]", "otlp_grpc")]
    [InlineData("[file, otlp_http]", "otlp_http")]
    [InlineData("[otlp_http, otlp_grpc], primary: otlp_grpc", "otlp_grpc")]
    [InlineData("[otlp_grpc, debug], primary: debug", "debug")]
    public void The_primary_is_the_one_that_is_named_or_the_only_one_or_the_only_one_that_speaks_OTLP(string exporters, string expected)
    {
        var loaded = Configured.Load(
            $$"""
            exporters:
              otlp_grpc: { endpoint: a:4317 }
              otlp_http: { endpoint: http://a:4318 }
              file: { path: /out.json }
              debug:
            service: { pipelines: { traces: { receivers: [otlp], processors: [tap], exporters: {{exporters}} } } }
            """);

        Assert.Equal(expected, loaded.Options!.PipelineOf("otlp", Signal.Traces)!.Primary!.Id);
        Assert.DoesNotContain(expected, loaded.Options.Pipelines[0].Others.Select(other => other.Id));
    }

    [Fact]
    public void An_exporter_for_some_signals_gets_these_when_no_pipeline_is_written()
    {
        var options = Configured.Valid("exporters: { otlp_http: { logs_endpoint: \"http://loki:3100/otlp/v1/logs\" } }");

        Assert.Equal(Signal.Logs, Assert.Single(options.Pipelines).Signal);
    }

    private static ExporterOptions Read(string text) => Assert.Single(Configured.Valid(text).Exporters);
}
