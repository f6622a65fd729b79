using OtlpTap.Cli;
using OtlpTap.Configuration;
using OtlpTap.Tests.Configuration;
using OtlpTap.Tests.Documentation;

namespace OtlpTap.Tests.Cli;

public sealed class PrintConfigCommandTests : IDisposable
{
    private const string Secrets =
        """
        extensions:
          bearertokenauth: { tokens: [secret-1, "secret-2"] }
          bearertokenauth/one: { token: secret-3 }
          basicauth: { htpasswd: { inline: "a:secret-4" } }
          basicauth/client: { client_auth: { username: user, password: "secret-5" } }
        receivers:
          otlp:
            protocols:
              grpc: { tls: { cert_pem: c, key_pem: secret-6 } }
              http: { response_headers: { x-a: secret-7 } }
        processors:
          tap: { detectors: { judge: { endpoint: "http://judge/?api_key=secret-15", headers: { authorization: secret-16 } } } }
        exporters:
          otlphttp:
            endpoint: https://a/otlp?tenant=shown&api_key=secret-8
            proxy_url: http://user:secret-9@proxy
            headers: { authorization: "Bearer secret-10", x-honeycomb-team: secret-11 }
        service:
          extensions: [bearertokenauth, bearertokenauth/one, basicauth, basicauth/client]
          telemetry:
            metrics: { readers: [{ periodic: { exporter: { otlp: { endpoint: a, headers: { api-key: secret-12 } } } } }] }
            traces: { processors: [{ batch: { exporter: { otlp: { headers: [{ name: api-key, value: secret-13 }] } } } }] }
            resource: { a: secret-14 }
        """;

    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task Files_are_merged_and_variables_put_in()
    {
        using var first = new TemporaryFile("exporters: { otlp: { endpoint: \"${env:OTLPTAP_TEST_UNSET:-tempo}:4317\", headers: { x-a: \"1\" }, timeout: 1s } }\n");
        using var second = new TemporaryFile("exporters: { otlp: { timeout: 2s } }\nprocessors: { tap: { packs: [genai, mcp] } }\n");

        Assert.Equal(0, await InvokeAsync("print-config", "--mode", "unredacted", "--config", first.Path, "-c", second.Path));
        Assert.Equal(
            """
            exporters:
              otlp:
                endpoint: tempo:4317
                headers:
                  x-a: "1"
                timeout: 2s
            processors:
              tap:
                packs: [genai, mcp]

            """,
            _output.ToString().Replace("endpoint: \"tempo:4317\"", "endpoint: tempo:4317", StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_secret_is_shown_unless_it_is_asked_for()
    {
        using var file = new TemporaryFile(Secrets);

        Assert.Equal(0, await InvokeAsync("print-config", "-c", file.Path));
        Assert.DoesNotContain("secret", _output.ToString(), StringComparison.Ordinal);
        Assert.All(["user", "tenant=shown", "[REDACTED]", "x-honeycomb-team", "[\"[REDACTED]\", \"[REDACTED]\"]"], text => Assert.Contains(text, _output.ToString(), StringComparison.Ordinal));

        _output.GetStringBuilder().Clear();
        Assert.Equal(0, await InvokeAsync("print-config", "-c", file.Path, "--mode", "unredacted"));
        Assert.All(Enumerable.Range(1, 14), number => Assert.Contains($"secret-{number}", _output.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_invalid_configuration_is_not_printed()
    {
        using var file = new TemporaryFile("exporter: {}\n");

        Assert.Equal(1, await InvokeAsync("print-config", "-c", file.Path));
        Assert.Equal(("", $"{file.Path}:1:1: exporter: unknown key; did you mean `exporters`?\n"), (_output.ToString(), _error.ToString()));
    }

    [Fact]
    public async Task Only_the_two_modes_there_are_can_be_asked_for() => Assert.Equal(1, await InvokeAsync("print-config", "--mode", "all"));

    [Fact]
    public async Task The_schema_and_the_page_are_printed()
    {
        Assert.Equal(0, await InvokeAsync("config-schema"));
        Assert.StartsWith("{\n  \"$schema\": ", _output.ToString(), StringComparison.Ordinal);
        _output.GetStringBuilder().Clear();
        Assert.Equal(0, await InvokeAsync("config-schema", "--format", "markdown"));
        Assert.StartsWith("# Configuration keys\n", _output.ToString(), StringComparison.Ordinal);
    }

    /// <summary>With it the defaults of schema and page are shown to be those that the readers take.</summary>
    [Theory]
    [InlineData("config/otlptap.yaml")]
    [InlineData("config/tempo.yaml")]
    [InlineData("config/grafana-stack.yaml")]
    [InlineData("tests/OtlpTap.Tests/fixtures/configuration/warnings/memory-limiter-and-limits.yaml")]
    [InlineData(null)]
    public void What_is_printed_with_its_defaults_reads_as_the_same_options(string? file)
    {
        var text = file is null ? Secrets.Replace("api_key=", "$$x=$${y}", StringComparison.Ordinal) : File.ReadAllText(Markdown.InRepository(file));
        var loaded = Configured.Load(text);
        var printed = new ConfigurationPrinter(new ConfigurationLoader().Describe(loaded.Options!), isRedacted: false, hasDefaults: true)
            .Print(ConfigurationLoader.WithOmittedSections(loaded.Merged!, loaded.Options!));

        var again = Configured.Load(printed);

        Assert.Equal(loaded.Problems.Length, again.Problems.Length);
        Assert.Equivalent(loaded.Options, again.Options, strict: true);
        Assert.Contains("include_metadata: false", printed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Defaults_are_those_that_hold_also_in_sections_that_are_left_out()
    {
        using var limited = new TemporaryFile("processors: { memory_limiter: { limit_mib: 999 }, tap: }\nservice: { pipelines: { traces: { receivers: [otlp], processors: [memory_limiter, tap] } } }\n");
        using var nothing = new TemporaryFile("exporters: { otlp_grpc: { endpoint: tempo:4317 } }\n");

        Assert.Equal(0, await InvokeAsync("print-config", "--defaults", "-c", limited.Path));
        Assert.Contains("in_flight_mib: 799\n", _output.ToString(), StringComparison.Ordinal);

        _output.GetStringBuilder().Clear();
        Assert.Equal(0, await InvokeAsync("print-config", "--defaults", "-c", nothing.Path));
        Assert.All(["in_flight_mib: 256\n", "endpoint: 127.0.0.1:4318\n"], line => Assert.Contains(line, _output.ToString(), StringComparison.Ordinal));
    }

    private Task<int> InvokeAsync(params string[] arguments) =>
        CommandLine.InvokeAsync(CommandLine.Create((_, _) => Task.FromResult(7)), arguments, _output, _error);
}
