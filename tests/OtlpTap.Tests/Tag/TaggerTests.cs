using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Buffers;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Tag;
using OtlpTap.Tests.Scan;
using static OtlpTap.Tests.WireBytes;

namespace OtlpTap.Tests.Tag;

public sealed class TaggerTests
{
    private static readonly CompiledRules Failed = TestRules.Compile(TestRules.OnSpan("failed", "span.status.code == 2"));

    private readonly PayloadPool _pool = new();

    [Fact]
    public void A_matched_span_gets_the_kind_of_failure_and_the_names_of_the_rules_and_nothing_else_changes()
    {
        var builder = new TraceBuilder().Span("healthy").Span("broken", ("tool", "b")).Failed("m").Event("e").Span("healthy too");
        var rules = TestRules.Compile(
            new Rule("no hit", "other", RuleContext.Span, "span.name == \"x\""),
            new Rule("failed", "tool_error", RuleContext.Span, "span.status.code == 2"),
            new Rule("tool b", "planning_error", RuleContext.Span, "span.attributes[\"tool\"] == \"b\""));

        var tagged = Tag(builder.ToBytes(), rules);

        builder.Request.ResourceSpans[0].ScopeSpans[0].Spans[1].Attributes.Add(
            [TraceBuilder.Attribute("otlptap.failure", "tool_error"), TraceBuilder.Attribute("otlptap.rules", new[] { "failed", "tool b" })]);
        Assert.Equal(builder.Request, ExportTraceServiceRequest.Parser.ParseFrom(tagged));
    }

    [Fact]
    public void A_request_without_a_match_is_not_copied()
    {
        var original = Payload(new TraceBuilder().Span("healthy").ToBytes());

        Assert.False(Tagger.TryTag(original, Scan(original, Failed), _pool, out var tagged));
        Assert.Null(tagged);
    }

    [Fact]
    public void A_span_that_was_tagged_before_keeps_its_tag_and_gets_no_other()
    {
        var bytes = new TraceBuilder().Span("first", ("otlptap.failure", "x")).Failed().ToBytes();
        var original = Payload(bytes);
        Assert.False(Tagger.TryTag(original, Scan(original, Failed), _pool, out _));

        var both = new TraceBuilder().Span("first", ("otlptap.failure", "x")).Failed().Span("second").Failed();
        var tagged = ExportTraceServiceRequest.Parser.ParseFrom(Tag(both.ToBytes(), Failed)).ResourceSpans[0].ScopeSpans[0].Spans;
        Assert.Equal(both.Request.ResourceSpans[0].ScopeSpans[0].Spans[0], tagged[0]);
        Assert.Equal(2, tagged[1].Attributes.Count);
    }

    [Fact]
    public void A_span_that_has_an_attribute_of_the_rules_name_gets_the_failure_alone_so_that_keys_stay_unique()
    {
        var builder = new TraceBuilder().Span("a", ("otlptap.rules", "mine"), ("otlptap.rulesets", "x")).Failed().Span("b", ("otlptap.rulesets", "otlptap.rules")).Failed();

        var tagged = Tag(builder.ToBytes(), Failed);

        var spans = builder.Request.ResourceSpans[0].ScopeSpans[0].Spans;
        spans[0].Attributes.Add(TraceBuilder.Attribute("otlptap.failure", "failed"));
        spans[1].Attributes.Add([TraceBuilder.Attribute("otlptap.failure", "failed"), TraceBuilder.Attribute("otlptap.rules", new[] { "failed" })]);
        Assert.Equal(builder.Request, ExportTraceServiceRequest.Parser.ParseFrom(tagged));
    }

    [Fact]
    public void What_counts_dropped_attributes_stays_and_a_list_of_many_rules_is_whole()
    {
        var rules = TestRules.Compile([.. Enumerable.Range(0, 300).Select(number => new Rule($"rule_{number:000}_{new string('n', 60)}", "tool_error", RuleContext.Span, "span.status.code == 2"))]);
        var builder = new TraceBuilder().Span("a").Failed();
        builder.LastSpan.DroppedAttributesCount = 7;

        var tagged = Tag(builder.ToBytes(), rules);

        builder.LastSpan.Attributes.Add([TraceBuilder.Attribute("otlptap.failure", "tool_error"), TraceBuilder.Attribute("otlptap.rules", Enumerable.Range(0, 300).Select(number => rules[number].Name).ToArray())]);
        Assert.Equal(builder.Request, ExportTraceServiceRequest.Parser.ParseFrom(tagged));
    }

    [Fact]
    public void Rules_that_do_not_tag_are_left_out()
    {
        var rules = TestRules.Compile(
            new Rule("silent", "silent", RuleContext.Span, "span.status.code == 2", Tag: false),
            new Rule("loud", "loud", RuleContext.Span, "span.name == \"b\""),
            new Rule("silent too", "silent", RuleContext.Span, "span.name == \"b\"", Tag: false));
        var builder = new TraceBuilder().Span("a").Failed().Span("b").Failed();

        var tagged = Tag(builder.ToBytes(), rules);

        builder.LastSpan.Attributes.Add([TraceBuilder.Attribute("otlptap.failure", "loud"), TraceBuilder.Attribute("otlptap.rules", new[] { "loud" })]);
        Assert.Equal(builder.Request, ExportTraceServiceRequest.Parser.ParseFrom(tagged));
    }

    [Fact]
    public void Names_are_written_as_UTF8()
    {
        var rules = TestRules.Compile(new Rule("Größe ✓ 𝄞", "schlägt_fehl", RuleContext.Span, "span.status.code == 2"));
        var attributes = ExportTraceServiceRequest.Parser.ParseFrom(Tag(new TraceBuilder().Span("a").Failed().ToBytes(), rules)).ResourceSpans[0].ScopeSpans[0].Spans[0].Attributes;

        Assert.Equal([TraceBuilder.Attribute("otlptap.failure", "schlägt_fehl"), TraceBuilder.Attribute("otlptap.rules", new[] { "Größe ✓ 𝄞" })], attributes);
    }

    [Fact]
    public void Lengths_are_repaired_where_they_take_one_more_byte_and_where_they_do_not()
    {
        // The tag is about 60 bytes long, span, scope and resource about 60 longer than the name: each of them passes the limit somewhere.
        foreach (var limit in new[] { 128, 16_384, 2_097_152 })
        {
            for (var size = limit - 160; size < limit + 10; size += limit > 20_000 ? 13 : 1)
            {
                AssertTagIsTheOnlyDifference(new TraceBuilder().Span(new string('n', Math.Max(0, size))).Failed().ToBytes(), Failed);
            }
        }
    }

    [Fact]
    public void Several_matches_in_one_scope_and_several_scopes_and_resources_are_tagged_in_one_go()
    {
        var builder = new TraceBuilder();
        for (var resource = 0; resource < 4; resource++)
        {
            builder.Resource($"r{resource}");
            for (var scope = 0; scope < 4; scope++)
            {
                builder.Scope($"s{scope}");
                for (var span = 0; span < 4; span++)
                {
                    builder.Span("a");
                    if ((resource + scope) % 2 == 0 && span % 2 == 1)
                    {
                        builder.Failed();
                    }
                }
            }
        }

        Assert.Equal(16, AssertTagIsTheOnlyDifference(builder.ToBytes(), Failed));
    }

    [Fact]
    public void More_matches_than_are_measured_on_the_stack_are_tagged()
    {
        var builder = new TraceBuilder();
        for (var i = 0; i < 2000; i++)
        {
            builder.Span("a").Failed();
        }

        Assert.Equal(2000, AssertTagIsTheOnlyDifference(builder.ToBytes(), Failed));
    }

    [Fact]
    public void Padded_lengths_around_a_match_are_replaced_and_others_are_kept()
    {
        var failed = Join(Field(5, "x"), Field(15, VarintField(3, 2)));
        for (var size = 2; size <= 10; size++)
        {
            var other = PaddedField(2, size, PaddedField(5, size, "healthy"u8.ToArray()));
            var bytes = PaddedField(1, size, PaddedField(1, size), PaddedField(2, size, other, PaddedField(2, size, failed), other), PaddedField(2, size, other));

            Assert.Equal(1, AssertTagIsTheOnlyDifference(bytes, Failed));
            var tagged = Tag(bytes, Failed);
            Assert.Equal(3, CountOf(other, tagged));
            Assert.Equal(1, CountOf(failed, tagged));
        }
    }

    [Theory]
    [MemberData(nameof(Proto.CapturedPayloads.Protobuf), MemberType = typeof(Proto.CapturedPayloads))]
    public void The_tag_is_the_only_difference_in_what_instrumentations_sent(string name)
    {
        if (Proto.CapturedPayloads.SignalOf(name) == Signal.Traces)
        {
            var everySpan = TestRules.Compile(TestRules.OnSpan("every", "span.kind != 99"), TestRules.OnSpan("some", "span.status.code == 2"));
            Assert.True(AssertTagIsTheOnlyDifference(Proto.CapturedPayloads.Read(name), everySpan) > 0);
        }
    }

    [Fact]
    public void The_tag_is_the_only_difference_in_random_requests()
    {
        var count = 0;
        for (var seed = 0; seed < 3000; seed++)
        {
            count += AssertTagIsTheOnlyDifference(new RandomRequest(seed).ToBytes(), ScanOracle.Rules);
        }

        Assert.True(count > 5000, "The random requests do not test much.");
    }

    [Fact]
    public void A_result_over_the_limit_is_refused_and_the_original_stays_whole()
    {
        var bytes = new TraceBuilder().Span("a").Failed().ToBytes();
        var original = Payload(bytes);
        var scan = Scan(original, Failed);
        Assert.True(Tagger.TryTag(original, scan, _pool, out var tagged));

        Assert.True(Tagger.TryTag(original, scan, _pool, tagged.Length, out var same));
        Assert.Equal(tagged.Span, same.Span);
        Assert.False(Tagger.TryTag(original, scan, _pool, tagged.Length - 1, out var none));
        Assert.Null(none);
        Assert.Equal(bytes, original.Span);
    }

    [Fact]
    public void Tagging_allocates_nothing_but_the_pooled_payload()
    {
        var builder = new TraceBuilder();
        for (var i = 0; i < 50; i++)
        {
            builder.Span("a", ("b", 1)).Failed();
        }

        var original = Payload(builder.ToBytes());
        var scan = Scan(original, ScanOracle.Rules);
        TagAndRelease();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
        {
            TagAndRelease();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void TagAndRelease()
        {
            if (Tagger.TryTag(original, scan, _pool, out var tagged))
            {
                tagged.Release();
            }
        }
    }

    /// <summary>Tags, and checks the result on its objects and on its bytes. Answers how many spans were tagged.</summary>
    private int AssertTagIsTheOnlyDifference(byte[] bytes, CompiledRules rules)
    {
        var original = Payload(bytes);
        var scan = Scan(original, rules);
        var expected = scan.Matches.ToArray().Where(match => !match.AlreadyTagged && match.RuleCount > 0).ToArray();
        if (!Tagger.TryTag(original, scan, _pool, out var tagged))
        {
            Assert.Empty(expected);
            original.Release();
            return 0;
        }

        // On the objects: without the last two attributes of what was tagged, the requests are equal.
        var before = ExportTraceServiceRequest.Parser.ParseFrom(bytes);
        var after = ExportTraceServiceRequest.Parser.ParseFrom(tagged.Span);
        var names = expected.Select(match => scan.RulesOf(in match).ToArray().Select(rule => rules[rule]).ToArray()).ToArray();
        var untagged = ScanOracle.SpansOf(before).Zip(ScanOracle.SpansOf(after)).Where(pair => !pair.First.Span.Equals(pair.Second.Span)).Select(pair => pair.Second.Span).ToList();
        Assert.Equal(expected.Length, untagged.Count);
        foreach (var (span, hits) in untagged.Zip(names))
        {
            KeyValue[] tag = [TraceBuilder.Attribute("otlptap.failure", hits[0].Failure), TraceBuilder.Attribute("otlptap.rules", hits.Select(rule => rule.Name).ToArray())];
            Assert.Equal(tag, span.Attributes.TakeLast(2));
            span.Attributes.RemoveAt(span.Attributes.Count - 1);
            span.Attributes.RemoveAt(span.Attributes.Count - 1);
        }

        Assert.Equal(before, after);

        // On the bytes: each span begins as it was.
        var rescan = Scan(tagged, rules);
        Assert.Equal(scan.ItemCount, rescan.ItemCount);
        Assert.False(rescan.NeedsTag);
        Assert.Equal(scan.Matches.Length, rescan.Matches.Length);
        for (var i = 0; i < scan.Matches.Length; i++)
        {
            ref readonly var match = ref scan.Matches[i];
            ref readonly var again = ref rescan.Matches[i];
            Assert.True(again.AlreadyTagged);
            Assert.True(original.Span.Slice(match.SpanOffset, match.SpanLength).SequenceEqual(tagged.Span.Slice(again.SpanOffset, match.SpanLength)));
        }

        Assert.Equal(bytes, original.Span);
        tagged.Release();
        original.Release();
        return expected.Length;
    }

    private byte[] Tag(byte[] bytes, CompiledRules rules)
    {
        var original = Payload(bytes);
        Assert.True(Tagger.TryTag(original, Scan(original, rules), _pool, out var tagged));
        return tagged.Span.ToArray();
    }

    private Payload Payload(byte[] bytes)
    {
        var payload = _pool.Rent(bytes.Length);
        bytes.CopyTo(payload.Writable);
        return payload;
    }

    private static ScanResult Scan(Payload payload, CompiledRules rules)
    {
        var scan = new ScanResult();
        Assert.True(new RequestScanner(rules).TryScan(Signal.Traces, payload.Span, scan, out var error), error.ToString());
        return scan;
    }

    private static int CountOf(byte[] part, ReadOnlySpan<byte> whole)
    {
        var count = 0;
        for (int at; (at = whole.IndexOf(part)) >= 0; whole = whole[(at + 1)..])
        {
            count++;
        }

        return count;
    }
}
