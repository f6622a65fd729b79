using System.Net;
using System.Net.Http.Headers;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>Credentials of every kind on a tap of its own: where each of them shows, and where none may.</summary>
public sealed class HostileCredentialsTests : IDisposable
{
    private readonly TapFiles _files = new();
    private readonly HttpClient _http = new();

    public void Dispose()
    {
        _http.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task No_credential_is_logged_shown_in_metrics_told_in_an_answer_or_given_to_whom_it_is_not_for()
    {
        await using var upstream = await StubUpstream.StartAsync();
        var tokens = Path.Combine(_files.Directory, "tokens");
        await File.WriteAllTextAsync(tokens, "canary-agent\n", Deadline.Token());
        await File.WriteAllTextAsync(
            _files.ConfigFile,
            $$"""
            extensions:
              bearertokenauth: { filename: '{{tokens}}' }
              basicauth: { client_auth: { username: tap, password: canary-upstream } }
            receivers:
              otlp:
                protocols:
                  grpc: { endpoint: "127.0.0.1:0", auth: { authenticator: bearertokenauth } }
                  http: { endpoint: "127.0.0.1:0", auth: { authenticator: bearertokenauth } }
            processors: { tap: { corpus: { directory: '{{_files.Cases}}' } } }
            exporters:
              otlp_grpc: { endpoint: "{{upstream.Endpoint}}", tls: { insecure: true }, auth: { authenticator: basicauth }, headers: { x-key: canary-header } }
            service: { extensions: [bearertokenauth, basicauth], admin: { endpoint: "127.0.0.1:0" } }
            """,
            Deadline.Token());
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", _files.ConfigFile], _files.Directory);

        var (status, _) = await PostAsync(tap, "Bearer canary-agent");
        Assert.Equal(HttpStatusCode.OK, status);
        var told = new List<string>();
        foreach (var guess in (string[])["Bearer canary-guess", "Bearer canary-agent, Bearer canary-guess", "Basic canary-guess"])
        {
            (status, var answer) = await PostAsync(tap, guess);
            Assert.Equal(HttpStatusCode.Unauthorized, status);
            told.Add(answer);
        }

        var call = Assert.Single(upstream.Calls);
        Assert.Equal("Basic " + Convert.ToBase64String("tap:canary-upstream"u8), call.Headers["authorization"]);
        Assert.Equal("canary-header", call.Headers["x-key"]);
        Assert.DoesNotContain(call.Headers.Values, value => value.Contains("canary-agent", StringComparison.Ordinal));

        await File.WriteAllTextAsync(tokens, "", Deadline.Token());
        var metrics = await tap.GetAsync("/metrics");
        await upstream.DisposeAsync();
        (status, var unavailable) = await PostAsync(tap, "Bearer canary-agent");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        tap.Terminate();
        await tap.ExitCodeAsync();
        Assert.All([.. told, unavailable, metrics, tap.Output, tap.Error], text =>
        {
            Assert.DoesNotContain("canary", text, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToBase64String("tap:canary-upstream"u8), text, StringComparison.Ordinal);
        });
    }

    private async Task<(HttpStatusCode Status, string Body)> PostAsync(TapProcess tap, string authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://{tap.HttpEndpoint}/v1/traces"))
        {
            Content = new ByteArrayContent(new TraceBuilder().Span("chat").ToBytes()) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-protobuf") } },
        };
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using var response = await _http.SendAsync(request, Deadline.Token());
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Deadline.Token()));
    }
}
