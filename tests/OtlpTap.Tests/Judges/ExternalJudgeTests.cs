using System.Net.Sockets;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Judges;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;
using OtlpTap.Verdicts;
using Prometheus;

namespace OtlpTap.Tests.Judges;

public sealed class ExternalJudgeTests : IAsyncLifetime, IVerdictSink, IScoreSink
{
    private const string Hallucinated = """{"label": "hallucinated", "score": 0.9, "explanation": "12 became 21.", "evidence": ["21 degrees"]}""";

    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly ListLogger<JudgePanel> _logger = new();
    private readonly List<(TraceId Trace, Verdict Verdict)> _verdicts = [];
    private readonly List<PassedScore> _passed = [];
    private StubUpstream _stub = null!;
    private ExternalJudge? _judge;

    public async ValueTask InitializeAsync() => _stub = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);

    public async ValueTask DisposeAsync()
    {
        if (_judge is not null)
        {
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await _judge.DrainAsync(now.Token);
            _judge.Dispose();
        }

        await _stub.DisposeAsync();
    }

    void IVerdictSink.Judged(in TraceId traceId, in Verdict verdict)
    {
        lock (_verdicts)
        {
            _verdicts.Add((traceId, verdict));
        }
    }

    void IScoreSink.Passed(in TraceId traceId, in PassedScore score)
    {
        lock (_passed)
        {
            _passed.Add(score);
        }
    }

    [Fact]
    public async Task A_chat_model_is_asked_by_the_template_and_its_word_becomes_a_verdict_on_the_answer()
    {
        var key = Path.GetTempFileName();
        await File.WriteAllTextAsync(key, "sk-secret\n", TestContext.Current.CancellationToken);
        Answers(200, Chat(Hallucinated));
        Start(Options() with { Chat = new ChatOptions { Model = "judge-1", Prompt = PromptTemplate.Grounding, ApiKeyFile = key } });

        await AskAsync();
        File.Delete(key);

        var call = Assert.Single(_stub.Calls);
        Assert.Equal("Bearer sk-secret", call.Headers["authorization"]);
        Assert.Equal("pinned", call.Headers["x-team"]);
        using var question = JsonDocument.Parse(call.Body);
        Assert.Equal("judge-1", question.RootElement.GetProperty("model").GetString());
        Assert.Equal("json_object", question.RootElement.GetProperty("response_format").GetProperty("type").GetString());
        var messages = question.RootElement.GetProperty("messages");
        Assert.Equal(["system", "user"], messages.EnumerateArray().Select(message => message.GetProperty("role").GetString()));
        var user = messages[1].GetProperty("content").GetString()!;
        Assert.Contains("It is 21 degrees.", user, StringComparison.Ordinal);
        Assert.Contains("celsius", user, StringComparison.Ordinal);
        Assert.Contains("A page about {{answer}}.", user, StringComparison.Ordinal);

        var (trace, verdict) = Assert.Single(_verdicts);
        Assert.Equal(new TraceId(7, 1), trace);
        Assert.Equal((new SpanId(2), "hallucination", "judge", "judge", 0.9), (verdict.SpanId, verdict.Failure, verdict.Rule, verdict.Source, verdict.Score));
        Assert.Equal(("hallucinated", "12 became 21."), (verdict.Label, verdict.Explanation));
        Assert.Equal(["21 degrees"], verdict.Evidence);
        Assert.Equal("weather", verdict.Judged!.Service);
    }

    [Fact]
    public async Task An_endpoint_of_the_taps_own_form_gets_the_run_and_says_what_it_found()
    {
        Answers(200, """{"verdicts": [{"failure": "planning_error", "score": 0.7}, {"explanation": "as configured"}]}""");
        Start(Options());

        await AskAsync();

        using var question = JsonDocument.Parse(Assert.Single(_stub.Calls).Body);
        var root = question.RootElement;
        Assert.Equal("00000000000000070000000000000001", root.GetProperty("trace_id").GetString());
        Assert.Equal("0000000000000002", root.GetProperty("span_id").GetString());
        Assert.Equal("How warm is it?", root.GetProperty("user_input").GetString());
        Assert.Equal("Be exact.", root.GetProperty("system_prompt").GetString());
        Assert.Equal("It is 21 degrees.", root.GetProperty("answer").GetString());
        Assert.Equal("get_weather", root.GetProperty("tools")[0].GetProperty("name").GetString());
        Assert.Equal("""{"celsius": 12}""", root.GetProperty("tool_calls")[0].GetProperty("result").GetString());
        Assert.Equal("d1", root.GetProperty("documents")[0].GetProperty("id").GetString());
        Assert.Equal("tool_call_response", root.GetProperty("messages")[1].GetProperty("parts")[0].GetProperty("type").GetString());
        Assert.False(root.GetProperty("truncated").GetBoolean());
        Assert.Equal(["planning_error", "hallucination"], _verdicts.Select(found => found.Verdict.Failure));
    }

    [Theory]
    [InlineData(true, """{"label": "grounded", "score": 0.1}""", 0.1)]
    [InlineData(true, """{"score": 0.4}""", 0.4)]
    [InlineData(true, """{"label": "grounded"}""", null)]
    [InlineData(false, """{"verdicts": [], "score": 0.2}""", 0.2)]
    [InlineData(false, """{"verdicts": []}""", null)]
    public async Task What_was_measured_of_a_run_that_is_well_is_a_score_on_its_answer(bool isChat, string content, double? score)
    {
        Answers(200, isChat ? Chat(content) : content);
        Start(Options() with { Chat = isChat ? Model : null });

        await AskAsync();

        Assert.Empty(_verdicts);
        var passed = Assert.Single(_passed);
        Assert.Equal((new SpanId(2), "judge", "judge", score), (passed.SpanId, passed.Rule, passed.Source, passed.Value));
        Assert.Equal("weather", passed.Judged!.Service);
    }

    [Fact]
    public async Task What_failed_is_no_passed_score_and_neither_is_an_absurd_one()
    {
        Answers(200, """{"verdicts": [{"score": 0.9}], "score": 0.9}""");
        Start(Options());
        await AskAsync();
        Assert.Single(_verdicts);

        Answers(200, """{"verdicts": [], "score": 17}""");
        _judge!.Offer(AgentRuns.Answered(trace: 2), isFailing: false);
        await Deadline.UntilAsync(() => Failed("absurd_score") == 1, "the second question has ended");
        Assert.Empty(_passed);
    }

    [Theory]
    [InlineData("nothing that is JSON", "malformed")]
    [InlineData("", "malformed")]
    [InlineData("[]", "malformed")]
    [InlineData("""{"choices": []}""", "malformed")]
    [InlineData("""{"choices": [{"message": {"content": "I think it is fine."}}]}""", "malformed")]
    [InlineData("""{"choices": [{"message": {"content": "{\"label\": \"hallucinated\", \"score\": 17}"}}]}""", "absurd_score")]
    [InlineData("""{"choices": [{"message": {"content": "{\"label\": \"hallucinated\", \"score\": \"NaN\"}"}}]}""", "absurd_score")]
    [InlineData("""{"choices": [{"message": {"content": "{\"label\": \"maybe\"}"}}]}""", "undecided")]
    [InlineData("""{"choices": [{"message": {"content": "\ud83d"}}]}""", "malformed")]
    public async Task An_answer_that_is_none_is_counted_and_no_verdict(string answer, string reason)
    {
        Answers(200, answer);
        Start(Options() with { Chat = Model });

        await AskAsync();

        Assert.Equal(1, Failed(reason));
        Assert.Empty(_verdicts);
        Assert.Single(_logger.Messages);
    }

    [Theory]
    [InlineData("""{"label": "grounded", "score": 0.1}""", 0)]
    [InlineData("""{"label": "grounded", "score": 0.9}""", 0)]
    [InlineData("""{"label": "so so", "score": 0.6}""", 1)]
    [InlineData("""{"label": "so so", "score": 0.4}""", 0)]
    [InlineData("""{"label": "FAIL"}""", 1)]
    [InlineData("""{"score": "0.75"}""", 1)]
    [InlineData("```json\n{\"label\": \"hallucinated\"}\n```", 1)]
    public async Task The_label_decides_and_else_the_score(string content, int verdicts)
    {
        Answers(200, Chat(content));
        Start(Options() with { Chat = Model });

        await AskAsync();

        Assert.Equal(verdicts, _verdicts.Count);
    }

    [Theory]
    [InlineData(500, "http_status")]
    [InlineData(401, "http_status")]
    [InlineData(302, "http_status")]
    [InlineData(429, "rate_limited")]
    public async Task An_error_is_counted_and_a_redirect_not_followed(int status, string reason)
    {
        _stub.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, status, "text/plain", "sk-secret"u8.ToArray(), ("Location", $"http://{_stub.Endpoint}/elsewhere"));
        Start(Options());

        await AskAsync();

        Assert.Equal(1, Failed(reason));
        Assert.Single(_stub.Calls);
        Assert.DoesNotContain(_logger.Messages, message => message.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_evaluator_that_asks_for_a_pause_gets_it()
    {
        _stub.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 429, headers: ("Retry-After", "30"));
        Start(Options());
        await AskAsync();

        _judge!.Offer(AgentRuns.Answered(2), isFailing: true);
        Assert.Equal(1, Skipped("rate_limited"));

        _time.Advance(TimeSpan.FromSeconds(31));
        Answers(200, """{"verdicts": []}""");
        _judge.Offer(AgentRuns.Answered(3), isFailing: true);
        await Deadline.UntilAsync(() => _stub.Calls.Count == 2, "it is asked again");
        await Deadline.UntilAsync(() => _logger.Messages.Count == 2, "it is said that it answers again");
    }

    [Fact]
    public async Task An_answer_without_end_is_left()
    {
        _stub.Answer = async (context, _) =>
        {
            context.Response.ContentType = "application/json";
            var piece = new byte[64 << 10];
            try
            {
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await context.Response.Body.WriteAsync(piece, context.RequestAborted);
                }
            }
            catch (OperationCanceledException)
            {
                // Hung up on.
            }
        };
        Start(Options());

        await AskAsync();

        Assert.Equal(1, Failed("answer_too_large"));
    }

    [Fact]
    public async Task An_evaluator_that_hangs_has_its_timeout_and_nobody_waits_for_it()
    {
        var asked = new TaskCompletionSource();
        _stub.Answer = (context, _) =>
        {
            asked.TrySetResult();
            return Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        };
        Start(Options());
        _judge!.Offer(AgentRuns.Answered(), isFailing: false);
        await asked.Task.InTime();

        _time.Advance(TimeSpan.FromSeconds(31));

        await Deadline.UntilAsync(() => Failed("timeout") == 1, "its time is over");
    }

    [Fact]
    public async Task Nobody_who_listens_is_counted()
    {
        Start(Options() with { Url = new Uri($"http://127.0.0.1:{StubUpstream.UnusedPort()}/") });

        await AskAsync();

        Assert.Equal(1, Failed("connection"));
    }

    [Fact]
    public async Task An_answer_that_is_no_http_brings_nothing_of_itself_into_the_log()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var answering = Task.Run(async () =>
        {
            using var client = await listener.AcceptTcpClientAsync(Deadline.Token());
            await client.GetStream().WriteAsync("HTTP/1.1 \u001b[31mBearer s3cret\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        }, TestContext.Current.CancellationToken);
        Start(Options() with { Url = new Uri($"http://{listener.LocalEndpoint}/") });

        await AskAsync();
        await answering;

        Assert.Equal(1, Failed("connection"));
        Assert.DoesNotContain(_logger.Messages, message => message.Contains("s3cret", StringComparison.Ordinal) || message.Any(char.IsControl));
    }

    [Fact]
    public async Task No_more_questions_at_a_time_than_are_allowed()
    {
        var (now, most) = (0, 0);
        var gate = new Lock();
        var open = new TaskCompletionSource();
        _stub.Answer = async (context, _) =>
        {
            lock (gate)
            {
                most = Math.Max(most, ++now);
            }

            await open.Task;
            lock (gate)
            {
                now--;
            }

            await StubUpstream.AnswerHttpAsync(context, 200, "application/json", """{"verdicts": []}"""u8.ToArray());
        };
        Start(Options() with { Concurrency = 2 });
        for (ulong trace = 1; trace <= 8; trace++)
        {
            _judge!.Offer(AgentRuns.Answered(trace), isFailing: false);
        }

        // Not only seen by the stub: both wait for their answer.
        await Deadline.UntilAsync(() => Volatile.Read(ref now) == 2, "two are asked");
        open.SetResult();
        await Deadline.UntilAsync(() => _stub.Calls.Count == 8, "all are asked");

        Assert.Equal(2, most);
    }

    [Fact]
    public async Task Over_its_budget_runs_are_skipped_and_counted_until_the_minute_is_over()
    {
        Answers(200, """{"verdicts": []}""");
        Start(Options() with { BudgetPerMinute = 3 });
        for (ulong trace = 1; trace <= 10; trace++)
        {
            _judge!.Offer(AgentRuns.Answered(trace), isFailing: false);
        }

        await Deadline.UntilAsync(() => _stub.Calls.Count == 3 && Skipped("budget") == 7, "three are asked, seven skipped");
        _time.Advance(TimeSpan.FromSeconds(59));
        _judge!.Offer(AgentRuns.Answered(11), isFailing: false);
        Assert.Equal(8, Skipped("budget"));

        _time.Advance(TimeSpan.FromSeconds(1));
        _judge.Offer(AgentRuns.Answered(12), isFailing: false);
        await Deadline.UntilAsync(() => _stub.Calls.Count == 4, "the next minute has begun");
    }

    [Fact]
    public async Task A_run_is_asked_about_once_and_one_without_an_answer_or_failure_not_at_all()
    {
        Answers(200, """{"verdicts": []}""");
        Start(Options() with { OnlyFailing = true });

        _judge!.Offer(AgentRuns.Answered(1), isFailing: false);
        _judge.Offer(AgentRuns.Answered(2, answer: " "), isFailing: true);
        _judge.Offer(AgentRuns.Answered(3), isFailing: true);
        _judge.Offer(AgentRuns.Answered(3), isFailing: true);
        await _judge.DrainAsync(Deadline.Token());

        Assert.Equal(1, Skipped("no_answer"));
        Assert.Equal(1, Metric("otlptap_judge_questions_total{judge=\"judge\"}") + Skipped("shutdown"));
    }

    [Fact]
    public void The_share_is_kept_is_the_same_everywhere_and_grows_by_adding()
    {
        var few = Enumerable.Range(0, 20_000).Select(i => new TraceId(0, (ulong)i)).Where(trace => ExternalJudge.IsSampled(trace, 0.1)).ToList();

        Assert.InRange(few.Count, 1800, 2200);
        Assert.All(few, trace => Assert.True(ExternalJudge.IsSampled(trace, 0.2)));
        Assert.True(ExternalJudge.IsSampled(new TraceId(ulong.MaxValue, 1), 1));
        Assert.False(ExternalJudge.IsSampled(default, 0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_of_megabytes_is_cut_until_it_fits(bool isChat)
    {
        Answers(200, isChat ? Chat(Hallucinated) : """{"verdicts": []}""");
        Start(Options() with { RequestBytesMax = 8 << 10, Chat = isChat ? Model : null });

        _judge!.Offer(AgentRuns.Answered(1, new string('"', 4 << 20), "\ud83d" + new string('q', 1 << 20), new string('\n', 4 << 20)), isFailing: false);
        await Deadline.UntilAsync(() => Answered() == 1, "it is answered");

        var call = Assert.Single(_stub.Calls);
        Assert.InRange(call.Body.Length, 100, 8 << 10);
        using var question = JsonDocument.Parse(call.Body);
        Assert.True(isChat || question.RootElement.GetProperty("truncated").GetBoolean());
    }

    [Fact]
    public async Task At_the_end_what_is_asked_may_be_answered_and_what_hangs_is_left()
    {
        var asked = new TaskCompletionSource();
        _stub.Answer = (context, _) =>
        {
            asked.TrySetResult();
            return Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        };
        Start(Options() with { Concurrency = 1 });
        _judge!.Offer(AgentRuns.Answered(1), isFailing: false);
        _judge.Offer(AgentRuns.Answered(2), isFailing: false);
        await asked.Task.InTime();
        using var deadline = new CancellationTokenSource();
        var drained = _judge.DrainAsync(deadline.Token);
        await deadline.CancelAsync();

        await drained.InTime();

        Assert.Equal(2, Skipped("shutdown"));
    }

    private static ChatOptions Model => new() { Model = "m", Prompt = PromptTemplate.Grounding };

    private JudgeOptions Options() => new()
    {
        Url = new Uri($"http://{_stub.Endpoint}/judge"),
        Connection = new ForwardOptions { Endpoint = "", Headers = [("x-team", "pinned")] },
        Sample = 1,
    };

    private void Start(JudgeOptions options) => _judge = new ExternalJudge(options, this, this, new JudgeMetrics(Prometheus.Metrics.WithCustomRegistry(_registry), options.Name), _time, _logger);

    /// <summary>Asks about one run, and waits for what comes of it.</summary>
    private async Task AskAsync()
    {
        _judge!.Offer(AgentRuns.Answered(), isFailing: false);
        await Deadline.UntilAsync(() => Answered() == 1, "the question has ended");
    }

    private void Answers(int status, string body) => _stub.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, status, "application/json", Encoding.UTF8.GetBytes(body));

    private static string Chat(string content) => $"{{\"choices\": [{{\"message\": {{\"content\": \"{JsonEncodedText.Encode(content)}\"}}}}]}}";

    private double Answered() => Metric("otlptap_judge_question_seconds_count{judge=\"judge\"}");

    private double Failed(string reason) => Metric($"otlptap_judge_failed_questions_total{{judge=\"judge\",reason=\"{reason}\"}}");

    private double Skipped(string reason) => Metric($"otlptap_judge_skipped_runs_total{{judge=\"judge\",reason=\"{reason}\"}}");

    private double Metric(string series) => MetricText.Value(_registry, series);
}
