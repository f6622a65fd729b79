using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Sinks;
using OtlpTap.Tests.Corpus;
using OtlpTap.Tests.Forward;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Sinks;

/// <summary>Cases as the corpus writes them, to sinks on real sockets.</summary>
public sealed class CaseSinksTests : IAsyncLifetime
{
    private const string Secret = "it is between us";

    private readonly ListLogger<CaseSinks> _logger = new();
    private readonly TapRig _tap;
    private readonly string _secretFile;
    private StubUpstream _stub = null!;
    private CaseSinks? _sinks;

    public CaseSinksTests()
    {
        _tap = new TapRig(written: (capture, result) => _sinks!.Written(capture, result));
        Directory.CreateDirectory(_tap.Folder);
        _secretFile = Path.Combine(_tap.Folder, "secret");
        File.WriteAllText(_secretFile, Secret + "\n");
    }

    public async ValueTask InitializeAsync()
    {
        _stub = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);
        Answers(200);
    }

    public async ValueTask DisposeAsync()
    {
        if (_sinks is not null)
        {
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await _sinks.DrainAsync(now.Token);
            await _sinks.DisposeAsync();
        }

        await _stub.DisposeAsync();
        _tap.Dispose();
    }

    [Fact]
    public async Task A_webhook_is_told_of_a_case_under_a_signature_that_holds()
    {
        Start(Webhook());
        Fail(1);
        await SentAsync("hook", 1);

        var call = Assert.Single(_stub.Calls);
        var at = _tap.Time.GetUtcNow().ToUnixTimeSeconds();
        var expected = Convert.ToHexStringLower(System.Security.Cryptography.HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes($"{at}.").Concat(call.Body).ToArray()));
        Assert.Equal($"t={at},v1={expected}", call.Headers["otlptap-signature"]);
        Assert.True(Guid.TryParse(call.Headers["otlptap-delivery"], out _));
        using var body = JsonDocument.Parse(call.Body);
        Assert.Equal("case.created", body.RootElement.GetProperty("event").GetString());
        Assert.Equal("tool_error", body.RootElement.GetProperty("failure").GetString());
        Assert.Equal(Path.GetFileName(_tap.CasePath(1)), body.RootElement.GetProperty("case").GetString());
        Assert.Equal(Trace(1).ToString(), body.RootElement.GetProperty("trace_id").GetString());
    }

    [Fact]
    public async Task Without_a_secret_nothing_is_signed()
    {
        Start(Webhook() with { SecretFile = null });
        Fail(1);
        await SentAsync("hook", 1);
        Assert.False(Assert.Single(_stub.Calls).Headers.ContainsKey("otlptap-signature"));
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task What_a_sink_refuses_for_a_while_is_sent_again_as_the_same_delivery(int status)
    {
        Answers(status);
        Start(Webhook());
        Fail(1);
        await CalledAsync(1);
        Answers(200);
        await PassUntilAsync(() => Value("otlptap_sink_sent_cases_total{sink=\"hook\"}") == 1);

        Assert.Equal(2, _stub.Calls.Count);
        Assert.Single(_stub.Calls.Select(call => call.Headers["otlptap-delivery"]).Distinct());
        Assert.Equal(2, _stub.Calls.Select(call => call.Headers["otlptap-signature"]).Distinct().Count());
        Assert.Equal(1, Value("otlptap_sink_retries_total{sink=\"hook\"}"));
    }

    [Fact]
    public async Task A_sink_is_left_alone_for_as_long_as_it_asks()
    {
        Answers(429, ("retry-after", "20"));
        Start(Webhook());
        Fail(1);
        await CalledAsync(1);
        Answers(200);
        var before = _tap.Time.GetUtcNow();
        await PassUntilAsync(() => Value("otlptap_sink_sent_cases_total{sink=\"hook\"}") == 1);
        Assert.True(_tap.Time.GetUtcNow() - before >= TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Attempts_come_to_an_end()
    {
        Answers(503);
        Start(Webhook());
        Fail(1);
        await CalledAsync(1);
        await PassUntilAsync(() => Value("otlptap_sink_failed_cases_total{sink=\"hook\",reason=\"http_status\"}") == 1);
        Assert.Equal(6, _stub.Calls.Count);
        Assert.Equal(0, QueueBytes("hook"));
    }

    [Theory]
    [InlineData(302)]
    [InlineData(308)]
    [InlineData(400)]
    [InlineData(401)]
    public async Task What_is_refused_for_good_or_redirected_is_not_sent_again(int status)
    {
        await using var elsewhere = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);
        Answers(status, ("location", $"http://{elsewhere.Endpoint}/"));
        Start(Webhook());
        Fail(1);
        await Deadline.UntilAsync(() => Value("otlptap_sink_failed_cases_total{sink=\"hook\",reason=\"http_status\"}") == 1, "the failure is counted");
        Assert.Single(_stub.Calls);
        Assert.Empty(elsewhere.Calls);
        Assert.Single(_logger.Messages);
    }

    [Fact]
    public async Task A_sink_that_hangs_is_given_up_after_its_time_and_holds_no_other()
    {
        var gate = new TaskCompletionSource();
        await using var hanging = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);
        hanging.Answer = (context, _) => gate.Task.WaitAsync(context.RequestAborted);
        Start(Webhook(), Webhook() with { Name = "hanging", Url = new Uri($"http://{hanging.Endpoint}/"), Timeout = TimeSpan.FromSeconds(10) });
        Fail(1);
        await Deadline.UntilAsync(() => !hanging.Calls.IsEmpty, "the other is asked");
        await SentAsync("hook", 1);
        Fail(2);
        await SentAsync("hook", 2);
        Assert.Equal(0, Value("otlptap_sink_sent_cases_total{sink=\"hanging\"}"));

        for (var attempt = 1; attempt <= 6; attempt++)
        {
            await PassUntilAsync(() => hanging.Calls.Count == attempt);
            _tap.Time.Advance(TimeSpan.FromSeconds(10));
        }

        await Deadline.UntilAsync(() => Value("otlptap_sink_failed_cases_total{sink=\"hanging\",reason=\"timeout\"}") == 1, "it is given up");
        gate.SetResult();
    }

    [Fact]
    public async Task A_full_queue_drops_and_counts()
    {
        var gate = new TaskCompletionSource();
        _stub.Answer = async (context, _) =>
        {
            await gate.Task;
            await StubUpstream.AnswerHttpAsync(context, 200);
        };
        Start(Webhook() with { QueueBytesMax = 1, Name = "tiny" }, Webhook());
        Fail(1);

        // One alone is let in whatever its size: it could never be sent otherwise.
        Assert.Equal(0, Value("otlptap_sink_dropped_cases_total{sink=\"tiny\",reason=\"queue_full\"}"));
        Fail(2);
        Assert.Equal(1, Value("otlptap_sink_dropped_cases_total{sink=\"tiny\",reason=\"queue_full\"}"));
        Assert.Equal(0, Value("otlptap_sink_dropped_cases_total{sink=\"hook\",reason=\"queue_full\"}"));
        Assert.True(QueueBytes("hook") > 0);
        gate.SetResult();
        await SentAsync("hook", 2);
        await Deadline.UntilAsync(() => QueueBytes("hook") == 0, "the queue is empty");
    }

    [Fact]
    public async Task Shutdown_sends_what_waits_and_counts_what_is_left_at_the_deadline()
    {
        var first = new TaskCompletionSource();
        _stub.Answer = async (context, _) =>
        {
            await first.Task.WaitAsync(context.RequestAborted);
            await StubUpstream.AnswerHttpAsync(context, 200);
        };
        Start(Webhook());
        Fail(1);
        await CalledAsync(1);
        Fail(2);
        var draining = _sinks!.DrainAsync(Deadline.Token());
        first.SetResult();
        await draining.InTime();
        Assert.Equal(2, Value("otlptap_sink_sent_cases_total{sink=\"hook\"}"));

        Fail(3);
        Assert.Equal(1, Value("otlptap_sink_dropped_cases_total{sink=\"hook\",reason=\"shutdown\"}"));
    }

    [Fact]
    public async Task A_sink_that_hangs_at_shutdown_is_left_at_the_deadline()
    {
        _stub.Answer = (context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted);
        Start(Webhook());
        Fail(1);
        await CalledAsync(1);
        Fail(2);
        using var deadline = new CancellationTokenSource();
        var draining = _sinks!.DrainAsync(deadline.Token);
        await deadline.CancelAsync();
        await draining.InTime();
        Assert.Equal(2, Value("otlptap_sink_dropped_cases_total{sink=\"hook\",reason=\"shutdown\"}"));
    }

    [Theory]
    [InlineData(true, "[email]")]
    [InlineData(false, "ada@example.org")]
    public async Task An_OTLP_backend_gets_the_whole_trace_redacted_unless_told_otherwise(bool redact, string expected)
    {
        Start(new SinkOptions { Name = "otlp", Kind = SinkKind.OtlpHttp, Url = new Uri($"http://{_stub.Endpoint}/base/"), Redact = redact });
        var span = Span(1, 2);
        span.Attributes.Add(new KeyValue { Key = "note", Value = new AnyValue { StringValue = "ada@example.org" } });
        _tap.Receive(span);
        _tap.Receive(Log(1, 1, "a line"));
        Fail(1);
        await SentAsync("otlp", 1);

        Assert.Equal(["/base/v1/traces", "/base/v1/logs"], _stub.Calls.Select(call => call.Path));
        Assert.All(_stub.Calls, call => Assert.Equal("application/x-protobuf", call.Headers["content-type"]));
        var spans = SpansIn(ExportTraceServiceRequest.Parser.ParseFrom(_stub.Calls.First().Body)).ToList();
        Assert.Equal(2, spans.Count);
        Assert.Equal(expected, spans.SelectMany(sent => sent.Attributes).Single(attribute => attribute.Key == "note").Value.StringValue);
        Assert.Single(ExportLogsServiceRequest.Parser.ParseFrom(_stub.Calls.Last().Body).ResourceLogs);
    }

    [Fact]
    public async Task A_file_gets_a_line_of_OTLP_JSON_for_each_case()
    {
        var path = Path.Combine(_tap.Folder, "sink", "cases.jsonl");
        Start(new SinkOptions { Name = "file", Kind = SinkKind.File, Path = path });
        Fail(1);
        Fail(2);
        await SentAsync("file", 2);
        var lines = await File.ReadAllLinesAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(2, lines.Length);
        Assert.All(lines, line => Assert.True(JsonDocument.Parse(line).RootElement.TryGetProperty("resourceSpans", out _)));
    }

    [Fact]
    public async Task A_case_that_is_gone_when_its_turn_comes_fails_alone()
    {
        var gate = new TaskCompletionSource();
        _stub.Answer = async (context, _) =>
        {
            await gate.Task;
            await StubUpstream.AnswerHttpAsync(context, 200);
        };
        Start(Webhook());
        Fail(1);

        // Before the clock goes on: connecting has its time, too.
        await CalledAsync(1);
        Fail(2);
        Fail(3);
        Directory.Delete(_tap.CasePath(2), recursive: true);
        gate.SetResult();
        await SentAsync("hook", 2);
        Assert.Equal(1, Value("otlptap_sink_failed_cases_total{sink=\"hook\",reason=\"file\"}"));
    }

    private SinkOptions Webhook() => new() { Name = "hook", Kind = SinkKind.Webhook, Url = new Uri($"http://{_stub.Endpoint}/hook"), SecretFile = _secretFile, Timeout = TimeSpan.FromMinutes(10) };

    private void Start(params SinkOptions[] options) =>
        _sinks = new CaseSinks(options, _tap.Recorder, "1.0.0", Prometheus.Metrics.WithCustomRegistry(_tap.Registry), _tap.Time, _logger);

    /// <summary>A trace that fails as no other does, and its case.</summary>
    private void Fail(int trace)
    {
        _tap.Receive(RequestFrom($"service {trace}", Span(trace, 1, failed: true)));
        _tap.Settle();
    }

    private void Answers(int status, params (string, string)[] headers) => _stub.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, status, headers: headers);

    private Task CalledAsync(int calls) => Deadline.UntilAsync(() => _stub.Calls.Count >= calls, "the sink is called");

    private Task SentAsync(string sink, int cases) => Deadline.UntilAsync(() => Value($"otlptap_sink_sent_cases_total{{sink=\"{sink}\"}}") == cases, "the cases are sent");

    /// <summary>Lets the sinks' clock run while no sink has a call under way.</summary>
    private Task PassUntilAsync(Func<bool> holds) => _tap.Time.PassUntilAsync(holds, "time has passed");

    private double QueueBytes(string sink)
    {
        _sinks!.PublishMetrics();
        return Value($"otlptap_sink_queue_bytes{{sink=\"{sink}\"}}");
    }

    private double Value(string series) => _tap.Value(series);
}
