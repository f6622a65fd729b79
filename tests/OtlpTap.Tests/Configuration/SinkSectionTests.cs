using OtlpTap.Forward;
using OtlpTap.Sinks;

namespace OtlpTap.Tests.Configuration;

public sealed class SinkSectionTests
{
    [Fact]
    public void Each_kind_has_its_keys()
    {
        using var secret = new TemporaryFile("s3cret\n");
        var sinks = Configured.Valid(Yaml(
            """{ type: otlp_http, endpoint: "https://backend/base", name: a, headers: { authorization: Bearer x }, redact: false }""",
            """{ type: otlp_grpc, endpoint: "tempo:4317", name: b, tls: { insecure: true }, timeout: 2s }""",
            """{ type: file, path: /var/lib/otlptap/cases.jsonl, max_size_mib: 5, max_files: 3, max_queue_mib: 7 }""",
            $"{{ type: webhook, endpoint: 'http://hook/', secret_file: '{secret.Path}' }}")).Processor.Sinks;

        Assert.Equal([("a", SinkKind.OtlpHttp), ("b", SinkKind.OtlpGrpc), ("file", SinkKind.File), ("webhook", SinkKind.Webhook)], sinks.Select(sink => (sink.Name, sink.Kind)));
        Assert.Equal((new Uri("https://backend/base"), false), (sinks[0].Url, sinks[0].Redact));
        Assert.Equal((new UpstreamEndpoint("tempo", 4317, false), TimeSpan.FromSeconds(2), true), (sinks[1].Upstream, sinks[1].Timeout, sinks[1].Redact));
        Assert.Equal(("/var/lib/otlptap/cases.jsonl", 5 << 20, 3, 7 << 20), (sinks[2].Path, sinks[2].FileBytesMax, sinks[2].FilesMax, sinks[2].QueueBytesMax));
        Assert.Equal(secret.Path, sinks[3].SecretFile);
    }

    [Fact]
    public void Two_readings_of_the_same_text_are_equal_so_that_a_reload_changes_nothing()
    {
        var text = Yaml("""{ type: otlp_grpc, endpoint: "tempo:4317", headers: { a: b } }""");
        Assert.True(Configured.Valid(text).Processor.Sinks.SequenceEqual(Configured.Valid(text).Processor.Sinks));
    }

    [Theory]
    [InlineData("{ type: kafka, endpoint: 'http://x' }", "type", "`kafka`")]
    [InlineData("{ type: otlp_http }", "endpoint", "must be set")]
    [InlineData("{ type: otlp_http, endpoint: 'backend:4318' }", "endpoint", "a URL is expected here")]
    [InlineData("{ type: otlp_http, endpoint: 'http://user:p4ss@backend' }", "endpoint", "credentials go into `headers`")]
    [InlineData("{ type: otlp_http, endpoint: 'http://backend', tls: { ca_pem: x } }", "endpoint", "sends without TLS")]
    [InlineData("{ type: otlp_grpc }", "endpoint", "must be set")]
    [InlineData("{ type: otlp_grpc, endpoint: 'ftp://tempo:4317' }", "endpoint", "the scheme is not supported")]
    [InlineData("{ type: otlp_grpc, endpoint: 'tempo:4317/v1/traces' }", "endpoint", "without path")]
    [InlineData("{ type: otlp_grpc, endpoint: 'tempo:0' }", "endpoint", "port 0")]
    [InlineData("{ type: otlp_grpc, endpoint: 'user:p4ss@tempo:4317' }", "endpoint", "without a user")]
    [InlineData("{ type: otlp_grpc, endpoint: 'http://tempo:4317', tls: { ca_pem: x } }", "endpoint", "sends without TLS")]
    [InlineData("{ type: otlp_grpc, endpoint: 'tempo:4317', tls: { ca_file: /nowhere/ca.pem } }", "tls.ca_file", "no file `/nowhere/ca.pem`")]
    [InlineData("{ type: otlp_grpc, endpoint: 'tempo:4317', tls: { cert_file: /dev/null } }", "tls.cert_file", "go together")]
    [InlineData("{ type: otlp_grpc, endpoint: 'tempo:4317', headers: { 'a b': c } }", "headers.a b", "")]
    [InlineData("{ type: file }", "path", "must name a file")]
    [InlineData("{ type: file, path: /tmp }", "path", "`/tmp` is no name of a file")]
    [InlineData("{ type: file, path: x, max_size_mib: -1 }", "max_size_mib", "")]
    [InlineData("{ type: file, path: x, max_size_mib: some }", "max_size_mib", "")]
    [InlineData("{ type: file, path: x, max_files: 0 }", "max_files", "")]
    [InlineData("{ type: file, path: x, endpoint: 'http://backend' }", "endpoint", "a file is not sent anywhere")]
    [InlineData("{ type: file, path: x, timeout: 1s }", "timeout", "a file is not sent anywhere")]
    [InlineData("{ type: webhook }", "endpoint", "must be set")]
    [InlineData("{ type: webhook, endpoint: 'http://hook', secret_file: /nowhere/secret }", "secret_file", "no file `/nowhere/secret`")]
    [InlineData("{ type: webhook, endpoint: 'http://hook', secret_file: '' }", "secret_file", "must name a file")]
    [InlineData("{ type: webhook, endpoint: 'http://hook', secret_file: /dev/null }", "secret_file", "is empty")]
    [InlineData("{ type: webhook, endpoint: 'http://hook', path: x }", "path", "belongs to a file")]
    [InlineData("{ type: webhook, endpoint: 'http://hook', max_size_mib: 1 }", "max_size_mib", "belongs to a file")]
    [InlineData("{ type: webhook, endpoint: 'http://hook', max_files: 1 }", "max_files", "belongs to a file")]
    [InlineData("{ type: otlp_http, endpoint: 'http://backend', secret_file: /dev/null }", "secret_file", "belongs to a webhook")]
    [InlineData("{ endpoint: 'http://backend', timeout: 1ms }", "timeout", "")]
    [InlineData("{ endpoint: 'http://backend', max_queue_mib: 0 }", "max_queue_mib", "")]
    [InlineData("{ endpoint: 'http://backend', redact: maybe }", "redact", "")]
    [InlineData("{ endpoint: 'http://backend', name: 'a b' }", "name", "it becomes a label")]
    [InlineData("{ endpoint: 'http://backend', secret: x }", "secret", "")]
    public void What_is_wrong_is_told_with_its_key_and_line(string sink, string key, string expected)
    {
        var problem = Assert.Single(Configured.Problems(Yaml(sink)));
        Assert.StartsWith("tap.yaml:5:", problem, StringComparison.Ordinal);
        Assert.Contains($"processors.tap.corpus.sinks[0].{key}: ", problem, StringComparison.Ordinal);
        Assert.Contains(expected, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("p4ss", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_sinks_need_two_names()
    {
        var problem = Assert.Single(Configured.Problems(Yaml("{ endpoint: 'http://a' }", "{ endpoint: 'http://b' }")));
        Assert.Contains("sinks[1].name: `otlp_http` is the name of a sink before this one", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_of_blanks_or_beyond_its_bound_is_none()
    {
        using var blank = new TemporaryFile(" \n");
        using var large = new TemporaryFile(new string('x', (64 << 10) + 1));
        foreach (var file in (TemporaryFile[])[blank, large])
        {
            Assert.Contains($"secret_file: `{file.Path}` is empty or larger than 64 KiB", Assert.Single(Configured.Problems(Yaml($"{{ type: webhook, endpoint: 'http://hook', secret_file: '{file.Path}' }}"))), StringComparison.Ordinal);
        }
    }

    private static string Yaml(params string[] sinks) => $"processors:\n  tap:\n    corpus:\n      sinks:\n{string.Concat(sinks.Select(sink => $"        - {sink}\n"))}";
}
