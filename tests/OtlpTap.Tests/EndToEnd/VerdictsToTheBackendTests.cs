using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.Evaluations;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Judges;
using OtlpTap.Verdicts;
using OtlpSpan = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.EndToEnd;

public sealed class VerdictsToTheBackendTests
{
    private static readonly Verdict Ungrounded = new(new SpanId(1), FailureKind.Hallucination, "grounding", VerdictSource.Detector)
    {
        Score = 0.9,
        Explanation = "12 became 21.",
        Judged = new JudgedSpan(new SpanId(1), "shop", 0, null),
    };

    [Fact]
    public async Task A_verdict_arrives_at_the_backend_as_a_span_and_an_event_and_no_tap_judges_it_again()
    {
        await using var backend = await StubUpstream.StartAsync();
        await using var second = await RunningTap.StartAsync(backend);
        await using var first = await RunningTap.StartAsync(second.Host.GrpcEndpoint.ToString());
        await first.ExportAsync(Signal.Traces, new TraceBuilder().Resource("shop").Span("chat").ToBytes());

        first.Host.Verdicts.Judged(new TraceId(0, 1), Ungrounded);

        await Deadline.UntilAsync(() => Spans(backend).Any(span => span.Name == "otlptap.verdict") && Logs(backend).Count > 0, "both arrive");
        var span = Spans(backend).Single(span => span.Name == "otlptap.verdict");
        Assert.Equal(TraceBuilder.TraceIdBytes(1), span.TraceId);
        Assert.Equal(TraceBuilder.SpanIdBytes(1), span.ParentSpanId);
        Assert.DoesNotContain(span.Attributes, attribute => attribute.Key == "otlptap.rules" && attribute.Value.ArrayValue.Values.Count != 1);
        var record = Assert.Single(Logs(backend));
        Assert.Equal("gen_ai.evaluation.result", record.EventName);
        Assert.Equal(TraceBuilder.TraceIdBytes(1), record.TraceId);
        Assert.Equal(TraceBuilder.SpanIdBytes(1), record.SpanId);

        await second.SettledAsync();
        Assert.Equal(0, await second.MetricAsync("otlptap_already_tagged_spans_total"));
        Assert.Equal(0, await second.MetricAsync("otlptap_corpus_pending_captures"));
        Assert.Empty(Directory.GetFiles(second.Directory, "case*", SearchOption.AllDirectories));
        Assert.Equal(0, await first.MetricAsync("otlptap_already_tagged_spans_total"));
    }

    [Fact]
    public async Task What_detectors_find_bears_the_judged_service_and_what_recovered_is_marked_in_its_case()
    {
        await using var backend = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(backend, tap: "detectors: { settle: 100ms }");
        (string, object?)[] call = [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "pay"), ("gen_ai.tool.call.arguments", "{}")];
        var trace = new TraceBuilder().Resource("shop").Span("execute_tool pay", call).Failed("no connection").Span("execute_tool pay", call).Span("chat", ("gen_ai.operation.name", "chat"));
        var spans = trace.Request.ResourceSpans[0].ScopeSpans[0].Spans;
        for (var i = 0; i < spans.Count; i++)
        {
            spans[i].StartTimeUnixNano += (ulong)i * 2_000_000_000;
            spans[i].EndTimeUnixNano += (ulong)i * 2_000_000_000;
        }

        await tap.ExportAsync(Signal.Traces, trace.ToBytes());

        await Deadline.UntilAsync(() => Services(backend).Count > 0, "the mark arrives");
        Assert.Equal(["shop"], Services(backend));
        var file = (await tap.CaseFilesAsync("case.json", 1))[0];
        await Deadline.UntilAsync(async () => (await File.ReadAllTextAsync(file)).Contains("\"marks\": [\n    \"recovered\"", StringComparison.Ordinal), "the case has the mark");
    }

    [Fact]
    public async Task An_evaluation_from_elsewhere_bears_the_judged_spans_service()
    {
        await using var backend = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(backend);
        await tap.ExportAsync(Signal.Traces, new TraceBuilder().Resource("shop").Span("chat", ("gen_ai.operation.name", "chat"), ("gen_ai.response.id", "resp_1")).ToBytes());
        await tap.ExportAsync(Signal.Logs, Told.Logs(Told.Log(0, 0, "gen_ai.evaluation.user_feedback", ("gen_ai.response.id", "resp_1"), ("gen_ai.evaluation.score", -1.0))));

        await Deadline.UntilAsync(() => Services(backend).Count > 0, "the verdict arrives");
        Assert.Equal(["shop"], Services(backend));
        var span = Spans(backend).Single(span => span.Name == "otlptap.verdict");
        Assert.Equal(1_700_000_001_000_000_000UL, span.EndTimeUnixNano);
    }

    [Fact]
    public async Task After_a_reload_verdicts_go_where_the_new_configuration_says()
    {
        await using var before = await StubUpstream.StartAsync();
        await using var after = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(before, tap: "verdicts: { logs: false }");
        var result = await tap.ReloadAsync(text => text.Replace(before.Endpoint, after.Endpoint, StringComparison.Ordinal));
        Assert.True(result.IsApplied, string.Join('\n', result.Lines));

        tap.Host.Verdicts.Judged(new TraceId(0, 1), Ungrounded);

        await Deadline.UntilAsync(() => Spans(after).Count > 0, "it arrives at the new one");
        Assert.Empty(before.Calls);
        Assert.Empty(Logs(after));
    }

    [Fact]
    public async Task A_verdict_of_the_last_moment_is_sent_before_the_tap_ends()
    {
        await using var backend = await StubUpstream.StartAsync();
        await using (var tap = await RunningTap.StartAsync(backend))
        {
            tap.Host.Verdicts.Judged(new TraceId(0, 1), Ungrounded);
        }

        Assert.Single(Spans(backend));
        Assert.Single(Logs(backend));
    }

    [Fact]
    public async Task What_an_outside_evaluator_finds_arrives_at_the_backend()
    {
        await using var evaluator = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);
        evaluator.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 200, "application/json", """{"verdicts": [{"score": 1, "explanation": "wrong"}]}"""u8.ToArray());
        await using var backend = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(backend, tap: $"detectors: {{ judge: {{ endpoint: 'http://{evaluator.Endpoint}/', sample: 1 }} }}");

        tap.Host.Judges.Offer(AgentRuns.Answered(), []);

        await Deadline.UntilAsync(() => Spans(backend).Count > 0, "the verdict arrives");
        var span = Assert.Single(Spans(backend));
        Assert.Equal(TraceBuilder.SpanIdBytes(2), span.ParentSpanId);
        Assert.Contains(span.Attributes, attribute => attribute is { Key: "otlptap.verdict.source", Value.StringValue: "judge" });
    }

    [Fact]
    public async Task What_an_outside_evaluator_measures_of_answers_good_and_bad_is_one_mean_of_their_agents_health()
    {
        string[] answers = ["""{"verdicts": [], "score": 0.1}""", """{"verdicts": [{"score": 0.9}]}"""];
        var asked = -1;
        await using var evaluator = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);
        evaluator.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 200, "application/json", Encoding.UTF8.GetBytes(answers[Interlocked.Increment(ref asked)]));
        await using var tap = await RunningTap.StartAsync(tap: $"detectors: {{ judge: {{ name: jury, endpoint: 'http://{evaluator.Endpoint}/', sample: 1 }} }}");

        tap.Host.Judges.Offer(AgentRuns.Answered(trace: 1), []);
        tap.Host.Judges.Offer(AgentRuns.Answered(trace: 2), []);

        await Deadline.UntilAsync(async () => await tap.MetricAsync("otlptap_judge_question_seconds_count{judge=\"jury\"}") == 2, "both are judged");
        using var health = JsonDocument.Parse(await tap.GetAsync("/api/v1/health/weather"));
        var values = health.RootElement.GetProperty("values");
        Assert.Equal((2, 0.5), (values.GetProperty("evaluation.jury.count_1h").GetDouble(), values.GetProperty("evaluation.jury.mean_1h").GetDouble()));
    }

    /// <summary>Of the verdicts that came as spans.</summary>
    private static List<string> Services(StubUpstream backend) =>
    [
        .. backend.Calls.Where(call => call.Path.EndsWith("TraceService/Export", StringComparison.Ordinal))
            .SelectMany(call => ExportTraceServiceRequest.Parser.ParseFrom(call.Message).ResourceSpans)
            .Where(resource => resource.ScopeSpans.Any(scope => scope.Spans.Any(span => span.Name == "otlptap.verdict")))
            .Select(resource => resource.Resource.Attributes.Single(attribute => attribute.Key == "service.name").Value.StringValue),
    ];

    private static List<OtlpSpan> Spans(StubUpstream backend) =>
    [
        .. backend.Calls.Where(call => call.Path.EndsWith("TraceService/Export", StringComparison.Ordinal))
            .SelectMany(call => ExportTraceServiceRequest.Parser.ParseFrom(call.Message).ResourceSpans).SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans),
    ];

    private static List<OpenTelemetry.Proto.Logs.V1.LogRecord> Logs(StubUpstream backend) =>
    [
        .. backend.Calls.Where(call => call.Path.EndsWith("LogsService/Export", StringComparison.Ordinal))
            .SelectMany(call => ExportLogsServiceRequest.Parser.ParseFrom(call.Message).ResourceLogs).SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords),
    ];
}
