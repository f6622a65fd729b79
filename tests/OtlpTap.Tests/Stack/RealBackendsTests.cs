using System.CommandLine;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Resource.V1;
using OtlpTap.Cli;
using OtlpTap.Otlp;
using OtlpTap.Tests.Documentation;
using OtlpTap.Tests.EndToEnd;

namespace OtlpTap.Tests.Stack;

/// <summary>
/// The tap before a real Tempo and a real Loki: what it says of them, and what it asks them. Where the machine has them, which CI
/// has not (<see cref="BackendServer"/>).
/// </summary>
public sealed class RealBackendsTests : IDisposable
{
    private const ulong Second = 1_000_000_000;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("otlptap-pulled-");
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Fact]
    public async Task Every_query_of_the_dashboards_brings_data_and_feedback_is_found_by_its_trace()
    {
        await using var tempo = await BackendServer.TempoAsync();
        await using var loki = await BackendServer.LokiAsync();
        await using var tap = await TapAsync(tempo, loki);
        using var traffic = new AgentTraffic(tap);

        var open = Dashboard.All.SelectMany(dashboard => dashboard.Queries).Where(query => query.Source is "tempo" or "loki").ToList();
        Assert.Equal(["loki", "tempo"], open.Select(query => query.Source).Distinct().Order());
        await BackendServer.UntilAsync(
            async () =>
            {
                await traffic.RoundAsync();
                foreach (var query in open.ToList())
                {
                    if (await CountAsync(query.Source == "tempo" ? tempo : loki, query.Source, Dashboard.Filled(query.Text)) > 0)
                    {
                        open.Remove(query);
                    }
                }

                return open.Count == 0;
            },
            "all queries bring data");

        var said = (await RowsAsync(loki, """{service_name="shop"} | otlptap_feedback_value="negative" """))[0];
        Assert.Equal("not what I asked", said.Metadata.GetProperty("gen_ai_evaluation_explanation").GetString());
        var trace = said.Metadata.GetProperty("trace_id").GetString()!;

        // Grafana's way from a span to its logs, and from them to the trace.
        Assert.NotEmpty(await RowsAsync(loki, $$"""{service_name="shop"} | label_format log_line_contains_trace_id=`{{"{{"}} contains "{{trace}}" __line__ {{"}}"}}` | log_line_contains_trace_id="true" or trace_id="{{trace}}" """));
        var spans = (await tempo.GetAsync($"/api/v2/traces/{trace}")).GetProperty("trace").ToString();
        Assert.Contains("otlptap.failure", spans, StringComparison.Ordinal);
        Assert.Contains("\"otlptap.verdict\"", spans, StringComparison.Ordinal);
        Assert.Contains("negative_feedback", spans, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Feedback_on_a_trace_that_only_Tempo_has_makes_a_case_of_it()
    {
        await using var tempo = await BackendServer.TempoAsync();
        await using (var before = await TapAsync(tempo))
        {
            await before.ExportAsync(Signal.Traces, Traces("shop", 1, isFailing: false));
        }

        await using var tap = await TapAsync(tempo);
        await PostFeedbackAsync(tap, $$"""{ "trace_id": "{{Id(1)}}", "thumbs": "down" }""");

        using var written = JsonDocument.Parse(await File.ReadAllBytesAsync(Assert.Single(await tap.CaseFilesAsync("case.json", 1)), TestContext.Current.CancellationToken));
        Assert.Equal("negative_feedback", written.RootElement.GetProperty("failure").GetString());
        Assert.Equal(["tempo"], written.RootElement.GetProperty("fetched_from").EnumerateArray().Select(source => source.GetString()));
        Assert.Equal(1, written.RootElement.GetProperty("span_count").GetInt32());
    }

    /// <summary>More than a search gives at a time, some within one second.</summary>
    [Fact]
    public async Task Every_trace_of_Tempo_is_pulled_once_and_none_is_lost_between_two_runs()
    {
        await using var tempo = await BackendServer.TempoAsync();
        await using var tap = await TapAsync(tempo);
        var start = DateTimeOffset.UtcNow;
        await tap.ExportAsync(Signal.Traces, Traces("shop", 1, 1200, start));
        await tap.ExportAsync(Signal.Traces, Traces("shop", 1201, 800, start - TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(60)));

        // Not the tap's own, of the advice that so many failures raise.
        string[] command = ["--query", """{ name = "execute_tool search" }""", "--since", "1h"];

        // At once, while Tempo does not yet show them.
        Assert.Equal(0, await PullAsync("tempo", tempo, command));
        await BackendServer.UntilAsync(
            async () =>
            {
                Assert.Equal(0, await PullAsync("tempo", tempo, command));
                return Known().Count >= 2000;
            },
            "all are pulled");

        Assert.Equal(Enumerable.Range(1, 2000).Select(Id), Known().Order(StringComparer.Ordinal));
        Assert.Equal(2000, LookedAt());
        Assert.Empty(Complaints());
    }

    [Fact]
    public async Task Texts_are_cut_where_the_pages_say_within_characters_too_and_their_cases_say_so()
    {
        await using var tempo = await BackendServer.TempoAsync(configuration => string.Join('\n', configuration.Split('\n').Where(line => !line.Contains("max_attribute_bytes:", StringComparison.Ordinal))));
        await using var tap = await TapAsync(tempo);
        (string Tool, string Text, bool IsCut)[] texts = [("ascii", new string('x', 2049), true), ("euro", new string('€', 1000), true), ("smile", "x" + string.Concat(Enumerable.Repeat("😀", 600)), true), ("whole", new string('x', 2047), false)];
        for (var i = 0; i < texts.Length; i++)
        {
            await tap.ExportAsync(Signal.Traces, Traces(texts[i].Tool, i + 1, ("gen_ai.tool.call.arguments", texts[i].Text)));
        }

        await BackendServer.UntilAsync(
            async () =>
            {
                await PullAsync("tempo", tempo, "--since", "1h");
                return Known().Count == texts.Length;
            },
            "all are pulled");

        Assert.Empty(Complaints());
        var cases = Cases().ToDictionary(written => written.GetProperty("services")[0].GetString()!, written => written.TryGetProperty("truncated", out _));
        Assert.Equal(texts.ToDictionary(text => text.Tool, text => text.IsCut), cases);
        var cut = (await tempo.GetAsync($"/api/v2/traces/{Id(1)}")).ToString();
        Assert.Contains($"\"{new string('x', 2048)}\"", cut, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_line_of_Loki_is_pulled_once_into_the_case_of_its_trace()
    {
        await using var tempo = await BackendServer.TempoAsync();
        await using var loki = await BackendServer.LokiAsync();
        await using var tap = await TapAsync(tempo, loki);
        await tap.ExportAsync(Signal.Traces, Traces("shop", 1));
        await BackendServer.UntilAsync(
            async () =>
            {
                await PullAsync("tempo", tempo);
                return Cases().Count == 1;
            },
            "the trace is a case");

        // Over an hour's turn, where Loki splits a query, and more of one nanosecond than a page has. Lines of more than two hours ago it
        // shows only some time after it took them.
        var now = (ulong)DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var turn = now / 3600 * 3600 * Second;
        var times = Enumerable.Range(0, 1500).Select(_ => turn).Concat(Enumerable.Range(0, 2500).Select(i => turn - 1 - ((ulong)i * Second))).ToList();
        foreach (var chunk in times.Select((time, i) => (time, i)).OrderBy(line => line.time).Chunk(500))
        {
            await tap.ExportAsync(Signal.Logs, Logs(chunk));
        }

        await BackendServer.UntilAsync(
            async () =>
            {
                Assert.Equal(0, await PullAsync("loki", loki, "--query", """{service_name="shop"}"""));
                return Cases()[0].GetProperty("log_count").GetInt32() >= times.Count;
            },
            "all lines are pulled");

        Assert.Equal(times.Count, Assert.Single(Cases()).GetProperty("log_count").GetInt32());
        Assert.Empty(Complaints());
        var failure = Cases()[0].GetProperty("failures").EnumerateArray().Select(kind => kind.GetString());
        Assert.Contains("failed_evaluation", failure);
    }

    /// <summary>The query is that of docs/judge.md.</summary>
    [Fact]
    public async Task A_search_for_errors_can_leave_out_what_the_tap_says_of_them()
    {
        await using var loki = await BackendServer.LokiAsync();
        await using var tap = await TapAsync(tempo: null, loki);
        await tap.ExportAsync(Signal.Traces, Traces("shop", 1, isFailing: false));
        await PostFeedbackAsync(tap, $$"""{ "trace_id": "{{Id(1)}}", "thumbs": "down", "comment": "an error, again" }""");
        var scopes = new[] { "", "shop.orders" };
        foreach (var scope in scopes)
        {
            await tap.ExportAsync(Signal.Logs, ErrorOf(scope));
        }

        const string All = """{service_name="shop"} |= "error" """;
        await BackendServer.UntilAsync(async () => (await RowsAsync(loki, All)).Count == 3, "all three are found");
        var page = Assert.Single(Markdown.Read("docs/judge.md").Text.Split('`'), code => code.StartsWith(All, StringComparison.Ordinal));

        Assert.Equal(scopes.Select(scope => $"an error of '{scope}'"), (await RowsAsync(loki, page)).Select(row => row.Line).Order(StringComparer.Ordinal));
        var own = Assert.Single(await RowsAsync(loki, page.Replace("!=", "=", StringComparison.Ordinal)));
        Assert.EndsWith("an error, again", own.Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_Loki_refuses_reaches_the_sender_with_its_words()
    {
        await using var loki = await BackendServer.LokiAsync();
        await using var tap = await TapAsync(tempo: null, loki);

        var refusal = await tap.RefusalOfAsync(Signal.Logs, Logs([(1_000_000_000, 1)]));

        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.StartsWith("entry for stream", refusal.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_Tempo_takes_only_later_it_says_when()
    {
        await using var tempo = await BackendServer.TempoAsync(configuration => configuration + "\noverrides: { defaults: { ingestion: { rate_limit_bytes: 1000, burst_size_bytes: 20000 } } }\n");
        await using var tap = await TapAsync(tempo);

        var refusal = await tap.RefusalOfAsync(Signal.Traces, Traces("shop", 1, ("gen_ai.tool.call.arguments", new string('x', 30_000))));

        Assert.Equal(Grpc.Core.StatusCode.ResourceExhausted, refusal.StatusCode);
        Assert.True(StatusDetails.TryReadRetryDelay(refusal.Trailers.GetValueBytes(StatusDetails.TrailerName), out var delay));
        Assert.Equal(TimeSpan.FromSeconds(5), delay);
    }

    public void Dispose()
    {
        _directory.Delete(recursive: true);
        _output.Dispose();
        _error.Dispose();
    }

    private static Task<RunningTap> TapAsync(BackendServer? tempo, BackendServer? loki = null) => RunningTap.ConfiguredAsync(directory => $$"""
        receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" }, http: { endpoint: "127.0.0.1:0" } } } }
        processors:
          tap:
            corpus: { directory: '{{directory}}', settle: 50ms }
            detectors: { settle: 50ms }
            advice: { interval: 100ms, policies: [{ name: search-fails, when: "tool.errors.ratio_1m > 0.1 and tool.calls_1m >= 2", advice: reroute }] }
            {{(tempo is null ? "" : $"pull: {{ tempo: {{ url: '{tempo.Url}' }} }}")}}
        exporters:
          otlp_grpc/tempo: { endpoint: "{{tempo?.OtlpEndpoint ?? "127.0.0.1:9"}}", tls: { insecure: true } }
          otlp_http/loki: { endpoint: "{{loki?.Url.ToString() ?? "http://127.0.0.1:9/"}}otlp" }
        service:
          admin: { endpoint: "127.0.0.1:0" }
          pipelines:
            traces: { receivers: [otlp], processors: [tap], exporters: [{{(tempo is null ? "" : "otlp_grpc/tempo")}}] }
            logs: { receivers: [otlp], processors: [tap], exporters: [otlp_http/loki] }
            metrics: { receivers: [otlp], processors: [tap] }
        """);

    private static string Id(int number) => number.ToString("x32", CultureInfo.InvariantCulture);

    private static byte[] Traces(string service, int first, params (string Key, object? Value)[] attributes) => Traces(service, first, 1, DateTimeOffset.UtcNow, attributes: attributes);

    private static byte[] Traces(string service, int first, bool isFailing) => Traces(service, first, 1, DateTimeOffset.UtcNow, isFailing: isFailing);

    /// <summary>Traces of one span each, with ids that count up.</summary>
    private static byte[] Traces(string service, int first, int count, DateTimeOffset start, TimeSpan between = default, bool isFailing = true, params (string Key, object? Value)[] attributes)
    {
        var traces = new TraceBuilder().Resource(service);
        for (var number = first; number < first + count; number++)
        {
            traces.Span("execute_tool search", [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", service), .. attributes]);
            if (isFailing)
            {
                traces.Failed();
            }

            var at = (ulong)((start + ((number - first) * between)).UtcTicks - DateTimeOffset.UnixEpoch.Ticks) * 100;
            traces.LastSpan.SpanId = ByteString.CopyFrom(Convert.FromHexString(Id(number)[16..]));
            traces.LastSpan.TraceId = ByteString.CopyFrom(Convert.FromHexString(Id(number)));
            (traces.LastSpan.StartTimeUnixNano, traces.LastSpan.EndTimeUnixNano) = (at, at + 1_000_000);
        }

        return traces.Request.ToByteArray();
    }

    /// <summary>Lines of the first trace; the first line is what an evaluator says of it.</summary>
    private static byte[] Logs(IEnumerable<(ulong UnixNano, int Number)> lines)
    {
        var scope = new ScopeLogs();
        foreach (var (time, number) in lines)
        {
            var record = new LogRecord { TimeUnixNano = time, TraceId = ByteString.CopyFrom(Convert.FromHexString(Id(1))), Body = TraceBuilder.ValueOf($"line {number}") };
            if (number == 0)
            {
                record.EventName = "gen_ai.evaluation.result";
                record.Attributes.Add([TraceBuilder.Attribute("gen_ai.evaluation.name", "relevance"), TraceBuilder.Attribute("gen_ai.evaluation.score.value", 0.1), TraceBuilder.Attribute("gen_ai.evaluation.score.label", "irrelevant")]);
            }

            scope.LogRecords.Add(record);
        }

        var resource = new Resource { Attributes = { TraceBuilder.Attribute("service.name", "shop") } };
        return new ExportLogsServiceRequest { ResourceLogs = { new ResourceLogs { Resource = resource, ScopeLogs = { scope } } } }.ToByteArray();
    }

    private static byte[] ErrorOf(string scope)
    {
        var record = new LogRecord { TimeUnixNano = (ulong)DateTimeOffset.UtcNow.ToUnixTimeSeconds() * Second, Body = TraceBuilder.ValueOf($"an error of '{scope}'") };
        var logs = new ScopeLogs { Scope = new InstrumentationScope { Name = scope }, LogRecords = { record } };
        var resource = new Resource { Attributes = { TraceBuilder.Attribute("service.name", "shop") } };
        return new ExportLogsServiceRequest { ResourceLogs = { new ResourceLogs { Resource = resource, ScopeLogs = { logs } } } }.ToByteArray();
    }

    private Task<int> PullAsync(string source, BackendServer backend, params string[] more)
    {
        var root = new RootCommand { PullCommand.Create(TimeProvider.System) };
        return CommandLine.InvokeAsync(root, ["pull", source, "--url", backend.Url.ToString(), "--output", _directory.FullName, .. more], _output, _error);
    }

    /// <summary>Ids of the traces that were looked at, as the state of the pull has them.</summary>
    private List<string> Known() =>
        [.. _directory.GetFiles(".pull-tempo-*").SelectMany(file => File.ReadLines(file.FullName)).Where(line => line.StartsWith("t ", StringComparison.Ordinal)).Select(line => line[2..])];

    /// <summary>What a pull said, but for how far it was.</summary>
    private IEnumerable<string> Complaints() => _error.ToString().Split('\n').Where(line => line.Length > 0 && !line.Contains(" % ", StringComparison.Ordinal));

    private int LookedAt() =>
        _output.ToString().Split('\n').Where(line => line.Contains(" traces looked at,", StringComparison.Ordinal)).Sum(line => int.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture));

    private List<JsonElement> Cases() =>
        [.. _directory.GetFiles("case.json", SearchOption.AllDirectories).Select(file => JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(file.FullName)))];

    private static async Task PostFeedbackAsync(RunningTap tap, string json)
    {
        using var http = new HttpClient();
        using var body = new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var answer = await http.PostAsync(new Uri($"http://{tap.Host.HttpEndpoint}/v1/feedback"), body, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, answer.StatusCode.ToString());
    }

    private static async Task<int> CountAsync(BackendServer backend, string source, string query)
    {
        if (source == "loki")
        {
            return (await RowsAsync(backend, query)).Count;
        }

        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return (await backend.GetAsync($"/api/search?q={Uri.EscapeDataString(query)}&start={now - 3600}&end={now}&limit=50")).GetProperty("traces").GetArrayLength();
    }

    private static async Task<List<(string Line, JsonElement Metadata)>> RowsAsync(BackendServer loki, string query)
    {
        var answer = await loki.GetAsync($"/loki/api/v1/query_range?query={Uri.EscapeDataString(query)}&limit=50");
        return [.. from stream in answer.GetProperty("data").GetProperty("result").EnumerateArray() from value in stream.GetProperty("values").EnumerateArray() select (value[1].GetString()!, stream.GetProperty("stream"))];
    }
}
