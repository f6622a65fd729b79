using System.Text;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.EndToEnd.Conformance;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>What people try first: curl, in the ways in which it sends.</summary>
public sealed class CurlTests : IAsyncLifetime
{
    private const string Json = "Content-Type: application/json";
    private const string Protobuf = "Content-Type: application/x-protobuf";

    private static readonly byte[] OneSpan = new TraceBuilder().Span("chat model").ToBytes();
    private static readonly byte[] OneSpanAsJson = Protocols.MessageOf(Protocol.HttpJson, Signal.Traces, OneSpan);

    private readonly ExternalProgram _curl = ExternalProgram.Require("curl", "curl");
    private readonly TestCertificates _certificates = new();
    private StubUpstream _upstream = null!;

    public async ValueTask InitializeAsync() => _upstream = await StubUpstream.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _upstream.DisposeAsync();
        _certificates.Dispose();
    }

    [Fact]
    public async Task JSON_is_taken_and_answered()
    {
        await using var tap = await StartAsync();

        Assert.Equal("200 application/json 1.1 {}", await PostAsync(tap, OneSpanAsJson, "-H", Json));

        Assert.Equal(OneSpan, Assert.Single(_upstream.Calls).Message);
    }

    [Theory]
    [InlineData("--http1.0", "1.1")]
    [InlineData("--http1.1", "1.1")]
    [InlineData("--http2", "1.1")]
    [InlineData("--http2-prior-knowledge", "2")]
    public async Task Every_version_of_HTTP_is_taken(string option, string answered)
    {
        await using var tap = await StartAsync();

        Assert.Equal($"200 application/x-protobuf {answered} ", await PostAsync(tap, OneSpan, "-H", Protobuf, option));

        Assert.Equal(OneSpan, Assert.Single(_upstream.Calls).Message);
    }

    [Fact]
    public async Task Gzip_chunks_and_a_sender_that_asks_first_are_taken()
    {
        await using var tap = await StartAsync();
        var large = new TraceBuilder().Span("chat", ("prompt", new string('x', 3 << 20))).ToBytes();

        Assert.Equal("200 application/x-protobuf 1.1 ", await PostAsync(tap, Sender.Gzip(OneSpan), "-H", Protobuf, "-H", "Content-Encoding: gzip"));
        Assert.Equal("200 application/x-protobuf 1.1 ", await PostAsync(tap, large, "-H", Protobuf, "-H", "Transfer-Encoding: chunked"));
        Assert.Equal("200 application/x-protobuf 1.1 ", await PostAsync(tap, large, "-H", Protobuf, "-H", "Expect: 100-continue"));
        Assert.Equal("200 application/x-protobuf 2 ", await PostAsync(tap, large, "-H", Protobuf, "--http2-prior-knowledge"));

        Assert.Equal([OneSpan, large, large, large], _upstream.Calls.Select(call => call.Message));
    }

    [Fact]
    public async Task A_mistake_is_answered_in_words()
    {
        await using var tap = await StartAsync();

        Assert.StartsWith("415 application/json 1.1 {\"code\":3,\"message\":\"the content type is neither", await PostAsync(tap, OneSpanAsJson), StringComparison.Ordinal);
        Assert.StartsWith("405 application/json 1.1 {\"code\":12,\"message\":\"the method is GET", await RunAsync(null, $"http://{tap.Host.HttpEndpoint}/v1/traces"), StringComparison.Ordinal);
        Assert.StartsWith("404 application/json 1.1 {\"code\":12,\"message\":\"nothing is received at /", await RunAsync(null, $"http://{tap.Host.HttpEndpoint}/"), StringComparison.Ordinal);
        Assert.StartsWith("400 application/json 1.1 {\"code\":3,", await PostAsync(tap, "{]"u8.ToArray(), "-H", Json), StringComparison.Ordinal);
        Assert.Equal("405 application/json 1.1 ", await RunAsync(null, "--head", "-o", "/dev/null", $"http://{tap.Host.HttpEndpoint}/v1/traces"));
    }

    [Fact]
    public async Task A_unix_socket_is_a_way_in()
    {
        await using var tap = await StartAsync(http: directory => $"endpoint: 'unix://{directory}/tap.sock'");

        var answer = await RunAsync(OneSpanAsJson, "-H", Json, "--data-binary", "@-", "--unix-socket", $"{tap.Directory}/tap.sock", "http://localhost/v1/traces");

        Assert.Equal("200 application/json 1.1 {}", answer);
        Assert.Equal(OneSpan, Assert.Single(_upstream.Calls).Message);
    }

    [Theory]
    [InlineData("--http1.1", "1.1")]
    [InlineData("--http2", "2")]
    public async Task Over_TLS_it_knows_the_tap_by_its_authority(string option, string answered)
    {
        var (certificate, key) = _certificates.IssueFiles("127.0.0.1", "server");
        await using var tap = await StartAsync(http: _ => $"endpoint: '127.0.0.1:0', tls: {{ cert_file: '{certificate}', key_file: '{key}' }}");
        var url = $"https://{tap.Host.HttpEndpoint}/v1/traces";

        Assert.Equal($"200 application/json {answered} {{}}", await RunAsync(OneSpanAsJson, "-H", Json, "--data-binary", "@-", option, "--cacert", _certificates.AuthorityFile, url));
        Assert.StartsWith("000 ", await RunAsync(OneSpanAsJson, "-H", Json, "--data-binary", "@-", option, url), StringComparison.Ordinal);

        Assert.Single(_upstream.Calls);
    }

    [Fact]
    public async Task With_mTLS_a_client_without_a_certificate_does_not_come_in()
    {
        var (certificate, key) = _certificates.IssueFiles("127.0.0.1", "server");
        var (ownCertificate, ownKey) = _certificates.IssueFiles("agent", "agent");
        await using var tap = await StartAsync(http: _ => $"endpoint: '127.0.0.1:0', tls: {{ cert_file: '{certificate}', key_file: '{key}', client_ca_file: '{_certificates.AuthorityFile}' }}");
        string[] common = ["-H", Json, "--data-binary", "@-", "--cacert", _certificates.AuthorityFile, $"https://{tap.Host.HttpEndpoint}/v1/traces"];

        Assert.StartsWith("200 ", await RunAsync(OneSpanAsJson, ["--cert", ownCertificate, "--key", ownKey, .. common]), StringComparison.Ordinal);
        Assert.StartsWith("000 ", await RunAsync(OneSpanAsJson, common), StringComparison.Ordinal);

        Assert.Single(_upstream.Calls);
    }

    [Fact]
    public async Task A_bearer_token_opens_and_nothing_else_does()
    {
        await using var tap = await StartAsync("bearertokenauth: { token: sesame }", _ => "endpoint: '127.0.0.1:0', auth: { authenticator: bearertokenauth }");

        Assert.StartsWith("200 ", await PostAsync(tap, OneSpanAsJson, "-H", Json, "-H", "Authorization: Bearer sesame"), StringComparison.Ordinal);
        Assert.StartsWith("401 application/json 1.1 {\"code\":16,", await PostAsync(tap, OneSpanAsJson, "-H", Json, "-H", "Authorization: Bearer guess"), StringComparison.Ordinal);
        Assert.StartsWith("401 ", await PostAsync(tap, OneSpanAsJson, "-H", Json), StringComparison.Ordinal);

        Assert.DoesNotContain("authorization", Assert.Single(_upstream.Calls).Headers.Keys);
    }

    [Fact]
    public async Task A_password_opens_and_nothing_else_does()
    {
        await using var tap = await StartAsync("basicauth: { htpasswd: { inline: 'ann:secret' } }", _ => "endpoint: '127.0.0.1:0', auth: { authenticator: basicauth }");

        Assert.StartsWith("200 ", await PostAsync(tap, OneSpanAsJson, "-H", Json, "--user", "ann:secret"), StringComparison.Ordinal);
        Assert.StartsWith("401 ", await PostAsync(tap, OneSpanAsJson, "-H", Json, "--user", "ann:guess"), StringComparison.Ordinal);
        Assert.StartsWith("401 ", await PostAsync(tap, OneSpanAsJson, "-H", Json), StringComparison.Ordinal);

        Assert.Single(_upstream.Calls);
    }

    private Task<RunningTap> StartAsync(string extension = "", Func<string, string>? http = null) => RunningTap.ConfiguredAsync(directory => $$"""
        extensions: { {{extension}} }
        receivers: { otlp: { protocols: { http: { {{http?.Invoke(directory) ?? "endpoint: '127.0.0.1:0'"}} } } } }
        processors: { tap: { corpus: { directory: '{{directory}}/cases' } } }
        exporters: { otlp_grpc: { endpoint: "{{_upstream.Endpoint}}", tls: { insecure: true } } }
        service:
          extensions: [{{extension.Split(':')[0]}}]
          admin: { endpoint: "127.0.0.1:0" }
          pipelines: { traces: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc] } }
        """);

    private Task<string> PostAsync(RunningTap tap, byte[] body, params string[] options) =>
        RunAsync(body, [.. options, "--data-binary", "@-", $"http://{tap.Host.HttpEndpoint}/v1/traces"]);

    /// <summary>Status, content type, version of HTTP and body; status 000 where there was no answer.</summary>
    private async Task<string> RunAsync(byte[]? input, params string[] arguments)
    {
        using var body = new MemoryStream(input ?? []);

        // The newline parts it from the body.
        var run = await _curl.RunAsync(["--silent", "--show-error", "--write-out", "\n%{http_code} %{content_type} %{http_version}", .. arguments], body, Deadline.Token());
        var end = run.Output.LastIndexOf('\n');
        return $"{run.Output[(end + 1)..]} {run.Output[..end]}";
    }
}
