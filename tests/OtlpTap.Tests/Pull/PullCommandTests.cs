using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Cli;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Pull;

public sealed class PullCommandTests : IAsyncLifetime
{
    private const long Now = 1_790_000_000;

    private readonly string _directory = Directory.CreateTempSubdirectory("otlptap-pull-").FullName;
    private readonly PatientTime _time = new(DateTimeOffset.FromUnixTimeSeconds(Now));
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private StubBackend _backend = null!;

    public async ValueTask InitializeAsync() => _backend = await StubBackend.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _backend.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
        _output.Dispose();
        _error.Dispose();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task A_failing_trace_becomes_a_case_and_a_healthy_one_does_not_in_all_forms_of_an_answer(bool isJson, bool isFirstVersion)
    {
        _backend.AnswersJson = isJson;
        _backend.IsFirstVersion = isFirstVersion;
        _backend.Add(1, Failing(), Now - 600);
        _backend.Add(2, Healthy(), Now - 500);

        Assert.Equal(0, await PullAsync("tempo"));

        var document = Assert.Single(Cases());
        Assert.Equal("tool_error", document.GetProperty("failure").GetString());
        Assert.Equal("00000000000000000000000000000001", document.GetProperty("trace_id").GetString());
        Assert.Equal("tempo", Assert.Single(document.GetProperty("fetched_from").EnumerateArray()).GetString());
        Assert.False(document.TryGetProperty("truncated", out _));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(Now - 600), document.GetProperty("first_seen").GetDateTimeOffset());
        Assert.Equal("0000000000000001", document.GetProperty("verdicts")[0].GetProperty("span_id").GetString());
        Assert.Contains("2 traces looked at, 1 failing, 1 cases", _output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2048, true)]
    [InlineData(2047, false)]
    [InlineData(2049, false)]
    public async Task A_value_of_exactly_the_limit_is_suspected_to_be_cut(int length, bool isSuspected)
    {
        var trace = Failing();
        trace.LastSpan.Attributes.Add(TraceBuilder.Attribute("gen_ai.tool.call.result", new string('x', length)));
        _backend.Add(1, trace, Now - 600);

        await PullAsync("tempo");

        Assert.Equal(isSuspected, Assert.Single(Cases()).TryGetProperty("truncated", out var said) && said.GetString() == "suspected");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_partial_answer_is_said_and_stands_in_the_case(bool isJson)
    {
        _backend.AnswersJson = isJson;
        _backend.IsPartial = true;
        _backend.SaysJobsAreMissing = true;
        _backend.Add(1, Failing(), Now - 600);

        await PullAsync("tempo");

        Assert.Contains("partial_answer", Assert.Single(Cases()).GetProperty("incomplete_because").EnumerateArray().Select(reason => reason.GetString()));
        Assert.Contains("not whole", _error.ToString(), StringComparison.Ordinal);
        Assert.Contains("did not look everywhere", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Windows_that_come_back_full_are_halved_until_each_trace_was_looked_at_once()
    {
        _backend.SearchLimitMax = 20;
        for (byte number = 1; number <= 90; number++)
        {
            _backend.Add(number, Healthy(), Now - 3000 + number);
        }

        Assert.Equal(0, await PullAsync("tempo"));

        Assert.Contains("90 traces looked at", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(90, _backend.Requests.Count(request => request.StartsWith("/api/v2/traces/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_interrupted_run_goes_on_where_it_was_and_looks_at_no_trace_twice()
    {
        for (byte number = 1; number <= 40; number++)
        {
            _backend.Add(number, Healthy(), Now - 3000 + number);
        }

        var fetched = 0;
        _backend.Instead = async context =>
        {
            if (!context.Request.Path.Value!.Contains("traces", StringComparison.Ordinal) || Interlocked.Increment(ref fetched) <= 20)
            {
                return false;
            }

            await StubBackend.AnswerAsync(context, 403, "text/plain", "no more"u8.ToArray());
            return true;
        };
        Assert.Equal(2, await PullAsync("tempo"));
        Assert.Contains("answered 403: no more", _error.ToString(), StringComparison.Ordinal);
        _backend.Instead = null;
        _backend.Requests.Clear();

        Assert.Equal(0, await PullAsync("tempo"));

        Assert.Equal(20, _backend.Requests.Where(request => request.Contains("traces", StringComparison.Ordinal)).Distinct().Count());
        Assert.Contains("20 traces looked at", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_range_again_counts_nothing_again()
    {
        _backend.Add(1, Failing(), Now - 600);
        _backend.Add(2, Failing(), Now - 500);
        await PullAsync("tempo");
        await PullAsync("tempo");
        await PullAsync("tempo", "--since", "48h");

        using var seen = JsonDocument.Parse(File.ReadAllBytes(Assert.Single(Directory.GetFiles(_directory, "seen.json", SearchOption.AllDirectories))));
        Assert.Equal(2, seen.RootElement.GetProperty("count").GetInt64());
        Assert.Contains("0 traces looked at, 0 failing, 0 cases written or changed in " + _directory + "; 2 looked at before", _output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task What_passes_by_itself_is_asked_again_as_late_as_the_backend_says(int status)
    {
        _backend.Add(1, Failing(), Now - 600);
        var refusals = 2;
        _backend.Instead = async context =>
        {
            if (Interlocked.Decrement(ref refusals) < 0)
            {
                return false;
            }

            context.Response.Headers.RetryAfter = "7";
            await StubBackend.AnswerAsync(context, status, "text/plain", "slow down"u8.ToArray());
            return true;
        };

        var pulling = PullAsync("tempo");
        await _time.PassUntilAsync(() => pulling.IsCompleted, "the pull ends");

        Assert.Equal(0, await pulling);
        Assert.Contains("again in 7 s", _error.ToString(), StringComparison.Ordinal);
        Assert.Single(Cases());
    }

    [Fact]
    public async Task A_backend_that_hangs_is_given_up_and_said()
    {
        _backend.Instead = async context =>
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };

        var pulling = PullAsync("tempo");
        for (var attempt = 1; attempt <= 5; attempt++)
        {
            await _time.PassUntilAsync(() => _backend.Requests.Count == attempt, $"it is asked {attempt} times");
            _time.Advance(TimeSpan.FromSeconds(30));
        }

        Assert.Equal(2, await pulling.InTime());
        Assert.Contains("no whole answer from", _error.ToString(), StringComparison.Ordinal);
        Assert.Equal(5, _backend.Requests.Count);
    }

    [Fact]
    public async Task A_page_in_place_of_the_api_is_named_as_one()
    {
        _backend.Instead = async context =>
        {
            await StubBackend.AnswerAsync(context, 200, "text/html", "<html>Grafana</html>"u8.ToArray());
            return true;
        };

        Assert.Equal(2, await PullAsync("tempo"));
        Assert.Contains("the answer to a search is text/html", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trace_that_is_too_large_is_left_out_and_the_others_are_not()
    {
        _backend.Add(1, Failing(), Now - 600);
        _backend.Add(2, Failing(), Now - 500);
        _backend.Instead = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith('1'))
            {
                return false;
            }

            await StubBackend.AnswerAsync(context, 200, "application/protobuf", new byte[2 << 20]);
            return true;
        };

        Assert.Equal(0, await PullAsync("tempo", "--config", Config("pull: { tempo: { url: 'http://localhost:1', max_response_mib: 1 } }")));

        Assert.Contains("larger than 1 MiB", _error.ToString(), StringComparison.Ordinal);
        Assert.Contains("1 could not be fetched", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal("00000000000000000000000000000002", Assert.Single(Cases()).GetProperty("trace_id").GetString());
    }

    [Fact]
    public async Task The_tenant_is_sent_with_every_request_and_quiet_says_nothing()
    {
        _backend.Add(1, Failing(), Now - 600);

        Assert.Equal(0, await PullAsync("tempo", "--tenant", "shop", "--header", "X-Grafana-Org=1", "--quiet"));

        Assert.All(_backend.Tenants, tenant => Assert.Equal("shop", tenant));
        Assert.Equal("", _output.ToString());
        Assert.Equal("", _error.ToString());
    }

    [Theory]
    [InlineData("--since", "yesterday")]
    [InlineData("--url", "tempo:3200")]
    [InlineData("--limit", "0")]
    [InlineData("--header", "no value")]
    public async Task A_command_line_that_makes_no_sense_is_refused_before_anything_is_asked(string option, string value)
    {
        Assert.Equal(2, await PullAsync("tempo", option, value));
        Assert.StartsWith(option, _error.ToString(), StringComparison.Ordinal);
        Assert.Empty(_backend.Requests);
    }

    [Fact]
    public async Task Log_records_join_the_case_of_their_trace_and_a_failing_one_without_a_trace_has_its_own()
    {
        _backend.Add(7, Failing(), Now - 600);
        await PullAsync("tempo");
        Line(-599, "the tool said no", ("trace_id", "7"), ("span_id", "1"), ("severity_text", "WARN"));
        Line(-598, "cannot answer", ("exception_type", "System.TimeoutException"));

        var config = Config("""rules: [{ name: log_failed, failure: agent_crash, context: log, condition: 'log.attributes["exception.type"] != nil' }]""");
        Assert.Equal(0, await PullAsync("loki", "--query", "{service_name=\"shop\"}", "--config", config));

        var cases = Cases().ToDictionary(document => document.GetProperty("failure").GetString()!);
        Assert.Equal(["agent_crash", "tool_error"], cases.Keys.Order());
        Assert.Equal(1, cases["tool_error"].GetProperty("log_count").GetInt32());
        Assert.Equal(["tempo", "loki"], cases["tool_error"].GetProperty("fetched_from").EnumerateArray().Select(source => source.GetString()));
        Assert.Equal(1, cases["agent_crash"].GetProperty("log_count").GetInt32());
        var logs = File.ReadAllText(Directory.GetFiles(Path.Combine(_directory, "agent_crash"), "logs.json", SearchOption.AllDirectories).Single());
        Assert.Contains("otlptap.pulled_without_trace", logs, StringComparison.Ordinal);
        Assert.Contains("service.name", logs, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_of_lines_lose_none_and_repeat_none_where_many_have_one_time()
    {
        _backend.Add(7, Failing(), Now - 600);
        await PullAsync("tempo");
        for (var i = 0; i < 2500; i++)
        {
            Line(-600 + (i / 700), $"line {i}", ("trace_id", "7"));
        }

        Assert.Equal(0, await PullAsync("loki", "--query", "{a=\"b\"}"));

        Assert.Equal(2500, Assert.Single(Cases()).GetProperty("log_count").GetInt32());
        Assert.True(_backend.Requests.Count(request => request.StartsWith("/loki", StringComparison.Ordinal)) >= 3);
    }

    private static TraceBuilder Failing()
    {
        var trace = new TraceBuilder().Resource("shop").Span("execute_tool get_weather", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "get_weather")).Failed();
        trace.LastSpan.Kind = Span.Types.SpanKind.Internal;
        return trace;
    }

    private static TraceBuilder Healthy() => new TraceBuilder().Resource("shop").Span("execute_tool get_weather", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "get_weather"));

    private void Line(int secondsAgo, string line, params (string Name, string Text)[] metadata) =>
        _backend.Lines.Add(((Now + secondsAgo) * 1_000_000_000L, line, new() { ["service_name"] = "shop" }, metadata.ToDictionary(pair => pair.Name, pair => pair.Text)));

    private string Config(string tap)
    {
        var path = Path.Combine(_directory, "tap.yaml");
        File.WriteAllText(path, $"processors:\n  tap:\n    {tap}\n");
        return path;
    }

    private IReadOnlyList<JsonElement> Cases() =>
        [.. Directory.GetFiles(_directory, "case.json", SearchOption.AllDirectories).Select(file => JsonDocument.Parse(File.ReadAllBytes(file)).RootElement)];

    private Task<int> PullAsync(string source, params string[] more)
    {
        var root = new RootCommand { PullCommand.Create(_time) };
        string[] url = more.Contains("--url") ? [] : ["--url", _backend.Url.ToString()];
        return CommandLine.InvokeAsync(root, ["pull", source, .. url, "--output", _directory, .. more], _output, _error);
    }
}
