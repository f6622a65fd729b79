using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Metrics.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Metrics.V1;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Wire;
using static OtlpTap.Tests.WireBytes;

namespace OtlpTap.Tests.Scan;

public sealed class RequestScannerTests
{
    [Fact]
    public void A_match_says_where_the_span_is_whose_it_is_and_which_rules_hit()
    {
        var bytes = new TraceBuilder()
            .Resource("weather").Scope("library")
            .Span("healthy", ("tool", "a"))
            .Trace(9).Span("broken", ("tool", "b")).Failed()
            .ToBytes();
        var scan = Scan(bytes, TestRules.Compile(
            TestRules.OnSpan("other", "span.attributes[\"tool\"] == \"c\""),
            TestRules.OnSpan("failed", "span.status.code == 2"),
            TestRules.OnSpan("tool b", "span.attributes[\"tool\"] == \"b\"")));

        var match = Assert.Single(scan.Matches.ToArray());
        Assert.Equal((new TraceId(0, 9), new SpanId(2)), (match.TraceId, match.SpanId));
        Assert.Equal([1, 2], scan.RulesOf(in match).ToArray());
        Assert.Equal("weather", Text(bytes, match.ServiceNameOffset, match.ServiceNameLength));
        Assert.Equal("broken", OpenTelemetry.Proto.Trace.V1.Span.Parser.ParseFrom(bytes.AsSpan(match.SpanOffset, match.SpanLength)).Name);
        Assert.False(match.AlreadyTagged);
        Assert.True(scan.NeedsTag);
        Assert.Equal(2, scan.ItemCount);
        Assert.Equal([new(0, 1), new(0, 9)], scan.TraceIds.ToArray());
    }

    [Fact]
    public void A_healthy_request_has_no_match()
    {
        var scan = Scan(new TraceBuilder().Span("healthy", ("a", "b")).ToBytes(), TestRules.Compile(TestRules.OnSpan("failed", "span.status.code == 2")));

        Assert.Empty(scan.Matches.ToArray());
        Assert.False(scan.NeedsTag);
    }

    [Fact]
    public void An_empty_request_is_valid_for_every_signal()
    {
        foreach (var signal in Enum.GetValues<Signal>())
        {
            Assert.True(TryScan(signal, [], ScanOracle.Rules, out var scan, out _));
            Assert.Equal((0, 0), (scan.ItemCount, scan.TraceIds.Length));
        }
    }

    [Fact]
    public void A_span_that_was_tagged_before_is_a_match_even_without_rules()
    {
        var scan = Scan(new TraceBuilder().Span("chat", ("otlptap.failure", "tool_error")).ToBytes(), CompiledRules.None);

        var match = Assert.Single(scan.Matches.ToArray());
        Assert.Equal((true, 0), (match.AlreadyTagged, match.RuleCount));
        Assert.False(scan.NeedsTag);
    }

    [Fact]
    public void Rules_are_evaluated_on_a_span_that_was_tagged_before_but_ask_for_no_tag()
    {
        var scan = Scan(new TraceBuilder().Span("chat", ("otlptap.failure", "tool_error")).Failed().ToBytes(), TestRules.Compile(TestRules.OnSpan("failed", "span.status.code == 2")));

        var match = Assert.Single(scan.Matches.ToArray());
        Assert.Equal((true, 1), (match.AlreadyTagged, match.RuleCount));
        Assert.False(scan.NeedsTag);
    }

    [Fact]
    public void Nothing_of_one_span_scope_or_resource_shows_in_the_next()
    {
        var request = new TraceBuilder().Resource("agent", ("a", "x")).Scope("x").Span("x", ("a", "x"), ("b", 1), ("c", true)).Failed("x").Event("x", ("a", "x")).Span("").Event("x").Request;
        request.ResourceSpans[0].ScopeSpans.Add(new OpenTelemetry.Proto.Trace.V1.ScopeSpans { Spans = { new OpenTelemetry.Proto.Trace.V1.Span() } });
        request.ResourceSpans.Add(new OpenTelemetry.Proto.Trace.V1.ResourceSpans { ScopeSpans = { new OpenTelemetry.Proto.Trace.V1.ScopeSpans { Spans = { new OpenTelemetry.Proto.Trace.V1.Span() } } } });
        AssertAgrees(request.ToByteArray());

        var scan = Scan(request.ToByteArray(), ScanOracle.Rules);
        Assert.Equal(4, scan.ItemCount);
        Assert.Equal([9, 2, 1], scan.Matches.ToArray().Select(match => match.RuleCount));
    }

    [Fact]
    public void An_event_rule_sees_its_span_whole_even_when_the_span_goes_on_behind_the_event()
    {
        var eventFirst = Field(1, Field(2, Field(2, Join(Field(11, Field(2, "exception")), Field(5, "chat")))));
        var rules = TestRules.Compile(TestRules.OnEvent("exception in chat", "spanevent.name == \"exception\" and span.name == \"chat\""));

        Assert.Equal(1, Scan(eventFirst, rules).Matches.Length);
    }

    [Fact]
    public void A_rule_that_hits_on_several_events_is_found_once_and_rules_stay_in_order()
    {
        var bytes = new TraceBuilder().Span("chat").Event("b").Event("a").Event("b").Failed().ToBytes();
        var scan = Scan(bytes, TestRules.Compile(
            TestRules.OnEvent("a", "spanevent.name == \"a\""),
            TestRules.OnSpan("failed", "span.status.code == 2"),
            TestRules.OnEvent("b", "spanevent.name == \"b\"")));

        Assert.Equal([0, 1, 2], scan.RuleIndexes.ToArray());
    }

    [Fact]
    public void The_first_attribute_of_a_key_wins()
    {
        var bytes = new TraceBuilder().Span("chat", ("a", "x"), ("a", "y")).Span("chat", ("a", "y"), ("a", "x")).ToBytes();

        Assert.Equal([new SpanId(1)], Scan(bytes, ScanOracle.Rules).Matches.ToArray().Select(match => match.SpanId));
    }

    [Theory]
    [InlineData("resource behind its scopes")]
    [InlineData("resource in two pieces around its scopes")]
    [InlineData("scope behind its spans")]
    [InlineData("both")]
    public void What_comes_late_still_holds_for_what_came_before(string order)
    {
        var span = Field(2, Field(5, "x"));
        var scope = Field(1, Field(1, "x"));
        var resource = Field(1, new OpenTelemetry.Proto.Resource.V1.Resource { Attributes = { TraceBuilder.Attribute("service.name", "x") } });
        var otherResource = Field(1, new OpenTelemetry.Proto.Resource.V1.Resource { Attributes = { TraceBuilder.Attribute("a", "x") } });
        var bytes = Field(1, order switch
        {
            "resource behind its scopes" => Join(Field(2, scope, span), resource),
            "resource in two pieces around its scopes" => Join(resource, Field(2, scope, span), otherResource),
            "scope behind its spans" => Join(resource, Field(2, span, scope)),
            _ => Join(Field(2, span, scope), Field(2, span, scope, span), resource),
        });

        AssertAgrees(bytes);
        foreach (ref readonly var match in Scan(bytes, ScanOracle.Rules).Matches)
        {
            Assert.Equal("x", Text(bytes, match.ServiceNameOffset, match.ServiceNameLength));
        }
    }

    [Fact]
    public void Malformed_and_zero_ids_are_relayed_and_left_out()
    {
        var request = new TraceBuilder().Span("a").Span("b").Span("c").Trace(5).Span("d").Request;
        var spans = request.ResourceSpans[0].ScopeSpans[0].Spans;
        spans[0].TraceId = ByteString.CopyFrom(new byte[15]);
        spans[1].TraceId = ByteString.CopyFrom(new byte[16]);
        spans[2].TraceId = ByteString.Empty;
        spans[3].SpanId = ByteString.CopyFrom(1, 2, 3);

        Assert.Equal([new TraceId(0, 5)], Scan(request.ToByteArray(), CompiledRules.None).TraceIds.ToArray());
        AssertAgrees(request.ToByteArray());
    }

    [Theory]
    [MemberData(nameof(Proto.CapturedPayloads.Protobuf), MemberType = typeof(Proto.CapturedPayloads))]
    public void A_scan_of_what_instrumentations_sent_agrees_with_the_parser(string name)
    {
        var bytes = Proto.CapturedPayloads.Read(name);
        if (Proto.CapturedPayloads.SignalOf(name) == Signal.Traces)
        {
            Assert.True(AssertAgrees(bytes) > 0);
            return;
        }

        var records = ExportLogsServiceRequest.Parser.ParseFrom(bytes).ResourceLogs.SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords).ToList();
        Assert.True(TryScan(Signal.Logs, bytes, ScanOracle.Rules, out var scan, out _));
        Assert.Equal(records.Count, scan.ItemCount);
        Assert.Equal(records.Select(record => record.TraceId.ToBase64()).Where(id => id.Length > 0).ToHashSet(), [.. scan.TraceIds.ToArray().Select(Base64)]);
    }

    [Fact]
    public void A_scan_of_random_requests_agrees_with_the_parser()
    {
        var matches = 0;
        for (var seed = 0; seed < 4000; seed++)
        {
            matches += AssertAgrees(new RandomRequest(seed).ToBytes());
        }

        Assert.True(matches > 10_000, "The random requests do not test much.");
    }

    [Fact]
    public void Metric_data_points_of_every_kind_are_counted()
    {
        var request = new ExportMetricsServiceRequest
        {
            ResourceMetrics =
            {
                new ResourceMetrics
                {
                    ScopeMetrics =
                    {
                        new ScopeMetrics
                        {
                            Metrics =
                            {
                                new Metric { Name = "a", Gauge = new Gauge { DataPoints = { new NumberDataPoint(), new NumberDataPoint() } } },
                                new Metric { Name = "b", Sum = new Sum { DataPoints = { new NumberDataPoint() } } },
                                new Metric { Name = "c", Histogram = new Histogram { DataPoints = { new HistogramDataPoint { Count = 3 } } } },
                                new Metric { Name = "d", ExponentialHistogram = new ExponentialHistogram { DataPoints = { new ExponentialHistogramDataPoint() } } },
                                new Metric { Name = "e", Summary = new Summary { DataPoints = { new SummaryDataPoint(), new SummaryDataPoint() } } },
                                new Metric { Name = "f" },
                            },
                        },
                    },
                },
            },
        };

        Assert.True(TryScan(Signal.Metrics, request.ToByteArray(), CompiledRules.None, out var scan, out _));
        Assert.Equal(7, scan.ItemCount);
    }

    [Fact]
    public void Metric_data_given_twice_counts_as_the_parser_merges_it()
    {
        var twoGauges = Field(1, Field(2, Field(2, Field(5, Field(1)), Field(5, Field(1)))));
        var gaugeThenSum = Field(1, Field(2, Field(2, Field(5, Field(1)), Field(7, Field(1)))));

        Assert.True(TryScan(Signal.Metrics, twoGauges, CompiledRules.None, out var scan, out _));
        Assert.Equal(2, scan.ItemCount);
        Assert.True(TryScan(Signal.Metrics, gaugeThenSum, CompiledRules.None, out scan, out _));
        Assert.Equal(1, scan.ItemCount);
    }

    [Fact]
    public void Every_truncation_is_accepted_or_refused_as_the_parser_does()
    {
        var traces = new List<byte[]> { Proto.CapturedPayloads.Read("dotnet-meai/tool-throws.traces.otlp.pb"), new TraceBuilder().Resource("a").Span("b").Resource("c").Span("d").ToBytes() };
        for (var seed = 1; traces.Count < 12; seed += 2)
        {
            traces.Add(new RandomRequest(seed).ToBytes());
        }

        foreach (var bytes in traces)
        {
            for (var length = 0; length <= bytes.Length; length++)
            {
                AssertJudgedAlike(Signal.Traces, bytes[..length]);
            }
        }

        var logs = Proto.CapturedPayloads.Read("dotnet-meai/tool-throws.logs.otlp.pb");
        for (var length = 0; length <= logs.Length; length++)
        {
            AssertJudgedAlike(Signal.Logs, logs[..length]);
        }
    }

    [Fact]
    public void No_mutation_throws_and_none_is_refused_that_the_parser_accepts()
    {
        var random = new Random(20261123);
        var originals = Enumerable.Range(0, 64).Select(seed => new RandomRequest(seed).ToBytes()).Where(bytes => bytes.Length > 0).ToArray();
        var result = new ScanResult();
        var scanner = new RequestScanner(ScanOracle.Rules);
        var refused = 0;
        for (var i = 0; i < 200_000; i++)
        {
            var bytes = Mutate(random, originals[i % originals.Length]);
            var signal = (i & 7) switch { 0 => Signal.Logs, 1 => Signal.Metrics, _ => Signal.Traces };
            if (!scanner.TryScan(signal, bytes, result, out var error))
            {
                refused++;
                Assert.InRange(error.Offset, 0, bytes.Length);
                Assert.NotEqual(WireErrorKind.None, error.Kind);
            }

            if (i % 16 == 2)
            {
                AssertNotStricterThanTheParser(bytes, result, error);
            }
        }

        Assert.InRange(refused, 20_000, 180_000);
    }

    [Fact]
    public void Whether_a_request_is_refused_does_not_depend_on_the_rules()
    {
        var random = new Random(7);
        for (var seed = 1; seed < 4000; seed++)
        {
            var bytes = Mutate(random, [.. new RandomRequest(seed).ToBytes(), 0]);

            Assert.Equal(TryScan(Signal.Traces, bytes, CompiledRules.None, out _, out _), TryScan(Signal.Traces, bytes, ScanOracle.Rules, out _, out _));
        }
    }

    [Fact]
    public void A_value_that_a_rule_asks_for_and_that_is_malformed_counts_as_missing()
    {
        var malformed = Join(Field(1, "a"), Field(2, [0x0A, 0x05, (byte)'x']));
        var good = Join(Field(1, "a"), Field(2, Field(1, "x")));

        Assert.Equal(0, Scan(Field(1, Field(2, Field(2, Field(9, malformed)))), ScanOracle.Rules).Matches.Length);
        Assert.Equal(0, Scan(Field(1, Field(2, Field(2, Field(11, Field(2, "x"), Field(3, malformed))))), ScanOracle.Rules).Matches.Length);
        Assert.Equal(1, Scan(Field(1, Field(2, Field(2, Field(11, Field(2, "x"), Field(3, good))))), ScanOracle.Rules).Matches.Length);
    }

    [Fact]
    public void A_malformed_event_is_passed_over()
    {
        var malformed = Field(11, Field(2, "x"), Field(3, Field(1, "a"), Field(2, Field(1, "x"))), [0x00]);

        Assert.Equal(0, Scan(Field(1, Field(2, Field(2, malformed))), ScanOracle.Rules).Matches.Length);
    }

    [Fact]
    public void A_scan_allocates_nothing()
    {
        var builder = new TraceBuilder();
        for (var i = 0; i < 50; i++)
        {
            builder.Trace((byte)(i / 4)).Span("chat", ("a", i % 5 == 0 ? "x" : "y"), ("b", 2), ("c", 0.5), ("d", new[] { "stop" })).Event("x", ("a", "x"));
        }

        var request = builder.ToBytes();
        var late = Field(1, Field(2, Field(2, Field(5, "x")), Field(1)), Field(1));
        var logs = Proto.CapturedPayloads.Read("dotnet-meai/tool-throws.logs.otlp.pb");
        var scanner = new RequestScanner(ScanOracle.Rules);
        var result = new ScanResult();
        ScanAll();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            ScanAll();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void ScanAll()
        {
            scanner.TryScan(Signal.Traces, request, result, out _);
            scanner.TryScan(Signal.Traces, late, result, out _);
            scanner.TryScan(Signal.Traces, request.AsSpan(1), result, out _);
            scanner.TryScan(Signal.Logs, logs, result, out _);
            scanner.TryScan(Signal.Metrics, logs, result, out _);
        }
    }

    private static ScanResult Scan(byte[] request, CompiledRules rules)
    {
        Assert.True(TryScan(Signal.Traces, request, rules, out var scan, out var error), error.ToString());
        return scan;
    }

    private static bool TryScan(Signal signal, byte[] request, CompiledRules rules, out ScanResult scan, out WireError error)
    {
        scan = new ScanResult();
        return new RequestScanner(rules).TryScan(signal, request, scan, out error);
    }

    private static int AssertAgrees(byte[] request)
    {
        var expected = ScanOracle.Expected(ExportTraceServiceRequest.Parser.ParseFrom(request));
        ScanOracle.Findings.AssertEqual(expected, ScanOracle.Actual(request, Scan(request, ScanOracle.Rules)));
        return expected.Items;
    }

    private static void AssertJudgedAlike(Signal signal, byte[] request)
    {
        var accepted = TryScan(signal, request, ScanOracle.Rules, out var scan, out var error);
        var parsed = Parse(signal, request);
        Assert.True(accepted == parsed is not null, $"{request.Length} bytes: {error}");
        if (parsed is ExportTraceServiceRequest traces)
        {
            ScanOracle.Findings.AssertEqual(ScanOracle.Expected(traces), ScanOracle.Actual(request, scan));
        }
    }

    private static void AssertNotStricterThanTheParser(byte[] request, ScanResult scan, WireError error)
    {
        if (!HasWideVarint(request) && Parse(Signal.Traces, request) is ExportTraceServiceRequest parsed)
        {
            Assert.True(error.Kind == WireErrorKind.None, $"{error} {Convert.ToHexString(request)}");
            ScanOracle.Findings.AssertEqual(ScanOracle.Expected(parsed), ScanOracle.Actual(request, scan));
        }
    }

    // The generated C# parser drops the bits above 32 of tags and lengths; other parsers refuse them, as the scan does.
    private static bool HasWideVarint(byte[] request)
    {
        var run = 0;
        return Array.Exists(request, one => (run = one >= 0x80 ? run + 1 : 0) >= 4);
    }

    private static IMessage? Parse(Signal signal, byte[] request)
    {
        try
        {
            return Proto.CapturedPayloads.ParserFor(signal).ParseFrom(request);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>One to four changes: a byte set, bytes removed, bytes inserted, the end cut off. In an array of exactly the result's size.</summary>
    private static byte[] Mutate(Random random, byte[] original)
    {
        var bytes = original.ToList();
        for (var changes = random.Next(1, 5); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(8))
            {
                case 0:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at));
                    break;

                case 1:
                    bytes.InsertRange(at, Enumerable.Range(0, random.Next(1, 12)).Select(_ => (byte)random.Next(256)));
                    break;

                case 2 when random.Next(4) == 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;

                case 3:
                    bytes[at] = new byte[] { 0x00, 0x7F, 0x80, 0xFF, 0x0B, 0x0C }[random.Next(6)];
                    break;

                default:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
            }
        }

        return [.. bytes];
    }

    private static string Base64(TraceId id)
    {
        var bytes = new byte[TraceId.Length];
        id.WriteTo(bytes);
        return Convert.ToBase64String(bytes);
    }

    private static string Text(byte[] bytes, int offset, int length) => System.Text.Encoding.UTF8.GetString(bytes, offset, length);
}
