using System.Text.Json;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Corpus;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Corpus;

using OtlpTap.Recorder;

public sealed class CaseCaptureTests : IDisposable
{
    private TapRig _tap = new();

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(19)]
    public void Spans_spread_over_twenty_requests_in_random_order_become_one_whole_case(int failingAt)
    {
        var order = Enumerable.Range(1, 20).ToArray();
        new Random(failingAt).Shuffle(order);
        for (var i = 0; i < order.Length; i++)
        {
            _tap.Receive(Span(7, order[i], failed: i == failingAt), Span(8, order[i]));
            _tap.Pass(0.9);
        }

        Assert.False(_tap.HasCase(7));
        _tap.Settle();

        Assert.Equal(Enumerable.Range(1, 20), _tap.SpansIn(7));
        Assert.True(_tap.Case(7).GetProperty("complete").GetBoolean());
        Assert.False(_tap.HasCase(8));
        Assert.Equal(1, _tap.Value("otlptap_corpus_cases_written_total"));
    }

    [Fact]
    public void When_the_failing_span_comes_a_minute_after_all_others_the_case_is_whole()
    {
        foreach (var number in Enumerable.Range(1, 19))
        {
            _tap.Receive(Span(7, number));
        }

        _tap.Pass(60);
        _tap.Receive(Span(7, 20, failed: true));
        _tap.Settle();

        Assert.Equal(Enumerable.Range(1, 20), _tap.SpansIn(7));
    }

    [Fact]
    public void Spans_that_come_after_the_case_was_written_are_added_to_it()
    {
        _tap.Receive(Span(7, 2, failed: true));
        _tap.Settle();
        Assert.Equal([2], _tap.SpansIn(7));
        Assert.Equal(["parent_missing"], _tap.Incomplete(7));

        _tap.Pass(60);
        _tap.Receive(Span(7, 1), Span(7, 3));
        _tap.Settle();

        Assert.Equal([1, 2, 3], _tap.SpansIn(7));
        Assert.Empty(_tap.Incomplete(7));
        Assert.True(_tap.Case(7).GetProperty("complete").GetBoolean());
        Assert.Equal(3, _tap.Case(7).GetProperty("span_count").GetInt32());
        Assert.Single(_tap.Case(7).GetProperty("verdicts").EnumerateArray());
        Assert.Equal("2026-11-01T00:00:05.000Z", _tap.Case(7).GetProperty("recorded_at").GetString());
        Assert.Equal("2026-11-01T00:01:10.000Z", _tap.Case(7).GetProperty("updated_at").GetString());
        Assert.Equal(1, _tap.Value("otlptap_corpus_cases_written_total"));
        Assert.Equal(1, _tap.Value("otlptap_corpus_cases_updated_total"));
    }

    [Fact]
    public void Late_spans_join_what_the_recorder_has_forgotten_meanwhile()
    {
        _tap.Dispose();
        _tap = new TapRig(recorder: new RecorderOptions { SizeBytesMax = 64 << 10, SegmentBytes = 4096 });
        _tap.Receive(Span(7, 1), Span(7, 2, failed: true));
        _tap.Receive(Log(7, 2, "said before"));
        _tap.Settle();
        foreach (var trace in Enumerable.Range(1000, 2000))
        {
            _tap.Receive(Span(trace, 1));
        }

        Assert.Empty(_tap.Recorder.Find(Trace(7)));
        _tap.Receive(Span(7, 3));
        _tap.Receive(Log(7, 3, "said after"));
        _tap.Settle();

        Assert.Equal([1, 2, 3], _tap.SpansIn(7));
        Assert.Equal(["said before", "said after"], LogsIn(_tap.LogsIn(7)).Select(record => record.Body.StringValue));
        Assert.Empty(_tap.Incomplete(7));
        Assert.Single(_tap.TraceIn(7).ResourceSpans);
    }

    [Fact]
    public void Spans_after_the_late_window_are_left_alone()
    {
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();
        _tap.Pass(_tap.Corpus.LateWindow.TotalSeconds);
        _tap.Receive(Span(7, 2));
        _tap.Settle();

        Assert.Equal([1], _tap.SpansIn(7));
        Assert.Equal(0, _tap.Scheduler.RecentCount);
    }

    [Fact]
    public void A_verdict_long_after_the_case_was_written_is_added_to_it_even_after_a_restart()
    {
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();
        _tap.Pass(_tap.Corpus.LateWindow.TotalSeconds + 1);
        _tap.Restart();

        Assert.True(_tap.Scheduler.TrySchedule(Trace(7), new Verdict(default, "negative_feedback", "thumbs_down", "feedback")));
        _tap.Settle();

        Assert.Equal(["tool_error", "negative_feedback"], Texts(_tap.Case(7).GetProperty("failures")));
        Assert.Equal("tool_error", _tap.Case(7).GetProperty("failure").GetString());
        var verdict = _tap.Case(7).GetProperty("verdicts")[1];
        Assert.Equal(JsonValueKind.Null, verdict.GetProperty("span_id").ValueKind);
        Assert.Equal("feedback", verdict.GetProperty("source").GetString());
        Assert.False(_tap.HasCase(7, "negative_feedback"));
    }

    [Fact]
    public void A_request_sent_twice_is_once_in_the_case()
    {
        for (var i = 0; i < 3; i++)
        {
            _tap.Receive(Span(7, 1), Span(7, 2, failed: true));
            _tap.Receive(Log(7, 2, "said"));
        }

        _tap.Settle();
        Assert.Equal([1, 2], _tap.SpansIn(7));
        Assert.Single(LogsIn(_tap.LogsIn(7)));
        Assert.Single(_tap.Case(7).GetProperty("verdicts").EnumerateArray());

        var before = File.ReadAllText(Path.Combine(_tap.CasePath(7), "case.json"));
        _tap.Receive(Span(7, 1), Span(7, 2, failed: true));
        _tap.Settle();
        Assert.Equal(before, File.ReadAllText(Path.Combine(_tap.CasePath(7), "case.json")));
        Assert.Equal(0, _tap.Value("otlptap_corpus_cases_updated_total"));
    }

    [Fact]
    public void Spans_that_share_an_id_and_differ_are_both_kept()
    {
        var server = Span(7, 2, failed: true);
        server.Kind = OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind.Server;
        _tap.Receive(Span(7, 1), Span(7, 2, failed: true), server);
        _tap.Settle();

        Assert.Equal([1, 2, 2], _tap.SpansIn(7));
    }

    [Fact]
    public void Interleaved_traces_are_told_apart_and_keep_their_resources_and_scopes()
    {
        var request = RequestFrom("agent", Span(1, 1), Span(2, 1), Span(1, 2, failed: true), Span(2, 2), Span(3, 1));
        request.ResourceSpans.Add(RequestFrom("tool", Span(2, 3, failed: true), Span(1, 3)).ResourceSpans);
        request.ResourceSpans.Add(RequestFrom("other", Span(3, 2)).ResourceSpans);
        _tap.Receive(request);
        _tap.Settle();

        Assert.Equal(Only(request, 1), _tap.TraceIn(1));
        Assert.Equal(Only(request, 2), _tap.TraceIn(2));
        Assert.Equal("agent", _tap.Case(1).GetProperty("services")[0].GetString());
        Assert.Equal("tool", _tap.Case(2).GetProperty("services")[0].GetString());
        Assert.False(_tap.HasCase(3));
    }

    [Fact]
    public void The_case_says_what_failed_where_and_when()
    {
        var refused = Span(7, 3, failed: true);
        refused.Name = "refused";
        _tap.Receive(Span(7, 1), Span(7, 2, failed: true), refused);
        _tap.Settle();

        var written = _tap.Case(7);
        Assert.Equal(
            ["format", "fingerprint", "failure", "title", "status", "group", "failures", "marks", "services", "versions", "models", "first_seen", "trace_id", "recorded_at", "replayable", "not_replayable_because", "run", "ids", "verdicts", "first_span_at", "last_span_at", "span_count", "log_count", "complete", "incomplete_because", "shape", "input", "traces"],
            written.EnumerateObject().Select(property => property.Name));
        Assert.Equal("otlptap.case/2", written.GetProperty("format").GetString());
        Assert.Equal(Path.GetFileName(_tap.CasePath(7)), written.GetProperty("fingerprint").GetString());
        Assert.Equal("tool_error", written.GetProperty("failure").GetString());
        Assert.Equal("weather-agent: tool error in `step 2`: no answer", written.GetProperty("title").GetString());
        Assert.Equal("open", written.GetProperty("status").GetString());
        Assert.Equal("""{"agent":"weather-agent","subject":"step 2","error_type":"","message":"no answer"}""", Compact(written.GetProperty("group")));
        Assert.Equal(["tool_error", "refusal"], Texts(written.GetProperty("failures")));
        Assert.Equal(["weather-agent"], Texts(written.GetProperty("services")));
        Assert.Equal(
            """
            [{"span_id":"0000000000000002","span_name":"step 2","failure":"tool_error","rules":["tool_failed"],"source":"rule"},
            {"span_id":"0000000000000003","span_name":"refused","failure":"tool_error","rules":["tool_failed"],"source":"rule"},
            {"span_id":"0000000000000003","span_name":"refused","failure":"refusal","rules":["said_no"],"source":"rule"}]
            """.ReplaceLineEndings(""),
            Compact(written.GetProperty("verdicts")));
        Assert.Equal("2026-11-01T00:00:00.001000000Z", written.GetProperty("first_span_at").GetString());
        Assert.Equal("2026-11-01T00:00:00.003500000Z", written.GetProperty("last_span_at").GetString());
        Assert.Equal("2026-11-01T00:00:05.000Z", written.GetProperty("recorded_at").GetString());
        Assert.Equal("0000000000000abc0000000000000007", written.GetProperty("trace_id").GetString());
        Assert.Equal(3, written.GetProperty("span_count").GetInt32());
        Assert.True(written.GetProperty("complete").GetBoolean());
        Assert.False(File.Exists(Path.Combine(_tap.CasePath(7), "logs.json")));
        Assert.Equal([$"Information: case written: tool_error  {Trace(7)}  {_tap.CasePath(7)}"], _tap.CaptureLog.Messages);
    }

    [Fact]
    public void Text_stands_in_the_files_as_people_wrote_it()
    {
        _tap.Receive(Span(7, 1, failed: true));
        _tap.Settle();

        Assert.Contains("\u201cWhat is 1?\u201d <b>", File.ReadAllText(Path.Combine(_tap.CasePath(7), "trace.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_with_tee_off_makes_no_case()
    {
        _tap.Receive(Span(7, 1));
        Assert.Equal(0, _tap.Scheduler.PendingCount);
    }

    [Fact]
    public void An_endless_trace_is_written_after_a_minute_and_completed_until_the_late_window_ends()
    {
        for (var second = 0; second <= 58; second += 2)
        {
            _tap.Receive(Span(7, second + 1, failed: true));
            _tap.Pass(2);
        }

        Assert.True(_tap.HasCase(7));
        Assert.Equal(30, _tap.SpansIn(7).Count());

        for (var second = 60; second < 1200; second += 2)
        {
            _tap.Receive(Span(7, second + 1));
            _tap.Pass(2);
        }

        Assert.InRange(_tap.Value("otlptap_corpus_cases_updated_total"), 9, 11);
        Assert.Equal(0, _tap.Scheduler.PendingCount);
        Assert.Equal(0, _tap.Scheduler.RecentCount);
    }

    [Fact]
    public void A_trace_whose_beginning_was_overwritten_says_so()
    {
        _tap.Dispose();
        _tap = new TapRig(recorder: new RecorderOptions { SizeBytesMax = 64 << 10, SegmentBytes = 4096 });
        _tap.Receive(Span(7, 1), Span(7, 2));
        _tap.Time.Advance(TimeSpan.FromSeconds(1));
        foreach (var trace in Enumerable.Range(1000, 1000))
        {
            _tap.Receive(Span(trace, 1));
        }

        _tap.Receive(Span(7, 3, failed: true, parent: 2));
        _tap.Settle();

        Assert.Equal([3], _tap.SpansIn(7));
        Assert.Equal(["overwritten_in_ring", "parent_missing"], _tap.Incomplete(7));
    }

    [Fact]
    public void A_trace_with_no_bytes_left_is_counted_and_makes_no_empty_case()
    {
        _tap.Scheduler.TrySchedule(Trace(7), new Verdict(default, "negative_feedback", "thumbs_down", "feedback"));
        _tap.Settle();

        Assert.False(Directory.Exists(_tap.Corpus.Directory));
        Assert.Equal(1, _tap.Value("otlptap_corpus_captures_dropped_total{reason=\"not_recorded\"}"));
    }

    [Fact]
    public void A_trace_larger_than_a_case_may_be_is_cut_and_says_so()
    {
        _tap.Dispose();
        _tap = new TapRig(new CorpusOptions { TraceBytesMax = 20_000 });
        _tap.Receive(Enumerable.Range(1, 300).Select(number => Span(7, number, failed: number == 1)));
        _tap.Settle();

        var cut = _tap.SpansIn(7).ToList();
        Assert.InRange(cut.Count, 100, 250);
        Assert.Equal(["too_large"], _tap.Incomplete(7));

        // What the sender wrote in fewer bytes than JSON's way back gives must not push anything out.
        _tap.Receive(Span(7, 400, failed: true));
        _tap.Settle();
        Assert.Equal(cut, _tap.SpansIn(7));
        Assert.Equal(2, _tap.Case(7).GetProperty("verdicts").GetArrayLength());
        Assert.Equal(["failing_span_missing", "too_large"], _tap.Incomplete(7));
    }

    [Fact]
    public void A_case_larger_than_the_limit_of_today_keeps_all_it_has()
    {
        _tap.Receive(Enumerable.Range(1, 300).Select(number => Span(7, number, failed: number == 1)));
        _tap.Settle();
        using var smaller = new TapRig(new CorpusOptions { TraceBytesMax = 20_000 });
        Directory.CreateDirectory(smaller.Folder);
        Directory.Move(_tap.Corpus.Directory, smaller.Corpus.Directory);

        smaller.Receive(Span(7, 301, failed: true));
        smaller.Settle();

        Assert.Equal(Enumerable.Range(1, 300), smaller.SpansIn(7));
        Assert.Equal(300, smaller.Case(7).GetProperty("span_count").GetInt32());
        Assert.Equal(["failing_span_missing", "too_large"], smaller.Incomplete(7));
    }

    [Fact]
    public void A_hundred_thousand_failing_spans_in_one_trace_become_one_case()
    {
        _tap.Dispose();
        _tap = new TapRig(recorder: new RecorderOptions());
        foreach (var batch in Enumerable.Range(1, 100_000).Chunk(10_000))
        {
            _tap.Receive(batch.Select(number => Span(7, number, failed: true)));
        }

        _tap.Settle();

        Assert.Equal(100_000, _tap.Case(7).GetProperty("span_count").GetInt32());
        Assert.Equal(1024, _tap.Case(7).GetProperty("verdicts").GetArrayLength());
        Assert.Equal(100_000 - 1024, _tap.Case(7).GetProperty("verdicts_omitted").GetInt32());
        Assert.Equal(Enumerable.Range(1, 100_000), _tap.SpansIn(7));
    }

    [Fact]
    public void Failures_with_names_unfit_for_a_folder_stay_below_the_folder_of_cases()
    {
        Assert.Equal("_etc_passwd", CaseDirectory.FolderName("/etc/passwd"));
        Assert.Equal("_.._secret", CaseDirectory.FolderName("../../secret"));
        Assert.Equal("unnamed", CaseDirectory.FolderName(".."));
        Assert.Equal("unnamed", CaseDirectory.FolderName(""));
        Assert.Equal("wrong_tool_", CaseDirectory.FolderName("wrong tool\u00e9"));
        Assert.Equal(64, CaseDirectory.FolderName(new string('x', 1000)).Length);
    }

    public void Dispose() => _tap.Dispose();

    private static ExportTraceServiceRequest Only(ExportTraceServiceRequest request, int trace)
    {
        var only = request.Clone();
        foreach (var scope in only.ResourceSpans.SelectMany(resource => resource.ScopeSpans))
        {
            foreach (var other in scope.Spans.Where(span => !span.TraceId.Equals(Bytes(Trace(trace)))).ToList())
            {
                scope.Spans.Remove(other);
            }
        }

        foreach (var resource in only.ResourceSpans.Where(resource => resource.ScopeSpans.All(scope => scope.Spans.Count == 0)).ToList())
        {
            only.ResourceSpans.Remove(resource);
        }

        return only;
    }

    private static string Compact(JsonElement element)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            element.WriteTo(json);
        }

        return System.Text.Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static IEnumerable<string?> Texts(JsonElement array) => array.EnumerateArray().Select(text => text.GetString());
}
