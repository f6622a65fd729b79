using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Buffers;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Rules.Expressions;
using OtlpTap.Rules.Values;
using OtlpTap.Scan;
using OtlpTap.Tag;
using OtlpTap.Tests.Scan;
using static OtlpTap.Tests.WireBytes;

namespace OtlpTap.Tests.Rules;

public sealed class LogRuleTests
{
    private static readonly CompiledRules Rules = TestRules.Compile(
        new Rule("by_event", "llm_error", RuleContext.Log, "log.event_name == \"failed\" and resource.attributes[\"env\"] == \"prod\" and scope.name == \"lib\""),
        new Rule("by_body", "tool_error", RuleContext.Log, "IsMap(log.body) and log.body[\"content\"] == \"Error\""),
        new Rule("by_text", "seen", RuleContext.Log, "IsMatch(log.body, \"^boom\") and log.severity_number >= SEVERITY_NUMBER_ERROR", Tag: false));

    [Fact]
    public void Programs_on_bytes_agree_with_the_evaluation_of_all_of_OTTL_on_log_records()
    {
        var random = new Random(13);
        var outcomes = new Dictionary<char, int>();
        for (var i = 0; i < 800; i++)
        {
            var text = RandomLog.ConditionNext(random);
            var run = ConditionRun.Of(text, RuleContext.Log);
            var condition = OttlCondition.Parse(text, RuleContext.Log, allowBarePaths: true, TimeProvider.System, [])!;
            for (var j = 0; j < 10; j++)
            {
                var request = RandomLog.Next(random);
                var outcome = condition.Evaluate(Assert.Single(TelemetryItem.LogsOf(request.ResourceLogs)));
                var expected = outcome.Outcome switch { Outcome.True => 'T', Outcome.False => 'F', _ => 'E' };
                Assert.True(expected == run.Outcome(request.ToByteArray()), $"{text}\n{request}\nexpected {expected} {outcome.Error}");
                outcomes[expected] = outcomes.GetValueOrDefault(expected) + 1;
            }
        }

        Assert.All("TFE", outcome => Assert.True(outcomes[outcome] > 200));
    }

    [Fact]
    public void A_match_names_the_trace_and_the_span_of_the_log_record()
    {
        var scan = ScanOf(Request(Record("failed", 3), Record("fine", 4)).ToByteArray());

        var match = Assert.Single(scan.Matches.ToArray());
        Assert.Equal((TraceIdOf(3), SpanIdOf(3)), (match.TraceId, match.SpanId));
        Assert.Equal(new ushort[] { 0 }, scan.RulesOf(in match).ToArray());
        Assert.Equal((2, 2), (scan.ItemCount, scan.TraceIds.Length));
    }

    [Fact]
    public void A_resource_and_a_scope_behind_the_log_records_count_too()
    {
        var request = Request(Record("failed", 3));
        var scope = request.ResourceLogs[0].ScopeLogs[0];
        var scopeLast = Join(Field(2, scope.LogRecords[0].ToByteArray()), Field(1, scope.Scope.ToByteArray()));
        var bytes = Field(1, Join(Field(2, scopeLast), Field(1, request.ResourceLogs[0].Resource.ToByteArray())));

        Assert.Equal(request, ExportLogsServiceRequest.Parser.ParseFrom(bytes));
        Assert.Equal(1, ScanOf(bytes).Matches.Length);
    }

    [Fact]
    public void A_log_record_is_tagged_as_a_span_is_and_nothing_else_changes()
    {
        var request = Request(Record("fine", 1), Record("failed", 2, new AnyValue { KvlistValue = new KeyValueList { Values = { TraceBuilder.Attribute("content", "Error") } } }), Record("fine", 3));
        var bytes = request.ToByteArray();
        var pool = new PayloadPool();
        var payload = pool.Rent(bytes.Length);
        bytes.CopyTo(payload.Writable);

        Assert.True(Tagger.TryTag(payload, ScanOf(bytes), pool, out var tagged));

        request.ResourceLogs[0].ScopeLogs[0].LogRecords[1].Attributes.Add(
            [TraceBuilder.Attribute("otlptap.failure", "llm_error"), TraceBuilder.Attribute("otlptap.rules", new[] { "by_event", "by_body" })]);
        Assert.Equal(request, ExportLogsServiceRequest.Parser.ParseFrom(tagged.Span));
        Assert.True(ScanOf(tagged.Span.ToArray()).Matches[0].AlreadyTagged);
    }

    [Fact]
    public void A_rule_that_does_not_tag_leaves_the_log_record_as_it_is()
    {
        var record = Record("x", 1, TraceBuilder.ValueOf("boom!"));
        record.SeverityNumber = SeverityNumber.Error2;

        var scan = ScanOf(Request(record).ToByteArray());

        Assert.Equal(1, scan.Matches.Length);
        Assert.False(scan.NeedsTag);
    }

    [Fact]
    public void What_cannot_be_read_in_a_log_record_makes_no_request_malformed()
    {
        byte[] cut = [0x0a, 0x7f];
        var bytes = Field(1, Join(Field(1, Field(1, cut)), Field(2, Join(Field(1, cut), Field(2, Join(Field(6, cut), Field(5, cut)))))));

        Assert.True(new RequestScanner(Rules).TryScan(Signal.Logs, bytes, new ScanResult(), out _));
        Assert.True(new RequestScanner(CompiledRules.None).TryScan(Signal.Logs, bytes, new ScanResult(), out _));
    }

    [Fact]
    public void Rules_on_log_records_allocate_nothing()
    {
        var bytes = Request([.. Enumerable.Range(1, 50).Select(i => Record(i % 5 == 0 ? "failed" : "fine", (byte)i))]).ToByteArray();
        var scanner = new RequestScanner(Rules);
        var result = new ScanResult();
        _ = scanner.TryScan(Signal.Logs, bytes, result, out _);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
        {
            _ = scanner.TryScan(Signal.Logs, bytes, result, out _);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(10, result.Matches.Length);
    }

    private static ScanResult ScanOf(byte[] request)
    {
        var result = new ScanResult();
        Assert.True(new RequestScanner(Rules).TryScan(Signal.Logs, request, result, out _));
        return result;
    }

    private static TraceId TraceIdOf(byte number) => TraceId.TryRead(TraceBuilder.TraceIdBytes(number).Span, out var id) ? id : default;

    private static SpanId SpanIdOf(byte number) => SpanId.TryRead(TraceBuilder.SpanIdBytes(number).Span, out var id) ? id : default;

    private static LogRecord Record(string eventName, byte number, AnyValue? body = null) => new()
    {
        EventName = eventName,
        TraceId = TraceBuilder.TraceIdBytes(number),
        SpanId = TraceBuilder.SpanIdBytes(number),
        Body = body,
        Attributes = { TraceBuilder.Attribute("a", 1) },
    };

    private static ExportLogsServiceRequest Request(params LogRecord[] records) => new()
    {
        ResourceLogs =
        {
            new ResourceLogs
            {
                Resource = new() { Attributes = { TraceBuilder.Attribute("env", "prod") } },
                ScopeLogs = { new ScopeLogs { Scope = new InstrumentationScope { Name = "lib" }, LogRecords = { records } } },
            },
        },
    };
}
