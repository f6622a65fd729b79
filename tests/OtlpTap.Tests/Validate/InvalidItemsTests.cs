using System.Text;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Metrics.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Metrics.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Validate;
using static OtlpTap.Tests.WireBytes;

namespace OtlpTap.Tests.Validate;

/// <summary>One mistake at a time: what becomes of it, and what the sender is told.</summary>
public sealed class InvalidItemsTests
{
    private const string Second = "resource_spans[0].scope_spans[0].spans[1]: ";

    [Fact]
    public void A_span_with_a_wrong_trace_id_is_left_out_alone()
    {
        var request = Spans(span => span.TraceId = ByteString.CopyFrom(new byte[15]));

        var validated = Reject(request);

        Assert.Equal(new PartialSuccess(1, "1 of 3 spans rejected: " + Second + "trace_id has 15 bytes"), validated.Told);
        request.ResourceSpans[0].ScopeSpans[0].Spans.RemoveAt(1);
        Assert.Equal(request.ToByteArray(), validated.Bytes);
    }

    [Fact]
    public void The_sender_is_told_what_is_wrong_with_a_span()
    {
        AssertTold("trace_id is missing", span => span.TraceId = ByteString.Empty);
        AssertTold("trace_id is all zeros", span => span.TraceId = ByteString.CopyFrom(new byte[16]));
        AssertTold("span_id is missing", span => span.SpanId = ByteString.Empty);
        AssertTold("span_id has 9 bytes", span => span.SpanId = ByteString.CopyFrom(new byte[9]));
        AssertTold("span_id is all zeros", span => span.SpanId = ByteString.CopyFrom(new byte[8]));
        AssertTold("parent_span_id has 3 bytes", span => span.ParentSpanId = ByteString.CopyFrom(1, 2, 3));
        AssertTold("name is not UTF-8", span => span.Name = ValidityOracle.Marker);
        AssertTold("trace_state is not UTF-8", span => span.TraceState = ValidityOracle.Marker);
        AssertTold("status.message is not UTF-8", span => span.Status = new Status { Message = ValidityOracle.Marker });
        AssertTold("attributes[1].key is not UTF-8", span => span.Attributes.Add([new KeyValue { Key = "a" }, new KeyValue { Key = ValidityOracle.Marker }]));
        AssertTold("events[0].attributes[0].value.string_value is not UTF-8", span => span.Events.Add(new Span.Types.Event { Attributes = { TraceBuilder.Attribute("a", ValidityOracle.Marker) } }));
        AssertTold(
            "attributes[0].value.array_value.values[1].string_value is not UTF-8", span => span.Attributes.Add(TraceBuilder.Attribute("a", new[] { "fine", ValidityOracle.Marker })));
        AssertTold("links[1].trace_id has 2 bytes", span => span.Links.Add([Link(16, 8), Link(2, 8)]));
        AssertTold("links[0].span_id has 7 bytes", span => span.Links.Add(Link(16, 7)));

        static void AssertTold(string expected, Action<Span> breaking) =>
            Assert.Equal(new PartialSuccess(1, "1 of 3 spans rejected: " + Second + expected), Reject(Spans(breaking)).Told);
    }

    [Fact]
    public void What_makes_sense_to_no_backend_but_breaks_no_reader_is_left_to_the_backend()
    {
        var request = Spans(span =>
        {
            span.Name = "";
            span.ParentSpanId = ByteString.CopyFrom(new byte[8]);
            (span.StartTimeUnixNano, span.EndTimeUnixNano) = (2, 1);
            span.Kind = (Span.Types.SpanKind)99;
            span.Attributes.Add([new KeyValue(), new KeyValue { Key = "a" }, new KeyValue { Key = "a" }]);
            span.Links.Add(new Span.Types.Link());
        });

        Assert.Null(Reject(request).Told);
    }

    [Fact]
    public void Text_of_a_resource_or_scope_that_is_not_UTF8_costs_all_that_is_below_it()
    {
        var builder = new TraceBuilder().Resource("a").Scope("good").Span("1").Scope(ValidityOracle.Marker).Span("2").Span("3");
        builder.Resource("b", ("host", ValidityOracle.Marker)).Scope("good").Span("4");

        var validated = Validated.Of(Signal.Traces, ValidityOracle.Broken(builder.ToBytes()), OnInvalid.RejectItem);

        Assert.Equal(
            new PartialSuccess(
                3,
                "3 of 4 spans rejected: resource_spans[0].scope_spans[1]: scope.name is not UTF-8; "
                + "resource_spans[1]: resource.attributes[1].value.string_value is not UTF-8; ..."),
            validated.Told);
        builder.Request.ResourceSpans.RemoveAt(1);
        builder.Request.ResourceSpans[0].ScopeSpans.RemoveAt(1);
        Assert.Equal(builder.ToBytes(), validated.Bytes);
    }

    [Fact]
    public void Repair_mends_the_text_of_a_resource_and_keeps_what_is_below_it()
    {
        var builder = new TraceBuilder().Resource("a", ("host", ValidityOracle.Marker)).Span("1");

        var validated = Validated.Of(Signal.Traces, ValidityOracle.Broken(builder.ToBytes()), OnInvalid.Repair);

        Assert.Equal(new PartialSuccess(0, "1 value repaired: resource_spans[0]: resource.attributes[1].value.string_value is not UTF-8"), validated.Told);
        builder.Request.ResourceSpans[0].Resource.Attributes[1].Value.StringValue = ValidityOracle.Repaired;
        Assert.Equal(builder.ToBytes(), validated.Bytes);
    }

    [Fact]
    public void Repair_leaves_wrong_parents_and_links_out_and_counts_the_links_as_dropped()
    {
        foreach (var before in new uint[] { 0, 7 })
        {
            var request = Spans(span =>
            {
                span.ParentSpanId = ByteString.CopyFrom(1, 2, 3);
                span.Links.Add([Link(16, 8), Link(2, 8), Link(16, 8), Link(16, 1)]);
                span.DroppedLinksCount = before;
            });

            var validated = Repair(request);

            Assert.Equal(0, validated.Told!.Value.Rejected);
            Assert.StartsWith("3 values repaired: " + Second + "parent_span_id has 3 bytes; " + Second + "links[1]", validated.Told.Value.Message, StringComparison.Ordinal);
            var span = request.ResourceSpans[0].ScopeSpans[0].Spans[1];
            span.ParentSpanId = ByteString.Empty;
            span.Links.RemoveAt(3);
            span.Links.RemoveAt(1);
            span.DroppedLinksCount = before + 2;
            Assert.Equal(request, ExportTraceServiceRequest.Parser.ParseFrom(validated.Bytes));
            Assert.Equal(1, validated.Findings!.RepairedBy(InvalidReason.ParentSpanId));
            Assert.Equal(2, validated.Findings.RepairedBy(InvalidReason.Link));
        }
    }

    [Fact]
    public void What_repair_cannot_mend_is_rejected_and_its_other_mistakes_are_not_counted_as_repaired()
    {
        var validated = Repair(Spans(span =>
        {
            span.Name = ValidityOracle.Marker;
            span.TraceId = ByteString.Empty;
        }));

        Assert.Equal(new PartialSuccess(1, "1 of 3 spans rejected: " + Second + "trace_id is missing"), validated.Told);
        Assert.Equal(0, validated.Findings!.Repaired);
        Assert.Equal(1, validated.Findings.RejectedBy(InvalidReason.TraceId));
        Assert.Equal(0, validated.Findings.RejectedBy(InvalidReason.Text));
    }

    [Fact]
    public void A_log_record_may_have_no_ids_or_zeros_but_none_of_another_length()
    {
        var request = Logs(
            new LogRecord(),
            new LogRecord { TraceId = ByteString.CopyFrom(new byte[16]), SpanId = ByteString.CopyFrom(new byte[8]) },
            new LogRecord { TraceId = ByteString.CopyFrom(new byte[8]) },
            new LogRecord { SpanId = ByteString.CopyFrom(new byte[16]) });

        var rejected = Validated.Of(Signal.Logs, request.ToByteArray(), OnInvalid.RejectItem);
        Assert.Equal(
            new PartialSuccess(
                2,
                "2 of 4 log records rejected: resource_logs[0].scope_logs[0].log_records[2]: trace_id has 8 bytes; resource_logs[0].scope_logs[0].log_records[3]: span_id has 16 bytes"),
            rejected.Told);

        var repaired = Validated.Of(Signal.Logs, request.ToByteArray(), OnInvalid.Repair);
        Assert.Equal(0, repaired.Told!.Value.Rejected);
        Assert.Equal([0, 16, 0, 0], ExportLogsServiceRequest.Parser.ParseFrom(repaired.Bytes).ResourceLogs[0].ScopeLogs[0].LogRecords.Select(record => record.TraceId.Length));
    }

    [Fact]
    public void A_metric_without_a_name_or_temporality_costs_all_its_points_and_a_wrong_point_itself()
    {
        var point = new NumberDataPoint { AsInt = 1 };
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
                                new Metric { Gauge = new Gauge { DataPoints = { point, point } } },
                                new Metric { Name = "sum", Sum = new Sum { DataPoints = { point } } },
                                new Metric { Name = "no data" },
                                new Metric
                                {
                                    Name = "latency",
                                    Histogram = new Histogram
                                    {
                                        AggregationTemporality = AggregationTemporality.Delta,
                                        DataPoints =
                                        {
                                            new HistogramDataPoint { BucketCounts = { 1, 2 }, ExplicitBounds = { 5 } },
                                            new HistogramDataPoint { BucketCounts = { 1, 2 }, ExplicitBounds = { 5, 10 } },
                                            new HistogramDataPoint { Count = 3 },
                                        },
                                    },
                                },
                                new Metric { Name = "gauge", Gauge = new Gauge { DataPoints = { new NumberDataPoint { Flags = 1 }, new NumberDataPoint(), point } } },
                            },
                        },
                    },
                },
            },
        };

        var validated = Validated.Of(Signal.Metrics, request.ToByteArray(), OnInvalid.RejectItem);

        const string Place = "resource_metrics[0].scope_metrics[0].metrics";
        Assert.Equal(
            new PartialSuccess(
                5,
                $"5 of 9 data points rejected: {Place}[0]: the metric has no name; {Place}[1]: aggregation_temporality is unspecified; "
                + $"{Place}[3].histogram.data_points[1]: 2 bucket_counts do not fit 2 explicit_bounds; {Place}[4].gauge.data_points[1]: the data point has no value; ..."),
            validated.Told);
        var metrics = request.ResourceMetrics[0].ScopeMetrics[0].Metrics;
        metrics[4].Gauge.DataPoints.RemoveAt(1);
        metrics[3].Histogram.DataPoints.RemoveAt(1);
        metrics.RemoveAt(1);
        metrics.RemoveAt(0);
        Assert.Equal(request.ToByteArray(), validated.Bytes);
    }

    [Fact]
    public void Numbers_of_a_histogram_count_whether_they_are_packed_or_not()
    {
        byte[] Point(int counts, int bounds) => Join(
        [
            .. Enumerable.Range(0, counts / 2).Select(_ => (byte[])[.. Varint((6 << 3) | 1), .. new byte[8]]),
            Field(6, new byte[8 * (counts - (counts / 2))]),
            .. Enumerable.Range(0, bounds / 2).Select(_ => (byte[])[.. Varint((7 << 3) | 1), .. new byte[8]]),
            Field(7, new byte[8 * (bounds - (bounds / 2))]),
        ]);
        byte[] Request(params byte[][] points) => Field(1, Field(2, Field(2, Field(1, "h"), Field(9, [.. points.Select(point => Field(1, point)), VarintField(2, 1)]))));

        Assert.Null(Validated.Of(Signal.Metrics, Request(Point(5, 4), Point(0, 0), Point(1, 0)), OnInvalid.RejectItem).Told);
        Assert.Equal(2, Validated.Of(Signal.Metrics, Request(Point(4, 4), Point(5, 4), Point(0, 1)), OnInvalid.RejectItem).Told!.Value.Rejected);
        Assert.Equal(1, Validated.Of(Signal.Metrics, Request(Point(5, 4), Field(6, new byte[9])), OnInvalid.Repair).Told!.Value.Rejected);
    }

    [Fact]
    public void A_wrong_exemplar_costs_its_point_and_repair_costs_only_what_is_wrong()
    {
        byte[] Request(params Exemplar[] exemplars) => new ExportMetricsServiceRequest
        {
            ResourceMetrics = { new ResourceMetrics { ScopeMetrics = { new ScopeMetrics { Metrics = { new Metric { Name = "g", Gauge = new Gauge { DataPoints = { new NumberDataPoint { AsInt = 1, Exemplars = { exemplars } } } } } } } } } },
        }.ToByteArray();
        var good = new Exemplar { AsInt = 1 };
        var request = Request(good, new Exemplar { AsInt = 2, TraceId = ByteString.CopyFrom(1) }, new Exemplar());

        Assert.Equal(1, Validated.Of(Signal.Metrics, request, OnInvalid.RejectItem).Told!.Value.Rejected);
        var repaired = Validated.Of(Signal.Metrics, request, OnInvalid.Repair);
        Assert.Equal(0, repaired.Told!.Value.Rejected);
        Assert.Equal(Request(good, new Exemplar { AsInt = 2 }), repaired.Bytes);
    }

    [Fact]
    public void A_value_nested_deeper_than_parsers_go_costs_its_span_alone()
    {
        for (var depth = 40; depth < 60; depth++)
        {
            byte[] value = Field(1, "deep");
            for (var i = 0; i < depth; i++)
            {
                value = Field(5, Field(1, value));
            }

            var good = new TraceBuilder().Span("good").LastSpan.ToByteArray();
            var request = Field(1, Field(2, Field(2, good), Field(2, good, Field(9, Field(1, "a"), Field(2, value)))));

            var validated = Validated.Of(Signal.Traces, request, OnInvalid.Repair);

            Assert.Equal(Parses(request), validated.Told is null);
            Assert.True(Parses(validated.Bytes));
            if (validated.Told is { } told)
            {
                Assert.Equal(new PartialSuccess(1, "1 of 2 spans rejected: " + Second + "messages are nested more than 100 levels deep"), told);
            }
        }

        static bool Parses(byte[] request)
        {
            try
            {
                ExportTraceServiceRequest.Parser.ParseFrom(request);
                return true;
            }
            catch (InvalidProtocolBufferException)
            {
                return false;
            }
        }
    }

    [Fact]
    public void An_event_that_is_no_protobuf_costs_its_span_alone()
    {
        var good = new TraceBuilder().Span("good").LastSpan.ToByteArray();
        var request = Field(1, Field(2, Field(2, good), Field(2, good, Field(11, [0x12, 0x7f]))));

        Assert.Equal(
            new PartialSuccess(1, "1 of 2 spans rejected: " + Second + "events[0] is malformed"), Validated.Of(Signal.Traces, request, OnInvalid.Repair).Told);
    }

    [Fact]
    public void When_all_are_invalid_nothing_is_left_and_the_message_stays_short()
    {
        var builder = new TraceBuilder();
        for (var i = 0; i < 5000; i++)
        {
            builder.Span("a").LastSpan.TraceId = ByteString.Empty;
        }

        var validated = Validated.Of(Signal.Traces, builder.ToBytes(), OnInvalid.RejectItem);

        Assert.Empty(validated.Bytes);
        Assert.Equal(5000, validated.Told!.Value.Rejected);
        Assert.InRange(validated.Told.Value.Message.Length, 200, 600);
        Assert.EndsWith("spans[4]: trace_id is missing; ...", validated.Told.Value.Message, StringComparison.Ordinal);
        Assert.Equal(1, validated.Findings!.Edits.Length);
    }

    [Fact]
    public void A_hostile_place_does_not_make_the_message_long()
    {
        byte[] value = Field(1, [0xff]);
        for (var i = 0; i < 40; i++)
        {
            value = Field(5, Field(1, value));
        }

        var span = new TraceBuilder().Span("good").LastSpan.ToByteArray();
        var request = Field(1, Field(2, Field(2, span, Field(9, Field(2, value)))));

        Assert.InRange(Validated.Of(Signal.Traces, request, OnInvalid.RejectItem).Told!.Value.Message.Length, 300, 400);
    }

    [Fact]
    public void More_places_than_are_kept_are_not_kept()
    {
        var attribute = Field(9, Field(1, [0xff]));
        var span = Field(2, [new TraceBuilder().Span("good").LastSpan.ToByteArray(), .. Enumerable.Repeat(attribute, Findings.EditsMax + 1)]);

        var findings = new RequestValidator(OnInvalid.Repair).Check(Signal.Traces, Field(1, Field(2, span)));

        Assert.True(findings!.AreTooMany);
        Assert.Equal(Findings.EditsMax, findings.Edits.Length);
    }

    [Fact]
    public void Text_is_mended_as_the_framework_decodes_it()
    {
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var text = new byte[random.Next(12)];
            foreach (ref var one in text.AsSpan())
            {
                // Mostly from the bytes that sequences are made of.
                one = random.Next(3) switch { 0 => (byte)random.Next(0x80), 1 => (byte)random.Next(0x80, 0xc0), _ => (byte)random.Next(0xc0, 0x100) };
            }

            var expected = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(text));
            var mended = new byte[MendedText.Length(text)];
            Assert.Equal(mended.Length, MendedText.Write(text, mended));
            Assert.Equal(expected, mended);
        }
    }

    private static Validated Reject(ExportTraceServiceRequest request) => Validated.Of(Signal.Traces, ValidityOracle.Broken(request.ToByteArray()), OnInvalid.RejectItem);

    private static Validated Repair(ExportTraceServiceRequest request) => Validated.Of(Signal.Traces, ValidityOracle.Broken(request.ToByteArray()), OnInvalid.Repair);

    /// <summary>Three spans, the second of which is broken.</summary>
    private static ExportTraceServiceRequest Spans(Action<Span> breaking)
    {
        var builder = new TraceBuilder().Span("first").Span("second").Span("third");
        breaking(builder.Request.ResourceSpans[0].ScopeSpans[0].Spans[1]);
        return builder.Request;
    }

    private static ExportLogsServiceRequest Logs(params LogRecord[] records) =>
        new() { ResourceLogs = { new ResourceLogs { Resource = new Resource(), ScopeLogs = { new ScopeLogs { LogRecords = { records } } } } } };

    private static Span.Types.Link Link(int traceIdLength, int spanIdLength) =>
        new() { TraceId = ByteString.CopyFrom(new byte[traceIdLength]), SpanId = ByteString.CopyFrom(new byte[spanIdLength]) };
}
