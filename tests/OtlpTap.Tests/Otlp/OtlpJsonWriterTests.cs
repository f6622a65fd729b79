using System.Text;
using System.Text.Json;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Metrics.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Metrics.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.Proto;

namespace OtlpTap.Tests.Otlp;

public sealed class OtlpJsonWriterTests
{
    [Fact]
    public void An_empty_request_is_an_empty_object() => Assert.Equal("{}", Transcoding.Json(Signal.Traces, []));

    [Fact]
    public void A_span_is_written_with_hex_ids_digits_in_strings_and_enums_as_numbers()
    {
        var span = new Span
        {
            TraceId = ByteString.CopyFrom(Convert.FromHexString("5B8EFFF798038103D269B633813FC60C")),
            SpanId = ByteString.CopyFrom(Convert.FromHexString("EEE19B7EC3C1B174")),
            ParentSpanId = ByteString.CopyFrom(Convert.FromHexString("EEE19B7EC3C1B173")),
            TraceState = "a=b",
            Flags = 257,
            Name = "execute_tool \"get_weather\"",
            Kind = Span.Types.SpanKind.Internal,
            StartTimeUnixNano = 1_544_712_660_000_000_001,
            EndTimeUnixNano = ulong.MaxValue,
            DroppedAttributesCount = 3,
            Status = new Status { Code = Status.Types.StatusCode.Error, Message = "Zeitüberschreitung" },
        };

        Assert.Equal(
            """
            {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","traceState":"a=b","parentSpanId":"eee19b7ec3c1b173","name":"execute_tool \"get_weather\"","kind":1,"startTimeUnixNano":"1544712660000000001","endTimeUnixNano":"18446744073709551615","droppedAttributesCount":3,"status":{"message":"Zeitüberschreitung","code":2},"flags":257}
            """,
            SpanJson(span));
    }

    [Fact]
    public void Zeros_are_left_out_and_empty_messages_are_not()
    {
        Assert.Equal("{}", SpanJson(new Span { Kind = 0, Name = "" }));
        Assert.Equal("""{"events":[{}],"status":{}}""", SpanJson(new Span { Status = new Status(), Events = { new Span.Types.Event() } }));
    }

    [Fact]
    public void A_zero_that_was_sent_where_zero_is_the_default_is_left_out()
    {
        // Span { kind: 0, name: "", flags: 0, start_time_unix_nano: 0 }
        byte[] span = [0x30, 0, 0x2A, 0, 0x85, 0x01, 0, 0, 0, 0, 0x39, 0, 0, 0, 0, 0, 0, 0, 0];

        Assert.Equal("{}", SpanJson(span));
    }

    [Fact]
    public void Every_kind_of_value_is_written_with_its_zero()
    {
        var record = new LogRecord
        {
            Body = new AnyValue
            {
                ArrayValue = new ArrayValue
                {
                    Values =
                    {
                        new AnyValue(),
                        new AnyValue { StringValue = "" },
                        new AnyValue { BoolValue = false },
                        new AnyValue { IntValue = 0 },
                        new AnyValue { IntValue = long.MinValue },
                        new AnyValue { DoubleValue = 0 },
                        new AnyValue { DoubleValue = -0.0 },
                        new AnyValue { DoubleValue = 1e21 },
                        new AnyValue { DoubleValue = double.NaN },
                        new AnyValue { DoubleValue = double.PositiveInfinity },
                        new AnyValue { DoubleValue = double.NegativeInfinity },
                        new AnyValue { BytesValue = ByteString.Empty },
                        new AnyValue { BytesValue = ByteString.CopyFrom(0xFB, 0xFF) },
                        new AnyValue { ArrayValue = new ArrayValue() },
                        new AnyValue { KvlistValue = new KeyValueList { Values = { new KeyValue { Key = "k", Value = new AnyValue { BoolValue = true } }, new KeyValue() } } },
                    },
                },
            },
        };

        Assert.Equal(
            """{"body":{"arrayValue":{"values":[{},{"stringValue":""},{"boolValue":false},{"intValue":"0"},{"intValue":"-9223372036854775808"},"""
            + """{"doubleValue":0},{"doubleValue":-0},{"doubleValue":1E+21},{"doubleValue":"NaN"},{"doubleValue":"Infinity"},{"doubleValue":"-Infinity"},"""
            + """{"bytesValue":""},{"bytesValue":"+/8="},{"arrayValue":{}},{"kvlistValue":{"values":[{"key":"k","value":{"boolValue":true}},{}]}}]}}}""",
            LogJson(record));
    }

    [Fact]
    public void Metrics_are_written_with_arrays_of_numbers_and_optional_zeros()
    {
        var request = new ExportMetricsServiceRequest { ResourceMetrics = { new ResourceMetrics { ScopeMetrics = { new ScopeMetrics() } } } };
        request.ResourceMetrics[0].ScopeMetrics[0].Metrics.Add(new Metric
        {
            Name = "h",
            Histogram = new Histogram
            {
                AggregationTemporality = AggregationTemporality.Cumulative,
                DataPoints = { new HistogramDataPoint { Count = 3, Sum = 0, BucketCounts = { 1, ulong.MaxValue }, ExplicitBounds = { 0.5 } } },
            },
        });
        request.ResourceMetrics[0].ScopeMetrics[0].Metrics.Add(new Metric
        {
            ExponentialHistogram = new ExponentialHistogram
            {
                DataPoints = { new ExponentialHistogramDataPoint { Scale = int.MinValue, Positive = new ExponentialHistogramDataPoint.Types.Buckets { Offset = -1, BucketCounts = { 0, 300 } } } },
            },
        });
        request.ResourceMetrics[0].ScopeMetrics[0].Metrics.Add(new Metric { Gauge = new Gauge { DataPoints = { new NumberDataPoint { AsInt = 0 } } } });

        Assert.Equal(
            """{"resourceMetrics":[{"scopeMetrics":[{"metrics":["""
            + """{"name":"h","histogram":{"dataPoints":[{"count":"3","sum":0,"bucketCounts":["1","18446744073709551615"],"explicitBounds":[0.5]}],"aggregationTemporality":2}},"""
            + """{"exponentialHistogram":{"dataPoints":[{"scale":-2147483648,"positive":{"offset":-1,"bucketCounts":["0","300"]}}]}},"""
            + """{"gauge":{"dataPoints":[{"asInt":"0"}]}}]}]}]}""",
            Transcoding.Json(Signal.Metrics, request));
    }

    [Fact]
    public void Text_that_is_not_UTF_8_gets_replacement_characters()
    {
        // LogRecord { severity_text: C3 28 FF }
        Assert.Equal("{\"severityText\":\"\ufffd(\ufffd\"}", LogJson([0x1A, 3, 0xC3, 0x28, 0xFF]));
    }

    [Theory]
    [InlineData(16 * 1024)]
    [InlineData((16 * 1024) + 1)]
    [InlineData((48 * 1024) - 1)]
    [InlineData(100_000)]
    public void Long_values_are_written_in_pieces_that_fit(int length)
    {
        // Characters of three bytes, so that pieces end within one.
        var text = string.Concat(Enumerable.Repeat("雨", (length / 3) + 1));
        var bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        var record = new LogRecord
        {
            SeverityText = text,
            TraceId = ByteString.CopyFrom(bytes),
            Body = new AnyValue { BytesValue = ByteString.CopyFrom(bytes) },
        };

        using var json = JsonDocument.Parse(LogJson(record));
        Assert.Equal(text, json.RootElement.GetProperty("severityText").GetString());
        Assert.Equal(Convert.ToHexStringLower(bytes), json.RootElement.GetProperty("traceId").GetString());
        Assert.Equal(bytes, json.RootElement.GetProperty("body").GetProperty("bytesValue").GetBytesFromBase64());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16 * 1024)]
    [InlineData((16 * 1024) + 1)]
    [InlineData(60_000)]
    public void Long_text_that_is_not_UTF_8_is_repaired_as_dotnet_repairs_it(int length)
    {
        byte[] text = [.. Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("🌧é", length / 6))), 0xF0, 0x9F, 0x8C, .. new byte[] { 0xFF, (byte)'x', 0xE9 }];
        var record = Field(3, text);

        using var json = JsonDocument.Parse(LogJson(record));
        Assert.Equal(Encoding.UTF8.GetString(text), json.RootElement.GetProperty("severityText").GetString());
    }

    [Fact]
    public void The_last_member_of_a_oneof_counts_and_what_came_before_another_member_is_gone()
    {
        byte[] listOfA = Field(5, Field(1, Field(1, "a"u8)));
        byte[] listOfB = Field(5, Field(1, Field(1, "b"u8)));
        byte[] text = Field(1, "t"u8);

        Assert.Equal("""{"body":{"stringValue":"t"}}""", LogJson(Field(5, [.. listOfA, .. text])));
        Assert.Equal("""{"body":{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":"b"}]}}}""", LogJson(Field(5, [.. listOfA, .. listOfB])));
        Assert.Equal("""{"body":{"arrayValue":{"values":[{"stringValue":"b"}]}}}""", LogJson(Field(5, [.. listOfA, .. text, .. listOfB])));
        Assert.Equal("""{"body":{"arrayValue":{"values":[{"stringValue":"b"}]}}}""", LogJson([.. Field(5, listOfA), .. Field(5, text), .. Field(5, listOfB)]));
    }

    [Fact]
    public void A_field_of_another_wire_type_is_an_unknown_one()
    {
        // LogRecord { severity_number as bytes; body as varint; then severity_text }
        Assert.Equal("""{"severityText":"s"}""", LogJson([0x12, 1, 1, 0x28, 1, .. Field(3, "s"u8)]));
    }

    [Fact]
    public void Values_are_written_a_hundred_levels_deep_and_cut_below()
    {
        Transcoding.Json(Signal.Logs, LogRequest(Field(5, Nested(100))), out var isWhole);
        Assert.True(isWhole);

        var json = Transcoding.Json(Signal.Logs, LogRequest(Field(5, Nested(101))), out isWhole);
        Assert.False(isWhole);
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1000 });

        Transcoding.Json(Signal.Logs, LogRequest(Field(5, Nested(5000))), out isWhole);
        Assert.False(isWhole);
    }

    [Fact]
    public void Every_truncation_of_a_request_is_complete_JSON_of_what_could_be_read()
    {
        var request = CapturedPayloads.Read("dotnet-meai/tool-throws.traces.otlp.pb");
        for (var length = 0; length < request.Length; length++)
        {
            var json = Transcoding.Json(Signal.Traces, request.AsSpan(0, length), out var isWhole);

            Assert.Equal(TryParse(Signal.Traces, request[..length]) is not null, isWhole);
            using var document = JsonDocument.Parse(json);
        }
    }

    [Fact]
    public void No_mutation_of_a_request_throws_and_what_is_whole_is_what_the_protobuf_library_reads()
    {
        var random = new Random(1);
        var whole = 0;
        for (var i = 0; i < 3000; i++)
        {
            var signal = (Signal)(i % 3);
            var request = new RandomRequests(i % 90).Next(signal).ToByteArray();
            for (var count = random.Next(1, 4); count > 0 && request.Length > 0; count--)
            {
                request[random.Next(request.Length)] = (byte)random.Next(256);
            }

            var json = Transcoding.Json(signal, request, out var isWhole);
            using var document = JsonDocument.Parse(json);
            if (isWhole && TryParse(signal, request) is { } parsed)
            {
                whole++;

                // Both by way of JSON, which knows one NaN only.
                Assert.True(Transcoding.Request(signal, Transcoding.Json(signal, parsed)).Equals(Transcoding.Request(signal, json)), $"{i}: {json}");
            }
        }

        Assert.InRange(whole, 200, 2800);
    }

    [Fact]
    public void Joining_the_parts_of_a_message_copies_nothing_at_any_depth()
    {
        // Each level's value comes in two parts, the first of which holds all levels below: joining by copying would
        // copy the text once for each level.
        const int TextLength = 1 << 20;
        var value = Field(1, new byte[TextLength]);
        for (var depth = 1; depth < 100; depth++)
        {
            value = Field(6, [.. Field(1, [.. Field(2, value), .. Field(2, [])])]);
        }

        var request = LogRequest(Field(5, value));
        using var json = new Utf8JsonWriter(Stream.Null);
        OtlpJson.Write(Signal.Logs, request, json);
        json.Reset();

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(OtlpJson.Write(Signal.Logs, request, json));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 * TextLength);
    }

    // The library refuses what the wire format allows and the writer repairs: text that is not UTF-8.
    private static IMessage? TryParse(Signal signal, byte[] request)
    {
        try
        {
            return CapturedPayloads.ParserFor(signal).WithDiscardUnknownFields(true).ParseFrom(request);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    private static string SpanJson(Span span) => SpanJson(span.ToByteArray());

    private static string SpanJson(byte[] span) =>
        Inner(Transcoding.Json(Signal.Traces, Field(1, Field(2, Field(2, span)))), """{"resourceSpans":[{"scopeSpans":[{"spans":[""");

    private static string LogJson(LogRecord record) => LogJson(record.ToByteArray());

    private static string LogJson(byte[] record) =>
        Inner(Transcoding.Json(Signal.Logs, LogRequest(record)), """{"resourceLogs":[{"scopeLogs":[{"logRecords":[""");

    private static byte[] LogRequest(byte[] record) => Field(1, Field(2, Field(2, record)));

    private static byte[] Nested(int depth)
    {
        byte[] value = [];
        for (var i = 1; i < depth; i++)
        {
            value = Field(5, Field(1, value));
        }

        return value;
    }

    private static byte[] Field(int number, ReadOnlySpan<byte> value)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteTag(number, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(value));
        }

        return stream.ToArray();
    }

    private static string Inner(string json, string before)
    {
        const string After = "]}]}]}";
        Assert.StartsWith(before, json, StringComparison.Ordinal);
        Assert.EndsWith(After, json, StringComparison.Ordinal);
        return json[before.Length..^After.Length];
    }
}
