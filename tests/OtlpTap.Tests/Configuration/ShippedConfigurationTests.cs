using System.Runtime.CompilerServices;
using OtlpTap.Configuration;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Configuration;

public sealed class ShippedConfigurationTests
{
    [Fact]
    public void The_built_in_default_is_the_file_in_the_repository()
    {
        Assert.Equal(File.ReadAllText(InRepository("config/otlptap.yaml")), ConfigurationLoader.BuiltInText());
    }

    [Fact]
    public void The_built_in_default_runs_when_no_file_is_named()
    {
        var loaded = Configured.Loader().Load([]);

        Assert.Empty(loaded.Problems);
        Assert.Equal(new HostPort("127.0.0.1", 4317), loaded.Options!.Receivers[0].Grpc!.Endpoint.Tcp);
        Assert.Equal(new HostPort("127.0.0.1", 4318), loaded.Options.Receivers[0].Http!.Endpoint.Tcp);
        Assert.Equal(new HostPort("127.0.0.1", 8888), loaded.Options.Service.Admin.Endpoint.Tcp);
        Assert.Equal("./otlptap-data/cases", loaded.Options.Processor.CorpusDirectory);
        Assert.Equal(["all"], loaded.Options.Processor.Packs);
        Assert.Empty(loaded.Options.Exporters);
        foreach (var signal in Enum.GetValues<Signal>())
        {
            Assert.Equal((true, null), (loaded.Options.PipelineOf("otlp", signal)!.IsTapped, loaded.Options.PipelineOf("otlp", signal)!.Primary));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing but a comment\n")]
    [InlineData("receivers: { otlp: { protocols: { grpc: , http: } } }\nprocessors: { tap: }\nexporters: {}\nservice: {}\n")]
    [InlineData("receivers: { otlp: { protocols: { grpc: { keepalive: }, http: { idle_timeout: } } } }\nprocessors: { tap: { recorder: , corpus: , tee: {}, limits: } }\nservice: { admin: }\n")]
    public void What_is_left_out_is_as_in_the_built_in_default(string text)
    {
        Assert.Equivalent(Configured.Valid(ConfigurationLoader.BuiltInText()), Configured.Valid(text), strict: true);
    }

    [Fact]
    public void The_Tempo_example_sends_traces_to_Tempo_and_keeps_logs_for_the_cases()
    {
        var loaded = Configured.Loader().Load([InRepository("config/tempo.yaml")]);

        Assert.Empty(loaded.Problems);
        Assert.Equal([Signal.Traces, Signal.Logs], loaded.Options!.Pipelines.Select(each => each.Signal));
        Assert.Null(loaded.Options.PipelineOf("otlp", Signal.Logs)!.Primary);
        var pipeline = loaded.Options.PipelineOf("otlp", Signal.Traces)!;
        Assert.True(pipeline.IsTapped);
        Assert.Equal("tempo:4317", pipeline.Primary!.Forward.Endpoint);
        Assert.True(pipeline.Primary!.Forward.Insecure);
    }

    [Fact]
    public void The_Tempo_example_takes_the_endpoint_from_the_environment()
    {
        var loaded = Configured.Loader(("TEMPO_ENDPOINT", "traces.example:14317")).Load([InRepository("config/tempo.yaml")]);

        Assert.Equal("traces.example:14317", Assert.Single(loaded.Options!.Exporters).Forward.Endpoint);
    }

    [Fact]
    public void The_Grafana_example_sends_each_signal_to_its_own_backend()
    {
        var loaded = Configured.Loader().Load([InRepository("config/grafana-stack.yaml")]);

        Assert.Empty(loaded.Problems);
        Assert.Equal(["tempo:4317", "http://loki:3100/otlp", "http://prometheus:9090/api/v1/otlp"], loaded.Options!.Pipelines.Select(pipeline => pipeline.Primary!.Forward.Endpoint));
        Assert.IsType<OtlpGrpcExporterOptions>(loaded.Options.PipelineOf("otlp", Signal.Traces)!.Primary);
        Assert.NotNull(loaded.Options.PipelineOf("otlp", Signal.Traces)!.Primary!.Spool);
    }

    [Fact]
    public void The_Grafana_example_fetches_traces_of_late_verdicts_and_knows_where_its_Tempo_cuts()
    {
        var tempo = Configured.Loader().Load([InRepository("config/grafana-stack.yaml")]).Options!.Processor.PullTempo!;

        Assert.Equal(("http://tempo:3200/", ""), (tempo.Url.ToString(), tempo.Query));
        Assert.Contains($"max_attribute_bytes: {tempo.AttributeBytesMax}\n", File.ReadAllText(InRepository("config/tempo/tempo.yaml")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_secure_example_lets_nobody_in_without_a_token_and_sends_over_TLS()
    {
        using var file = new TemporaryFile("certificate");
        var loaded = Configured.Loader(("OTLPTAP_TLS_CERT", file.Path), ("OTLPTAP_TLS_KEY", file.Path), ("OTLPTAP_TOKEN", "let-me-in"), ("UPSTREAM_TOKEN", "other")).Load([InRepository("config/secure.yaml")]);

        Assert.Empty(loaded.Problems);
        ListenerOptions[] listeners = [loaded.Options!.Receivers[0].Grpc!, loaded.Options.Receivers[0].Http!];
        Assert.All(listeners, listener => Assert.Equal((file.Path, "bearertokenauth/agents"), (listener.Tls!.CertificateFile, listener.Authenticator!.Id)));
        Assert.Equal(("bearertokenauth/upstream", false), (Assert.Single(loaded.Options.Exporters).Forward.Auth!.Id, loaded.Options.Exporters[0].Forward.Insecure));
    }

    [Fact]
    public void The_image_has_the_ports_that_its_configuration_listens_on_and_may_write_where_it_writes()
    {
        var dockerfile = File.ReadAllText(InRepository("Dockerfile"));
        var loaded = Configured.Loader(("ON_UPSTREAM_FAILURE", "spool")).Load([InRepository("config/container.yaml")]);

        Assert.Empty(loaded.Problems);
        ListenerOptions[] listeners = [loaded.Options!.Receivers[0].Grpc!, loaded.Options.Receivers[0].Http!, loaded.Options.Service.Admin];
        Assert.Equal($"EXPOSE {string.Join(' ', listeners.Select(listener => listener.Endpoint.Tcp.Port))}", Assert.Single(dockerfile.Split('\n'), line => line.StartsWith("EXPOSE ", StringComparison.Ordinal)));
        Assert.Contains("\nCOPY --from=build --chown=1654:1654 /data /var/lib/otlptap\n", dockerfile, StringComparison.Ordinal);
        Assert.Contains("\nWORKDIR /var/lib/otlptap\n", dockerfile, StringComparison.Ordinal);
        Assert.All(
            [loaded.Options.Processor.CorpusDirectory, Assert.Single(loaded.Options.Exporters).Spool!.Directory],
            directory => Assert.StartsWith("/var/lib/otlptap/", Path.GetFullPath(directory, "/var/lib/otlptap"), StringComparison.Ordinal));
        Assert.Null(Assert.Single(Configured.Loader().Load([InRepository("config/container.yaml")]).Options!.Exporters).Spool);
    }

    private static string InRepository(string path, [CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "../../..", path));
}
