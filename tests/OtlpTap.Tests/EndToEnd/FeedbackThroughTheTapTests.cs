using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.Evaluations;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Pull;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>What users say, posted beside the traces they say it of.</summary>
public sealed class FeedbackThroughTheTapTests
{
    private const string TraceId = "00000000000000000000000000000001";
    private const string Down = $$"""{ "trace_id": "{{TraceId}}", "thumbs": "down", "comment": "Wrong city, write to ann@example.com", "user": "ann" }""";

    private static readonly byte[] Answer = Told.Traces(
        Told.Span(1, 1, 0, "invoke_agent planner", ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "planner"), ("gen_ai.conversation.id", "s-1")),
        Told.Span(1, 2, 1, "chat model", ("gen_ai.operation.name", "chat"), ("gen_ai.response.id", "resp_1"), ("gen_ai.input.messages", """[{"role":"user","parts":[{"type":"text","content":"Weather in Paris?"}]}]""")));

    [Fact]
    public async Task Twenty_minutes_later_a_thumb_down_makes_the_whole_trace_a_case()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var backend = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(backend, time: time);
        await tap.ExportAsync(Signal.Traces, Answer);
        time.Advance(TimeSpan.FromMinutes(20));

        var (status, body) = await PostAsync(tap, Down);

        Assert.Equal((HttpStatusCode.Accepted, "accepted"), (status, body.GetProperty("feedback")[0].GetProperty("status").GetString()));
        Assert.Equal(body.GetProperty("ids")[0].GetString(), body.GetProperty("feedback")[0].GetProperty("id").GetString());
        using var written = await CaseAsync(tap, time);
        Assert.Equal("negative_feedback", written.RootElement.GetProperty("failure").GetString());
        Assert.Equal(2, written.RootElement.GetProperty("span_count").GetInt32());
        var verdict = Assert.Single(written.RootElement.GetProperty("verdicts").EnumerateArray());
        Assert.Equal(("feedback", "thumbs_down", "Wrong city, write to [email]"), (verdict.GetProperty("source").GetString(), verdict.GetProperty("label").GetString(), verdict.GetProperty("explanation").GetString()));
        Assert.Equal(1, await tap.MetricAsync("otlptap_feedback_total{service=\"agent\",agent=\"planner\",value=\"negative\"}"));

        await UntilAsync(time, () => Logs(backend).Count > 0, "the backend has the record");
        var record = Assert.Single(Logs(backend));
        Assert.Equal("gen_ai.evaluation.result", record.EventName);
        Assert.Equal((TraceBuilder.TraceIdBytes(1), TraceBuilder.SpanIdBytes(1)), (record.TraceId, record.SpanId));
        Assert.Equal(("user_feedback", "thumbs_down", "human", "negative"), (Text(record, "gen_ai.evaluation.name"), Text(record, "gen_ai.evaluation.score.label"), Text(record, "gen_ai.evaluation.source"), Text(record, "otlptap.feedback.value")));
        Assert.Equal("Wrong city, write to [email]", Text(record, "gen_ai.evaluation.explanation"));
        Assert.Equal(body.GetProperty("ids")[0].GetString(), Text(record, "otlptap.feedback.id"));
        Assert.Matches("^[0-9a-f]{16}$", Text(record, "user.hash"));
    }

    [Fact]
    public async Task A_thumb_on_a_trace_that_the_recorder_has_no_longer_makes_a_case_of_what_Tempo_has()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var backend = await StubBackend.StartAsync();
        backend.Add(9, new TraceBuilder().Resource("shop").Span("chat model", ("gen_ai.operation.name", "chat")), time.GetUtcNow().ToUnixTimeSeconds() - 86_400);
        await using var tap = await RunningTap.StartAsync(tap: $"pull: {{ tempo: {{ url: '{backend.Url}' }} }}", time: time);

        var (status, _) = await PostAsync(tap, """{ "trace_id": "00000000000000000000000000000009", "stars": 1 }""");

        Assert.Equal(HttpStatusCode.Accepted, status);
        using var written = await CaseAsync(tap, time);
        Assert.Equal("negative_feedback", written.RootElement.GetProperty("failure").GetString());
        Assert.Equal(["tempo"], written.RootElement.GetProperty("fetched_from").EnumerateArray().Select(source => source.GetString()));
    }

    [Fact]
    public async Task Of_a_trace_that_the_recorder_has_lost_the_service_and_agent_are_remembered()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var backend = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(backend, "recorder: { max_age: 1m }", time: time);
        await tap.ExportAsync(Signal.Traces, Answer);
        await Deadline.UntilAsync(async () => (await tap.GetAsync("/api/v1/health")).Contains("planner", StringComparison.Ordinal), "its steps are counted");
        time.Advance(TimeSpan.FromMinutes(30));

        await PostAsync(tap, Down);
        await UntilAsync(time, () => Logs(backend).Count > 0, "the backend has the record");

        var request = Assert.Single(backend.Calls, call => call.Path.EndsWith("LogsService/Export", StringComparison.Ordinal));
        var resource = Assert.Single(ExportLogsServiceRequest.Parser.ParseFrom(request.Message).ResourceLogs);
        Assert.Equal("agent", Assert.Single(resource.Resource.Attributes, attribute => attribute.Key == "service.name").Value.StringValue);
        Assert.Equal("planner", Text(Assert.Single(Logs(backend)), "gen_ai.agent.name"));
        Assert.Equal(1, await tap.MetricAsync("otlptap_feedback_total{service=\"agent\",agent=\"planner\",value=\"negative\"}"));
        using var health = JsonDocument.Parse(await tap.GetAsync("/api/v1/health/agent/planner"));
        Assert.Equal(1, health.RootElement.GetProperty("values").GetProperty("feedback.negative_1h").GetDouble());
    }

    [Fact]
    public async Task By_response_or_session_it_finds_the_answer_and_praise_marks_what_others_complain_of()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var backend = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(backend, time: time);
        await tap.ExportAsync(Signal.Traces, Answer);
        await Deadline.UntilAsync(async () => await PostedAsync(), "the response has come by");

        await PostAsync(tap, """[ { "session_id": "s-1", "score": 1, "range": [0, 10] }, { "session_id": "s-1", "thumbs": "up" }, { "session_id": "s-1", "label": "purple" } ]""");

        using var written = await CaseAsync(tap, time);
        Assert.Equal(["0000000000000002", "0000000000000001"], written.RootElement.GetProperty("verdicts").EnumerateArray().Where(verdict => verdict.GetProperty("failure").GetString() == "negative_feedback").Select(verdict => verdict.GetProperty("span_id").GetString()));
        await UntilAsync(time, () => Logs(backend).Count == 4, "the backend has all of it");
        Assert.Equal(["negative", "negative", "neutral", "positive"], Logs(backend).Select(record => Text(record, "otlptap.feedback.value")).Order());
        Assert.Equal(1, await tap.MetricAsync("otlptap_feedback_total{service=\"agent\",agent=\"planner\",value=\"neutral\"}"));

        // The recorder tells of a request in its own time.
        async ValueTask<bool> PostedAsync() =>
            (await PostAsync(tap, """{ "response_id": "resp_1", "thumbs": "down", "id": "first" }""")).Body.GetProperty("feedback")[0].GetProperty("status").GetString() is "accepted" or "repeated"
            && await tap.MetricAsync("otlptap_feedback_total{service=\"agent\",agent=\"planner\",value=\"negative\"}") == 1;
    }

    [Fact]
    public async Task Feedback_that_came_as_telemetry_is_told_once_and_counted_too()
    {
        await using var backend = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(backend);
        await tap.ExportAsync(Signal.Traces, Answer);
        await tap.ExportAsync(Signal.Logs, Told.Logs(Told.Log(1, 2, "gen_ai.evaluation.result", ("gen_ai.evaluation.name", "user_feedback"), ("gen_ai.evaluation.score.label", "thumbs_down"), ("microsoft.gen_ai.evaluation.actor.type", "human"))));
        await tap.ExportAsync(Signal.Logs, Told.Logs(Told.Log(0, 0, "gen_ai.evaluation.user_feedback", ("gen_ai.response.id", "resp_1"), ("gen_ai.evaluation.score", 1.0))));

        await Deadline.UntilAsync(() => Logs(backend).Any(record => Text(record, "otlptap.feedback.value") == "positive"), "the one that no log record in its trace has");
        Assert.Equal(1, await tap.MetricAsync("otlptap_feedback_total{service=\"agent\",agent=\"planner\",value=\"negative\"}"));
        Assert.Equal(1, await tap.MetricAsync("otlptap_feedback_total{service=\"agent\",agent=\"planner\",value=\"positive\"}"));
        Assert.Equal(3, Logs(backend).Count); // both as they came, and one
    }

    [Fact]
    public async Task All_senders_together_have_a_bound()
    {
        await using var tap = await StartAsync("bearertokenauth: { tokens: [sesame, pepper] }", "auth: { authenticator: bearertokenauth }", "total_per_minute: 1");
        using var first = await SendAsync(tap, Down, request => request.Headers.Add("Authorization", "Bearer sesame"));

        using var second = await SendAsync(tap, Down, request => request.Headers.Add("Authorization", "Bearer pepper"));

        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.TooManyRequests), (first.StatusCode, second.StatusCode));
        Assert.InRange(second.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        Assert.Contains("too much feedback from all senders together: try again later", await second.Content.ReadAsStringAsync(Deadline.Token()), StringComparison.Ordinal);
        Assert.Equal(1, await tap.MetricAsync("otlptap_feedback_rejected_total{reason=\"limited_all\"}"));
    }

    [Fact]
    public async Task Behind_a_token_feedback_needs_it_and_each_token_has_its_share()
    {
        await using var tap = await StartAsync("bearertokenauth: { tokens: [sesame, pepper] }", "auth: { authenticator: bearertokenauth }", "per_minute: 2");

        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(tap, Down)).Status);
        Assert.Equal([202, 202, 429], await StatusesAsync("sesame", 3));
        Assert.Equal([202], await StatusesAsync("pepper", 1));
        Assert.Equal(1, await tap.MetricAsync("otlptap_feedback_rejected_total{reason=\"limited\"}"));

        async Task<List<int>> StatusesAsync(string token, int count)
        {
            var statuses = new List<int>();
            for (var i = 0; i < count; i++)
            {
                using var response = await SendAsync(tap, Down, request => request.Headers.Add("Authorization", $"Bearer {token}"));
                Assert.Equal(response.StatusCode == HttpStatusCode.TooManyRequests, response.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
                statuses.Add((int)response.StatusCode);
            }

            return statuses;
        }
    }

    [Fact]
    public async Task A_page_of_an_allowed_origin_may_post_and_can_read_what_is_wrong()
    {
        await using var tap = await StartAsync(http: "cors: { allowed_origins: ['https://shop.example.com'] }");

        using var preflight = await SendAsync(tap, null, request =>
        {
            request.Method = HttpMethod.Options;
            request.Headers.Add("Access-Control-Request-Method", "POST");
            request.Headers.Add("Access-Control-Request-Headers", "content-type");
            request.Headers.Add("Origin", "https://shop.example.com");
        });
        Assert.Equal(HttpStatusCode.NoContent, preflight.StatusCode);
        Assert.Equal("https://shop.example.com", Assert.Single(preflight.Headers.GetValues("Access-Control-Allow-Origin")));
        Assert.Contains("content-type", Assert.Single(preflight.Headers.GetValues("Access-Control-Allow-Headers")), StringComparison.Ordinal);

        using var answer = await SendAsync(tap, """{ "trace_id": "x", "stars": 9 }""", request => request.Headers.Add("Origin", "https://shop.example.com"));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("https://shop.example.com", Assert.Single(answer.Headers.GetValues("Access-Control-Allow-Origin")));
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(["`trace_id` must be 32 hexadecimal digits, not all of them 0", "`stars` must be a whole number from 1 to 5"], body.RootElement.GetProperty("problems").EnumerateArray().Select(problem => problem.GetString()));
        Assert.Equal("the feedback is not valid, and none of it was taken", body.RootElement.GetProperty("error").GetString());
    }

    [Theory]
    [InlineData("GET", "application/json", null, 405, "unsupported")]
    [InlineData("POST", "text/plain", null, 415, "unsupported")]
    [InlineData("POST", "application/x-www-form-urlencoded", null, 415, "unsupported")]
    [InlineData("POST", "application/json", "gzip", 415, "unsupported")]
    [InlineData("POST", "application/json", null, 400, "invalid")]
    public async Task What_is_no_feedback_is_turned_away_and_counted(string method, string type, string? encoding, int status, string reason)
    {
        await using var tap = await StartAsync();

        using var response = await SendAsync(tap, method == "GET" ? null : "{}", request =>
        {
            request.Method = new HttpMethod(method);
            request.Content?.Headers.Remove("Content-Type");
            request.Content?.Headers.TryAddWithoutValidation("Content-Type", type);
            request.Content?.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        });

        Assert.Equal((status, "application/json"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.NotEqual("", body.RootElement.GetProperty("error").GetString());
        Assert.Equal(1, await tap.MetricAsync($"otlptap_feedback_rejected_total{{reason=\"{reason}\"}}"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_that_is_too_large_is_refused_whether_it_says_its_length_or_not(bool saysLength)
    {
        await using var tap = await StartAsync();
        var body = $$"""{ "trace_id": "{{TraceId}}", "thumbs": "down", "comment": "{{new string('x', 1 << 20)}}" }""";

        using var response = await SendAsync(tap, body, request => request.Headers.TransferEncodingChunked = !saysLength);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal(1, await tap.MetricAsync("otlptap_feedback_rejected_total{reason=\"too_large\"}"));
        await tap.SettledAsync();
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync(tap, Down)).Status);
    }

    [Fact]
    public async Task The_path_can_be_set_has_the_prefixes_and_can_be_left_out()
    {
        await using (var tap = await StartAsync(http: "feedback_url_path: /opinions, url_path_prefixes: [/otlp]"))
        {
            Assert.Equal([202, 202, 404], await StatusesAsync(tap, "/opinions", "/otlp/opinions", "/v1/feedback"));
        }

        await using (var tap = await StartAsync(feedback: "enabled: false"))
        {
            Assert.Equal([404], await StatusesAsync(tap, "/v1/feedback"));
        }

        static async Task<List<int>> StatusesAsync(RunningTap tap, params string[] paths)
        {
            var statuses = new List<int>();
            foreach (var path in paths)
            {
                using var response = await SendAsync(tap, Down, request => request.RequestUri = new Uri(request.RequestUri!, path));
                statuses.Add((int)response.StatusCode);
            }

            return statuses;
        }
    }

    [Fact]
    public async Task A_reload_changes_thresholds_limits_and_whether_there_is_an_endpoint()
    {
        const string Settings = "negative_stars: 2";
        await using var tap = await StartAsync(feedback: Settings);
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync(tap, Stars(1))).Status);

        Assert.True((await tap.ReloadAsync(text => text.Replace(Settings, "negative_stars: 3, per_minute: 2", StringComparison.Ordinal))).IsApplied);
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync(tap, Stars(3))).Status);
        await Deadline.UntilAsync(async () => await tap.MetricAsync("otlptap_feedback_total{service=\"unknown_service\",agent=\"\",value=\"negative\"}") == 2, "three stars are negative now");

        Assert.True((await tap.ReloadAsync(text => text.Replace("explicit: {", "explicit: { enabled: false, ", StringComparison.Ordinal))).IsApplied);
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync(tap, Stars(1))).Status);

        static string Stars(int stars) => $$"""{ "trace_id": "{{TraceId}}", "stars": {{stars}} }""";
    }

    private static Task<RunningTap> StartAsync(string extension = "", string http = "", string feedback = "") => RunningTap.ConfiguredAsync(directory => $$"""
        extensions: { {{extension}} }
        receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:0'{{(http.Length > 0 ? ", " + http : "")}} } } } }
        processors: { tap: { corpus: { directory: '{{directory}}/cases' }, feedback: { explicit: { {{feedback}} } } } }
        exporters: {}
        service:
          extensions: [{{extension.Split(':')[0]}}]
          admin: { endpoint: "127.0.0.1:0" }
          pipelines: { traces: { receivers: [otlp], processors: [tap] } }
        """);

    private static async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(RunningTap tap, string body)
    {
        using var response = await SendAsync(tap, body);
        return (response.StatusCode, JsonElement.Parse(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)));
    }

    private static async Task<HttpResponseMessage> SendAsync(RunningTap tap, string? body, Action<HttpRequestMessage>? change = null)
    {
        using var http = new HttpClient { Timeout = Deadline.Span };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{tap.Host.HttpEndpoint}/v1/feedback");
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        change?.Invoke(request);
        return await http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>The only case, once time has gone on for as long as it takes.</summary>
    private static async Task<JsonDocument> CaseAsync(RunningTap tap, FakeTimeProvider time)
    {
        string[] Files() => Directory.GetFiles(tap.Directory, "case.json", SearchOption.AllDirectories);
        await UntilAsync(time, () => Files().Length > 0, "the case is written");
        return JsonDocument.Parse(await File.ReadAllBytesAsync(Assert.Single(Files()), TestContext.Current.CancellationToken));
    }

    private static Task UntilAsync(FakeTimeProvider time, Func<bool> holds, string what) => Deadline.UntilAsync(
        () =>
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            return holds();
        },
        what);

    private static string? Text(LogRecord record, string key) => record.Attributes.FirstOrDefault(attribute => attribute.Key == key)?.Value.StringValue;

    private static List<LogRecord> Logs(StubUpstream backend) =>
    [
        .. backend.Calls.Where(call => call.Path.EndsWith("LogsService/Export", StringComparison.Ordinal))
            .SelectMany(call => ExportLogsServiceRequest.Parser.ParseFrom(call.Message).ResourceLogs).SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords),
    ];
}
