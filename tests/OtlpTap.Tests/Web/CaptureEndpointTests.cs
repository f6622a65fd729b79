using System.Net;
using System.Text;
using System.Text.Json;
using OtlpTap.Otlp;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;
using OtlpTap.Web;

namespace OtlpTap.Tests.Web;

/// <summary>Over a real socket, HTTP/1.1.</summary>
public sealed class CaptureEndpointTests : IAsyncLifetime
{
    private const string Id = "0123456789abcdef0123456789abcdef";

    private readonly LoopbackServer _server;
    private readonly List<(string Id, string? Failure, string? Comment)> _asked = [];
    private CaptureAnswer _answer = CaptureAnswer.Scheduled;

    public CaptureEndpointTests() => _server = new LoopbackServer(server => server.MapCapture((id, failure, comment) =>
    {
        _asked.Add((id, failure, comment));
        return _answer;
    }));

    public async ValueTask InitializeAsync() => await _server.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("", null, null)]
    [InlineData(" \n", null, null)]
    [InlineData("{}", null, null)]
    [InlineData("""{"failure":"hallucination"}""", "hallucination", null)]
    [InlineData("""{"comment":"made up the price \u201cten\u201d","failure":null}""", null, "made up the price \u201cten\u201d")]
    public async Task A_trace_is_captured_with_or_without_a_reason(string body, string? failure, string? comment)
    {
        var (status, json) = await PostAsync(body);

        Assert.Equal(HttpStatusCode.Accepted, status);
        Assert.Equal(Id, json.GetProperty("trace_id").GetString());
        Assert.Equal("scheduled", json.GetProperty("status").GetString());
        Assert.Equal((Id, failure, comment), Assert.Single(_asked));
    }

    [Theory]
    [InlineData("[]", "the body must be a JSON object")]
    [InlineData("{", "the body is no JSON: it ends too early (byte 1)")]
    [InlineData("""{"failure":7}""", "`failure` must be a string")]
    [InlineData("""{"failure":"../etc"}""", "`failure` must be up to 64 letters")]
    [InlineData("""{"failure":""}""", "`failure` must be up to 64 letters")]
    [InlineData("""{"why":"so"}""", "`why` is not known")]
    [InlineData("""{"comment":"\ud800"}""", "the body has a string that is no text")]
    public async Task A_body_that_is_something_else_is_refused_with_the_reason(string body, string reason)
    {
        var (status, json) = await PostAsync(body);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.StartsWith(reason, json.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Empty(_asked);
    }

    [Fact]
    public async Task A_body_beyond_all_measure_is_refused_before_it_is_read()
    {
        var (status, _) = await PostAsync($$"""{"comment":"{{new string('x', 100_000)}}"}""");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
        Assert.Empty(_asked);
    }

    [Theory]
    [InlineData((int)CaptureAnswer.InvalidId, HttpStatusCode.BadRequest)]
    [InlineData((int)CaptureAnswer.NotRecorded, HttpStatusCode.NotFound)]
    [InlineData((int)CaptureAnswer.Full, HttpStatusCode.ServiceUnavailable)]
    public async Task What_cannot_be_captured_is_said(int answer, HttpStatusCode expected)
    {
        _answer = (CaptureAnswer)answer;
        var (status, json) = await PostAsync("");

        Assert.Equal(expected, status);
        Assert.NotEmpty(json.GetProperty("error").GetString()!);
    }

    [Fact]
    public async Task Not_from_a_page_in_a_browser()
    {
        _server.Client.DefaultRequestHeaders.Add("Origin", "https://example.com");

        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync("")).Status);
        Assert.Empty(_asked);
    }

    [Fact]
    public async Task A_recorded_trace_becomes_a_case_on_request()
    {
        using var files = new TapFiles().Configure(settle: "50ms");
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Fastest, ["--config", files.ConfigFile]);
        var builder = new TraceBuilder().Span("chat");
        await tap.ExportAsync(builder.ToBytes());
        Assert.True(TraceId.TryRead(builder.LastSpan.TraceId.Span, out var id));
        using var client = new HttpClient { BaseAddress = new Uri($"http://{tap.AdminEndpoint}") };

        Assert.Equal(HttpStatusCode.NotFound, await CaptureAsync(Id));
        Assert.Equal(HttpStatusCode.BadRequest, await CaptureAsync("abc"));
        Assert.Equal(HttpStatusCode.Accepted, await CaptureAsync(id.ToString()));
        await Deadline.UntilAsync(() => files.CaseFiles("case.json").Count == 1, "the trace has its case");
        Assert.Contains("\"api\"", await File.ReadAllTextAsync(files.CaseFiles("case.json")[0], TestContext.Current.CancellationToken), StringComparison.Ordinal);

        async Task<HttpStatusCode> CaptureAsync(string trace)
        {
            using var answer = await client.PostAsync($"/api/v1/traces/{trace}/capture", null, TestContext.Current.CancellationToken);
            return answer.StatusCode;
        }
    }

    private async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await _server.Client.PostAsync($"/api/v1/traces/{Id}/capture", content, TestContext.Current.CancellationToken);
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
        return (answer.StatusCode, json.RootElement.Clone());
    }
}
