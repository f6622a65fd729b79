using Google.Protobuf;
using OtlpTap.Causes;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Tests.Scan;

namespace OtlpTap.Tests.Causes;

/// <summary>One failure, one cause: within a request, and with the ledger across requests.</summary>
public sealed class CauseMarkerTests
{
    private static readonly CompiledRules Failed = TestRules.Compile(
        new Rule("error", "tool_error", RuleContext.Span, "span.status.code == STATUS_CODE_ERROR"),
        new Rule("cut", "truncated", RuleContext.Span, "span.attributes[\"gen_ai.response.finish_reasons\"] == \"length\""));

    private static readonly CompiledRules Tools = TestRules.Compile(new Rule("tool", "tool_error", RuleContext.Span, "span.status.code == STATUS_CODE_ERROR and span.name == \"tool\""));

    [Fact]
    public void Spans_around_a_failure_that_say_the_same_repeat_it_and_are_no_failures_of_their_own()
    {
        var marked = Marked.Of(
            Spans(("tool", 3, 2, "backend timed out"), ("step", 2, 1, "Error: backend timed out"), ("agent", 1, 0, "backend timed out")), Failed);

        Assert.Equal(["tool"], marked.Causes);
        Assert.Equal([("step", "tool"), ("agent", "tool")], marked.Repeating);
    }

    [Fact]
    public void The_origin_is_the_causes_id_in_hex_beside_the_tags_of_the_spans_own_rules()
    {
        var marked = Marked.Of(Spans(("tool", 0xab, 1, "backend timed out"), ("agent", 1, 0, "backend timed out")), Failed);

        Assert.Equal("00000000000000ab", Marked.TextOf(marked.Spans[1], "otlptap.failure.origin"));
        Assert.Equal("tool_error", Marked.TextOf(marked.Spans[1], "otlptap.failure"));
    }

    [Fact]
    public void Spans_that_no_rule_found_and_that_repeat_a_failure_get_its_origin_and_nothing_else()
    {
        var request = Spans(("agent", 1, 0, "backend timed out"), ("healthy", 4, 1, null), ("step", 2, 1, "backend timed out"), ("tool", 3, 2, "backend timed out"));
        var marked = Marked.Of(request, Tools);

        Assert.Equal(["tool"], marked.Causes);
        Assert.Equal([("agent", "tool"), ("step", "tool")], marked.Repeating);
        Assert.Equal(["otlptap.failure.origin"], marked.Spans[0].Attributes.Select(attribute => attribute.Key));
        Assert.Empty(marked.Spans[1].Attributes);
        Assert.True(marked.Scan.Matches[0].SpanTagOffset < marked.Scan.Matches[1].SpanTagOffset && marked.Scan.Matches[1].SpanTagOffset < marked.Scan.Matches[2].SpanTagOffset);
        Assert.Equal([0, 0, 1], marked.Scan.Matches.ToArray().Select(match => match.RuleCount));
    }

    [Fact]
    public void An_error_without_a_word_of_its_own_repeats_the_one_below_it_whatever_their_kinds()
    {
        var rules = TestRules.Compile(
            new Rule("tool", "tool_error", RuleContext.Span, "span.name == \"tool\""),
            new Rule("chat", "llm_error", RuleContext.Span, "span.name == \"chat\""));

        var marked = Marked.Of(Spans(("tool", 3, 2, "backend timed out"), ("chat", 2, 1, "")), rules);

        Assert.Equal(["tool"], marked.Causes);
        Assert.Equal([("chat", "tool")], marked.Repeating);
    }

    [Fact]
    public void A_span_with_an_exception_of_its_own_is_a_cause()
    {
        var marked = Marked.Of(Spans(("tool", 3, 2, "backend timed out"), ("agent", 2, 0, "the answer is no JSON")), Failed);

        Assert.Equal(["tool", "agent"], marked.Causes);
    }

    [Theory]
    [InlineData("Recursion limit of 6 reached without hitting a stop condition.")]
    [InlineData("ABORTED: Exceeded maximum tool call iterations (4)")]
    [InlineData("Max turns (3) exceeded")]
    public void A_run_that_is_stopped_at_its_limit_is_a_failure_of_its_own(string message)
    {
        var marked = Marked.Of(Spans(("tool", 3, 2, ""), ("agent", 2, 0, message)), Failed);

        Assert.Equal(["tool", "agent"], marked.Causes);
    }

    [Fact]
    public void A_reason_to_finish_that_comes_up_is_repeated_and_another_one_is_not()
    {
        var request = Spans(("chat", 3, 2, null), ("agent", 2, 1, null), ("outer", 1, 0, null));
        var spans = request.Request.ResourceSpans[0].ScopeSpans[0].Spans;
        spans[0].Attributes.Add(TraceBuilder.Attribute("gen_ai.response.finish_reasons", "length"));
        spans[1].Attributes.Add(TraceBuilder.Attribute("gen_ai.response.finish_reasons", "length"));
        spans[2].Attributes.Add(TraceBuilder.Attribute("gen_ai.response.finish_reasons", "limit"));
        var rules = TestRules.Compile(new Rule("cut", "truncated", RuleContext.Span, "span.attributes[\"gen_ai.response.finish_reasons\"] != nil"));

        var marked = Marked.Of(request, rules);

        Assert.Equal(["chat", "outer"], marked.Causes);
        Assert.Equal([("agent", "chat")], marked.Repeating);
    }

    [Fact]
    public void Failures_beside_each_other_are_causes_each()
    {
        var marked = Marked.Of(Spans(("tool", 3, 1, "backend timed out"), ("tool", 4, 1, "backend timed out")), Failed);

        Assert.Equal(["tool", "tool"], marked.Causes);
    }

    [Fact]
    public void Of_several_failures_below_the_one_that_is_quoted_is_the_origin()
    {
        var marked = Marked.Of(Spans(("first", 3, 1, "backend timed out"), ("second", 4, 1, "city not found"), ("agent", 1, 0, "tool failed: backend timed out")), Failed);

        Assert.Equal([("agent", "first")], marked.Repeating);
    }

    [Fact]
    public void The_source_that_the_instrumentation_names_is_the_cause_and_the_others_around_it_are_none()
    {
        var request = Spans(("inner", 3, 2, "a"), ("middle", 2, 1, "b"), ("outer", 1, 0, "c"));
        foreach (var span in request.Request.ResourceSpans[0].ScopeSpans[0].Spans)
        {
            span.Attributes.Add(TraceBuilder.Attribute("genkit:type", "util"));
        }

        request.Request.ResourceSpans[0].ScopeSpans[0].Spans[0].Attributes.Add(TraceBuilder.Attribute("genkit:isFailureSource", true));

        Assert.Equal([("middle", "inner"), ("outer", "inner")], Marked.Of(request, Failed).Repeating);
    }

    [Fact]
    public void A_tools_failure_in_the_messages_of_a_model_call_is_that_of_the_tools_span()
    {
        var request = Spans(("tool", 3, 1, null), ("chat", 4, 1, null), ("agent", 1, 0, null));
        var spans = request.Request.ResourceSpans[0].ScopeSpans[0].Spans;
        spans[1].StartTimeUnixNano = spans[0].EndTimeUnixNano + 1;
        spans[1].EndTimeUnixNano = spans[1].StartTimeUnixNano + 1;
        spans[1].Attributes.Add(TraceBuilder.Attribute("gen_ai.operation.name", "chat"));
        var rules = TestRules.Compile(new Rule("told", "tool_error", RuleContext.Span, "span.name != \"agent\""));

        Assert.Equal([("chat", "tool")], Marked.Of(request, rules).Repeating);
    }

    [Fact]
    public void A_parent_that_comes_in_a_later_request_repeats_what_came_before()
    {
        var ledger = new CauseLedger();
        var first = Marked.Of(Spans(("tool", 3, 2, "backend timed out")), Tools, ledger);
        var second = Marked.Of(Spans(("step", 2, 1, "")), Tools, ledger);
        var third = Marked.Of(Spans(("agent", 1, 0, "tool failed: backend timed out")), Tools, ledger);

        Assert.Equal(["tool"], first.Causes);
        Assert.Equal([("step", "0000000000000003")], second.Repeating);
        Assert.Equal([("agent", "0000000000000003")], third.Repeating);
    }

    [Fact]
    public void Where_a_link_of_the_chain_is_not_known_an_ancestor_that_says_the_same_repeats_it_and_one_that_says_nothing_does_not()
    {
        var ledger = new CauseLedger();
        _ = Marked.Of(Spans(("tool", 3, 2, "backend timed out")), Failed, ledger);

        Assert.Equal([("agent", "0000000000000003")], Marked.Of(Spans(("agent", 1, 0, "backend timed out")), Failed, ledger).Repeating);
        Assert.Empty(Marked.Of(Spans(("agent", 1, 0, "")), Failed, ledger).Repeating);
    }

    [Fact]
    public void A_neighbour_in_a_later_request_that_says_the_same_is_a_cause()
    {
        var ledger = new CauseLedger();
        _ = Marked.Of(Spans(("tool", 3, 2, "backend timed out")), Tools, ledger);

        Assert.Equal(["tool"], Marked.Of(Spans(("tool", 4, 2, "backend timed out")), Tools, ledger).Causes);
    }

    [Fact]
    public void Other_traces_have_nothing_to_do_with_it()
    {
        var ledger = new CauseLedger();
        _ = Marked.Of(Spans(("tool", 3, 2, "backend timed out")), Tools, ledger);
        var other = new TraceBuilder().Trace(2).Span("step").Failed("backend timed out");
        other.LastSpan.SpanId = TraceBuilder.SpanIdBytes(2);

        Assert.Empty(Marked.Of(other, Tools, ledger).Repeating);
    }

    [Fact]
    public void A_ring_of_parents_ends()
    {
        var marked = Marked.Of(Spans(("a", 1, 2, "backend timed out"), ("b", 2, 1, "backend timed out"), ("c", 3, 3, "backend timed out")), Failed);

        Assert.True(marked.IsComplete);
        Assert.Equal(3, marked.Causes.Count() + marked.Repeating.Count());
    }

    [Fact]
    public void More_failing_spans_than_are_looked_at_are_said_to_be_and_all_are_tagged()
    {
        var request = new TraceBuilder();
        for (var i = 0; i < 3000; i++)
        {
            request.Span("tool").Failed("backend timed out");
            request.LastSpan.SpanId = ByteString.CopyFrom(BitConverter.GetBytes((long)i + 1));
        }

        var marked = Marked.Of(request, Failed);

        Assert.False(marked.IsComplete);
        Assert.Equal(3000, marked.Spans.Count(span => Marked.TextOf(span, "otlptap.failure") is not null));
    }

    [Fact]
    public void The_ledger_stays_within_its_bytes_and_forgets_the_trace_longest_not_asked_for()
    {
        var ledger = new CauseLedger(bytesMax: 10_000);
        for (byte trace = 1; trace < 100; trace++)
        {
            ledger.Remember(new(0, trace), [new FailingSpan { SpanId = new(1), ParentId = new(2), Messages = ["backend timed out"], Failures = ["tool_error"] }]);
            Assert.InRange(ledger.Bytes, 1, 10_000);
            _ = ledger.Of(new(0, 1));
        }

        Assert.Single(ledger.Of(new(0, 1)));
        Assert.Empty(ledger.Of(new(0, 2)));
        Assert.Single(ledger.Of(new(0, 99)));
    }

    [Fact]
    public void Of_one_trace_the_latest_causes_are_kept()
    {
        var ledger = new CauseLedger();
        for (ulong id = 1; id < 100; id++)
        {
            ledger.Remember(new(0, 1), [new FailingSpan { SpanId = new(id), ParentId = new(200), Failures = ["tool_error"] }]);
        }

        Assert.Equal(CauseLedger.CausesPerTraceMax, ledger.Of(new(0, 1)).Count);
        Assert.Equal(99UL, ledger.Of(new(0, 1))[^1].SpanId.Value);
    }

    [Fact]
    public void A_request_without_errors_costs_nothing_once_it_is_scanned()
    {
        var request = Spans(("tool", 3, 2, null), ("agent", 2, 0, null)).ToBytes();
        var ledger = new CauseLedger();
        _ = Marked.Of(Spans(("tool", 3, 2, "backend timed out")), Tools, ledger);
        var scan = new ScanResult();
        Assert.True(new RequestScanner(Failed).TryScan(OtlpTap.Otlp.Signal.Traces, request, scan, out _));
        var marker = new CauseMarker(ledger);
        _ = marker.TryMark(request, scan);

        var before = GC.GetAllocatedBytesForCurrentThread();
        _ = marker.TryMark(request, scan);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <param name="spans">Name, id, parent, status message (null: no error). A parent encloses its children in time, and ends with them.</param>
    private static TraceBuilder Spans(params (string Name, byte Id, byte Parent, string? Error)[] spans)
    {
        var request = new TraceBuilder();
        foreach (var (name, id, parent, error) in spans)
        {
            request.Span(name);
            request.LastSpan.SpanId = TraceBuilder.SpanIdBytes(id);
            request.LastSpan.ParentSpanId = parent == 0 ? ByteString.Empty : TraceBuilder.SpanIdBytes(parent);
            request.LastSpan.StartTimeUnixNano = 1_700_000_000_000_000_000UL + id;
            request.LastSpan.EndTimeUnixNano = 1_700_000_001_000_000_000UL - id;
            if (error is not null)
            {
                request.Failed(error);
            }
        }

        return request;
    }
}
