using System.Buffers;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Collections;
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

public sealed class OtlpJsonReaderTests
{
    private const string SpanPath = "resourceSpans[0].scopeSpans[0].spans[0]";

    public static TheoryData<string> Documents => CapturedPayloads.Json;

    [Fact]
    public void A_trace_in_the_form_that_the_specification_shows_is_read()
    {
        var request = (ExportTraceServiceRequest)Transcoding.Request(
            Signal.Traces,
            """
            {
              "resourceSpans": [
                {
                  "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "checkout" } }] },
                  "scopeSpans": [
                    {
                      "scope": { "name": "my.library", "version": "1.0.0", "attributes": [{ "key": "on", "value": { "boolValue": true } }] },
                      "spans": [
                        {
                          "traceId": "5B8EFFF798038103D269B633813FC60C",
                          "spanId": "EEE19B7EC3C1B174",
                          "parentSpanId": "EEE19B7EC3C1B173",
                          "name": "I'm a server span",
                          "startTimeUnixNano": "1544712660000000000",
                          "endTimeUnixNano": "1544712661000000000",
                          "kind": 2,
                          "attributes": [{ "key": "my.span.attr", "value": { "stringValue": "some value" } }],
                          "events": [{ "timeUnixNano": "1544712660500000000", "name": "retry" }],
                          "links": [{ "traceId": "5b8efff798038103d269b633813fc60d", "spanId": "eee19b7ec3c1b175", "flags": 257 }],
                          "status": { "code": 2, "message": "timeout" }
                        }
                      ]
                    }
                  ]
                }
              ]
            }
            """);

        var resourceSpans = Assert.Single(request.ResourceSpans);
        Assert.Equal("checkout", Assert.Single(resourceSpans.Resource.Attributes).Value.StringValue);
        var scopeSpans = Assert.Single(resourceSpans.ScopeSpans);
        Assert.Equal("my.library", scopeSpans.Scope.Name);
        Assert.True(Assert.Single(scopeSpans.Scope.Attributes).Value.BoolValue);
        var span = Assert.Single(scopeSpans.Spans);
        Assert.Equal("5b8efff798038103d269b633813fc60c", Convert.ToHexStringLower(span.TraceId.Span));
        Assert.Equal("eee19b7ec3c1b174", Convert.ToHexStringLower(span.SpanId.Span));
        Assert.Equal("eee19b7ec3c1b173", Convert.ToHexStringLower(span.ParentSpanId.Span));
        Assert.Equal("I'm a server span", span.Name);
        Assert.Equal(1_544_712_660_000_000_000UL, span.StartTimeUnixNano);
        Assert.Equal(1_544_712_661_000_000_000UL, span.EndTimeUnixNano);
        Assert.Equal(Span.Types.SpanKind.Server, span.Kind);
        Assert.Equal("some value", Assert.Single(span.Attributes).Value.StringValue);
        Assert.Equal("retry", Assert.Single(span.Events).Name);
        Assert.Equal(257u, Assert.Single(span.Links).Flags);
        Assert.Equal(new Status { Code = Status.Types.StatusCode.Error, Message = "timeout" }, span.Status);
    }

    [Fact]
    public void Logs_in_the_form_that_the_specification_shows_are_read()
    {
        var request = (ExportLogsServiceRequest)Transcoding.Request(
            Signal.Logs,
            """
            {
              "resourceLogs": [{
                "scopeLogs": [{
                  "logRecords": [{
                    "timeUnixNano": "1544712660300000000",
                    "observedTimeUnixNano": "1544712660300000001",
                    "severityNumber": 10,
                    "severityText": "Information",
                    "traceId": "5B8EFFF798038103D269B633813FC60C",
                    "spanId": "EEE19B7EC3C1B174",
                    "eventName": "gen_ai.evaluation.result",
                    "flags": 1,
                    "body": { "kvlistValue": { "values": [
                      { "key": "answer", "value": { "intValue": "42" } },
                      { "key": "raw", "value": { "bytesValue": "aGVsbG8=" } },
                      { "key": "list", "value": { "arrayValue": { "values": [{ "doubleValue": 637.704 }, null, {}] } } }
                    ] } }
                  }]
                }]
              }]
            }
            """);

        var record = Assert.Single(Assert.Single(Assert.Single(request.ResourceLogs).ScopeLogs).LogRecords);
        Assert.Equal(SeverityNumber.Info2, record.SeverityNumber);
        Assert.Equal("Information", record.SeverityText);
        Assert.Equal(1_544_712_660_300_000_001UL, record.ObservedTimeUnixNano);
        Assert.Equal("gen_ai.evaluation.result", record.EventName);
        Assert.Equal(1u, record.Flags);
        var values = record.Body.KvlistValue.Values;
        Assert.Equal(42, values[0].Value.IntValue);
        Assert.Equal("hello", values[1].Value.BytesValue.ToStringUtf8());
        Assert.Equal([new AnyValue { DoubleValue = 637.704 }, new AnyValue(), new AnyValue()], values[2].Value.ArrayValue.Values);
    }

    [Fact]
    public void Metrics_in_the_form_that_the_specification_shows_are_read()
    {
        var request = (ExportMetricsServiceRequest)Transcoding.Request(
            Signal.Metrics,
            """
            {
              "resourceMetrics": [{
                "scopeMetrics": [{
                  "metrics": [
                    { "name": "my.counter", "unit": "1", "sum": { "aggregationTemporality": 1, "isMonotonic": true,
                      "dataPoints": [{ "asDouble": 5, "startTimeUnixNano": "1544712660300000000", "timeUnixNano": 1544712660300000000 }] } },
                    { "name": "my.gauge", "gauge": { "dataPoints": [{ "asInt": "-10", "flags": 1 }] } },
                    { "name": "my.histogram", "histogram": { "aggregationTemporality": 2,
                      "dataPoints": [{ "count": "2", "sum": 2, "bucketCounts": ["1", 1], "explicitBounds": [1], "min": 0, "max": 2 }] } },
                    { "name": "my.exponential", "exponentialHistogram": { "aggregationTemporality": 1,
                      "dataPoints": [{ "count": 3, "sum": 10, "scale": -1, "zeroCount": "1", "positive": { "offset": 1, "bucketCounts": ["0", "2"] }, "zeroThreshold": 0.5 }] } },
                    { "name": "my.summary", "summary": {
                      "dataPoints": [{ "count": "1", "sum": 4, "quantileValues": [{ "quantile": 0.5, "value": "NaN" }, { "quantile": 1, "value": "-Infinity" }] }] },
                      "metadata": [{ "key": "k", "value": { "stringValue": "v" } }] }
                  ]
                }]
              }]
            }
            """);

        var metrics = Assert.Single(Assert.Single(request.ResourceMetrics).ScopeMetrics).Metrics;
        Assert.Equal(5, Assert.Single(metrics[0].Sum.DataPoints).AsDouble);
        Assert.Equal(1_544_712_660_300_000_000UL, metrics[0].Sum.DataPoints[0].TimeUnixNano);
        Assert.Equal(AggregationTemporality.Delta, metrics[0].Sum.AggregationTemporality);
        Assert.True(metrics[0].Sum.IsMonotonic);
        Assert.Equal(-10, Assert.Single(metrics[1].Gauge.DataPoints).AsInt);
        var histogram = Assert.Single(metrics[2].Histogram.DataPoints);
        Assert.Equal([1UL, 1UL], histogram.BucketCounts);
        Assert.Equal([1.0], histogram.ExplicitBounds);
        Assert.True(histogram.HasMin);
        Assert.Equal(0, histogram.Min);
        var exponential = Assert.Single(metrics[3].ExponentialHistogram.DataPoints);
        Assert.Equal(-1, exponential.Scale);
        Assert.Equal([0UL, 2UL], exponential.Positive.BucketCounts);
        Assert.Null(exponential.Negative);
        Assert.Equal(0.5, exponential.ZeroThreshold);
        Assert.Equal([double.NaN, double.NegativeInfinity], Assert.Single(metrics[4].Summary.DataPoints).QuantileValues.Select(value => value.Value));
        Assert.Equal("k", Assert.Single(metrics[4].Metadata).Key);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData(" \r\n{\t} ")]
    [InlineData("""{"resourceSpans":[]}""")]
    [InlineData("""{"resourceSpans":null}""")]
    [InlineData("""{"unknown":{"a":[1,{"b":null}]},"resourceLogs":[7]}""")]
    public void A_document_without_data_is_an_empty_request(string json) => Assert.Empty(Transcoding.Bytes(Signal.Traces, json));

    [Theory]
    [InlineData("\"trace_id\":\"zz\"")]
    [InlineData("\"TraceId\":\"zz\"")]
    [InlineData("\"traceID\":5")]
    [InlineData("\"start_time_unix_nano\":{}")]
    [InlineData("\"\":[[[[]]]]")]
    [InlineData("\"\\ud800\":1")]
    [InlineData("\"name\":null,\"events\":null,\"status\":null,\"kind\":null")]
    [InlineData("\"kind\":0,\"name\":\"\",\"traceId\":\"\",\"flags\":0,\"events\":[]")]
    public void Unknown_names_nulls_and_zeros_leave_nothing_behind(string field) => Assert.Equal(SpanOf("").ToByteArray(), SpanOf(field).ToByteArray());

    [Fact]
    public void A_name_may_be_written_with_escapes() => Assert.Equal("a", Assert.Single(Spans("{\"\\u006e\\u0061me\":\"a\"}")).Name);

    [Fact]
    public void A_name_that_comes_twice_means_what_it_means_on_the_wire()
    {
        var span = SpanOf("""
            "name":"a","name":"b","status":{"code":2},"status":{"message":"m"},"events":[{"name":"x"}],"events":[{"name":"y"}]
            """);

        Assert.Equal("b", span.Name);
        Assert.Equal(new Status { Code = Status.Types.StatusCode.Error, Message = "m" }, span.Status);
        Assert.Equal(["x", "y"], span.Events.Select(@event => @event.Name));
    }

    [Theory]
    [InlineData("\"name\":\"a\",\"name\":\"\"")]
    [InlineData("\"kind\":2,\"kind\":0")]
    [InlineData("\"startTimeUnixNano\":\"5\",\"name\":\"\",\"startTimeUnixNano\":0")]
    [InlineData("\"traceId\":\"ff\",\"traceId\":\"\"")]
    public void A_zero_that_comes_second_counts_too(string field) => Assert.Equal(SpanOf(""), SpanOf(field));

    [Fact]
    public void A_byte_order_mark_is_passed_over_and_counted_in_the_places_of_mistakes()
    {
        byte[] mark = [0xef, 0xbb, 0xbf];

        Assert.Empty(Transcoding.Bytes(Signal.Traces, "\ufeff{}"));
        Assert.Equal(3, Transcoding.Refused(Signal.Traces, [.. mark, (byte)'7']).ByteOffset);
        Assert.Equal(3, Transcoding.Refused(Signal.Traces, [.. mark, .. mark, (byte)'{', (byte)'}']).ByteOffset);
        Assert.InRange(Transcoding.Refused(Signal.Traces, [.. mark, .. "{} x"u8]).ByteOffset, 6, 7);
    }

    [Theory]
    [InlineData("""{"stringValue":"a","intValue":1}""", AnyValue.ValueOneofCase.IntValue)]
    [InlineData("""{"intValue":1,"stringValue":""}""", AnyValue.ValueOneofCase.StringValue)]
    [InlineData("""{"intValue":0}""", AnyValue.ValueOneofCase.IntValue)]
    [InlineData("""{"boolValue":false}""", AnyValue.ValueOneofCase.BoolValue)]
    [InlineData("""{"doubleValue":0}""", AnyValue.ValueOneofCase.DoubleValue)]
    [InlineData("""{"bytesValue":""}""", AnyValue.ValueOneofCase.BytesValue)]
    [InlineData("""{"arrayValue":{}}""", AnyValue.ValueOneofCase.ArrayValue)]
    [InlineData("""{"stringValue":null}""", AnyValue.ValueOneofCase.None)]
    [InlineData("""{}""", AnyValue.ValueOneofCase.None)]
    public void The_last_kind_of_a_value_counts_and_its_zero_is_kept(string json, AnyValue.ValueOneofCase expected) =>
        Assert.Equal(expected, Value(json).ValueCase);

    [Theory]
    [InlineData("aGk/", "hi?")]
    [InlineData("aGk_", "hi?")]
    [InlineData("aGk\\/", "hi?")]
    [InlineData("aGk=", "hi")]
    [InlineData("aGk", "hi")]
    [InlineData("aA==", "h")]
    [InlineData("aA", "h")]
    public void Bytes_are_read_in_either_alphabet_padded_or_not(string base64, string expected) =>
        Assert.Equal(expected, Value($$"""{"bytesValue":"{{base64}}"}""").BytesValue.ToStringUtf8());

    [Theory]
    [InlineData("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t")]
    [InlineData("\\u0041\\u00e9\\u96E8\\ud83c\\udf27.", "Aé雨🌧.")]
    [InlineData("\\ud83c", "\ufffd")]
    [InlineData("\\udf27\\ud83c", "\ufffd\ufffd")]
    [InlineData("\\ud83c\\ud83c\\udf27", "\ufffd🌧")]
    [InlineData("\\ud83cx\\u0041", "\ufffdxA")]
    [InlineData("\\ud83c\\n", "\ufffd\n")]
    public void Escapes_are_resolved_and_lone_surrogates_replaced(string escaped, string expected) =>
        Assert.Equal(expected, Value($$"""{"stringValue":"{{escaped}}"}""").StringValue);

    [Fact]
    public void Bytes_that_are_not_text_are_replaced()
    {
        byte[] json = [.. """{"resourceLogs":[{"schemaUrl":"a"""u8, 0xC3, .. "b"u8, 0xFF, 0xED, 0xA0, 0x80, .. "\"}]}"u8];

        var request = ExportLogsServiceRequest.Parser.ParseFrom(Transcoding.Bytes(Signal.Logs, json));
        Assert.Equal("a\ufffdb\ufffd\ufffd\ufffd\ufffd", request.ResourceLogs[0].SchemaUrl);
    }

    [Theory]
    [InlineData("\"kind\":2.0", "\"kind\":2")]
    [InlineData("\"kind\":-1", "\"kind\":-1.0e0")]
    [InlineData("\"droppedEventsCount\":\"12\"", "\"droppedEventsCount\":12")]
    [InlineData("\"droppedEventsCount\":1.2e1", "\"droppedEventsCount\":12")]
    [InlineData("\"startTimeUnixNano\":1e3", "\"startTimeUnixNano\":\"1000\"")]
    [InlineData("\"startTimeUnixNano\":\"18446744073709551615\"", "\"startTimeUnixNano\":18446744073709551615")]
    [InlineData("\"flags\":4294967295", "\"flags\":\"4294967295.0\"")]
    public void A_number_may_be_written_in_several_ways(string one, string other) => Assert.Equal(SpanOf(one), SpanOf(other));

    [Theory]
    [InlineData("\"traceId\":|\"5b8\"", "traceId: not hexadecimal digits, two for each byte")]
    [InlineData("\"traceId\":|\"5x\"", "traceId: not hexadecimal digits, two for each byte")]
    [InlineData("\"spanId\":|12", "spanId: expected a string, found a number")]
    [InlineData("\"name\":|{}", "name: expected a string, found an object")]
    [InlineData("\"kind\":|\"SPAN_KIND_SERVER\"", "kind: expected the number of an enum value, found a string (names are not part of OTLP/JSON)")]
    [InlineData("\"kind\":|2147483648", "kind: the number is out of the range of its type")]
    [InlineData("\"kind\":|true", "kind: expected an integer, found true or false")]
    [InlineData("\"flags\":|-1", "flags: the number is out of the range of its type")]
    [InlineData("\"flags\":|4294967296", "flags: the number is out of the range of its type")]
    [InlineData("\"startTimeUnixNano\":|1.5", "startTimeUnixNano: the number is not an integer")]
    [InlineData("\"startTimeUnixNano\":|\"2018-12-13\"", "startTimeUnixNano: the string is not an integer")]
    [InlineData("\"startTimeUnixNano\":|\"\"", "startTimeUnixNano: the string is not an integer")]
    [InlineData("\"startTimeUnixNano\":|18446744073709551616", "startTimeUnixNano: the number is out of the range of its type")]
    [InlineData("\"events\":|{}", "events: expected an array, found an object")]
    [InlineData("\"events\":[{},|null]", "events[1]: null cannot stand in this array")]
    [InlineData("\"events\":[{},|[]]", "events[1]: expected an object, found an array")]
    [InlineData("\"status\":|[]", "status: expected an object, found an array")]
    [InlineData("\"attributes\":[{\"value\":|\"x\"}]", "attributes[0].value: expected an object, found a string")]
    [InlineData("\"attributes\":[{\"value\":{\"boolValue\":|1}}]", "attributes[0].value.boolValue: expected true or false, found a number")]
    [InlineData("\"attributes\":[{\"value\":{\"boolValue\":|\"true\"}}]", "attributes[0].value.boolValue: expected true or false, found a string")]
    [InlineData("\"attributes\":[{\"value\":{\"doubleValue\":|1e999}}]", "attributes[0].value.doubleValue: the number is out of the range of its type")]
    [InlineData("\"attributes\":[{\"value\":{\"doubleValue\":|\"nan\"}}]", "attributes[0].value.doubleValue: the string is not a number")]
    [InlineData("\"attributes\":[{\"value\":{\"doubleValue\":|false}}]", "attributes[0].value.doubleValue: expected a number, found true or false")]
    [InlineData("\"attributes\":[{\"value\":{\"bytesValue\":|\"a\"}}]", "attributes[0].value.bytesValue: not base64")]
    [InlineData("\"attributes\":[{\"value\":{\"bytesValue\":|\"äöüß\"}}]", "attributes[0].value.bytesValue: not base64")]
    [InlineData("\"attributes\":[{\"value\":{\"intValue\":|\"9223372036854775808\"}}]", "attributes[0].value.intValue: the number is out of the range of its type")]
    public void What_cannot_be_read_is_refused_with_its_path_and_its_place(string field, string message)
    {
        const string Before = """{"resourceSpans":[{"scopeSpans":[{"spans":[{""";
        var json = Before + field.Replace("|", "", StringComparison.Ordinal) + "}]}]}]}";

        var error = Transcoding.Refused(Signal.Traces, Encoding.UTF8.GetBytes(json));
        Assert.Equal($"{SpanPath}.{message}", error.Message);
        Assert.Equal(Before.Length + field.IndexOf('|', StringComparison.Ordinal), error.ByteOffset);
    }

    [Theory]
    [InlineData("|", "")]
    [InlineData("   |", "")]
    [InlineData("{\"resourceSpans\":|", "")]
    [InlineData("{\n \"resourceSpans\": [\n  {|", "")]
    [InlineData("{\n\n\"a\" |", "\"b\"}")]
    [InlineData("{\"a\":1|", ",}")]
    [InlineData("{}|", "{}")]
    [InlineData("{} |", "x")]
    [InlineData("{\"a\":\"\\|", "x\"}")]
    [InlineData("{\"a\":|", "nul}")]
    [InlineData("{|", "'a':1}")]
    public void Broken_JSON_is_refused_with_its_place(string before, string after)
    {
        before = before.Replace("|", "", StringComparison.Ordinal);

        var error = Transcoding.Refused(Signal.Traces, Encoding.UTF8.GetBytes(before + after));
        Assert.StartsWith("not well-formed JSON: ", error.Message, StringComparison.Ordinal);
        Assert.InRange(error.ByteOffset, before.Length, before.Length + Math.Min(after.Length, 3));
    }

    [Theory]
    [InlineData("[]", "ExportTraceServiceRequest: expected an object, found an array")]
    [InlineData("null", "ExportTraceServiceRequest: expected an object, found null")]
    [InlineData("\"x\"", "ExportTraceServiceRequest: expected an object, found a string")]
    public void A_document_that_is_no_object_is_refused(string json, string message) =>
        Assert.Equal(new OtlpJsonError(message, 0), Transcoding.Refused(Signal.Traces, Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void Values_are_read_a_hundred_levels_deep_and_refused_below()
    {
        Assert.Equal(AnyValue.ValueOneofCase.ArrayValue, ParseDeep(Transcoding.Bytes(Signal.Logs, NestedLists(100))).ResourceLogs[0].ScopeLogs[0].LogRecords[0].Body.ValueCase);
        Assert.Contains("nested deeper than 100 levels", Transcoding.Refused(Signal.Logs, Encoding.UTF8.GetBytes(NestedLists(101))).Message, StringComparison.Ordinal);
        Assert.Contains("nested deeper than 100 levels", Transcoding.Refused(Signal.Logs, Encoding.UTF8.GetBytes(NestedMaps(101))).Message, StringComparison.Ordinal);
        Transcoding.Bytes(Signal.Logs, NestedMaps(100));
    }

    [Fact]
    public void The_deepest_value_takes_a_third_of_a_thread_pool_stack_in_either_direction()
    {
        // A thread of the pool has 1.5 MiB. Too deep would end the process, and with it the test.
        var json = NestedMaps(OtlpJson.AnyValueDepthMax);
        string? back = null;
        var thread = new Thread(() => back = Transcoding.Json(Signal.Logs, Transcoding.Bytes(Signal.Logs, json)), maxStackSize: 512 * 1024);
        thread.Start();
        thread.Join();

        Assert.Equal(json, back);
    }

    [Theory]
    [InlineData(500, true)]
    [InlineData(2000, false)]
    [InlineData(1_000_000, false)]
    public void Unknown_fields_are_passed_over_to_any_sensible_depth(int depth, bool isRead)
    {
        var json = Encoding.UTF8.GetBytes($$"""{"unknown":{{new string('[', depth)}}{{new string(']', depth)}}}""");

        Assert.Equal(isRead, OtlpJson.TryRead(Signal.Traces, json, new ArrayBufferWriter<byte>(), out _));
    }

    [Fact]
    public void A_request_is_as_large_as_the_limit_and_no_larger()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var request = new RandomRequests(seed).Next(Signal.Metrics);
            var json = Encoding.UTF8.GetBytes(Transcoding.Json(Signal.Metrics, request));
            var size = request.CalculateSize();

            Assert.True(OtlpJson.TryRead(Signal.Metrics, json, new ArrayBufferWriter<byte>(), out _, size));
            if (size > 0)
            {
                Assert.False(OtlpJson.TryRead(Signal.Metrics, json, new ArrayBufferWriter<byte>(), out var error, size - 1));
                Assert.Contains("larger than the limit", error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_document_that_grows_fourfold_takes_no_more_memory_than_the_limit_allows()
    {
        // Two characters for each double of eight bytes.
        var json = Encoding.UTF8.GetBytes($$$"""{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"explicitBounds":[{{{string.Join(',', Enumerable.Repeat(1, 4_000_000))}}}]}]}}]}]}]}""");
        const int Limit = 1 << 20;

        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(OtlpJson.TryRead(Signal.Metrics, json, new ArrayBufferWriter<byte>(), out var error, Limit));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * Limit);
        Assert.Contains("explicitBounds[", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_truncation_is_refused_and_none_throws(string name)
    {
        var json = CapturedPayloads.Read(name).AsSpan().TrimEnd("\r\n "u8);
        for (var length = 0; length < json.Length; length++)
        {
            Transcoding.Refused(Signal.Traces, json[..length]);
        }
    }

    [Fact]
    public void No_mutation_throws_and_what_is_read_is_a_request()
    {
        var random = new Random(1);
        var read = 0;
        for (var i = 0; i < 3000; i++)
        {
            var signal = (Signal)(i % 3);
            var json = Encoding.UTF8.GetBytes(Transcoding.Json(signal, new RandomRequests(i % 60).Next(signal)));
            for (var count = random.Next(1, 4); count > 0 && json.Length > 0; count--)
            {
                json = Mutated(json, random);
            }

            var request = new ArrayBufferWriter<byte>();
            if (OtlpJson.TryRead(signal, json, request, out var error))
            {
                read++;
                CapturedPayloads.ParserFor(signal).ParseFrom(request.WrittenSpan);
            }
            else
            {
                Assert.NotEmpty(error.Message);
                Assert.InRange(error.ByteOffset, 0, json.Length);
            }
        }

        // Both ways are taken: many a mutation only changes a text or an unknown name.
        Assert.InRange(read, 200, 2800);
    }

    private static byte[] Mutated(byte[] json, Random random)
    {
        const string Bytes = "{}[]\",:\\u0e-1.ntf\u0000\u0080\u00c3\u00ff ";
        var at = random.Next(json.Length);
        switch (random.Next(4))
        {
            case 0:
                return [.. json[..at], .. json[(at + 1)..]];

            case 1:
                return [.. json[..at], (byte)Bytes[random.Next(Bytes.Length)], .. json[at..]];

            case 2:
                // A piece moved elsewhere: names under wrong parents, values of wrong types.
                var end = Math.Min(json.Length, at + random.Next(40));
                var to = random.Next(json.Length);
                return [.. json[..to], .. json[at..end], .. json[to..]];

            default:
                var copy = (byte[])json.Clone();
                copy[at] = (byte)Bytes[random.Next(Bytes.Length)];
                return copy;
        }
    }

    private static Span SpanOf(string fields) => Assert.Single(Spans("{" + fields + "}"));

    private static RepeatedField<Span> Spans(string span) =>
        ((ExportTraceServiceRequest)Transcoding.Request(Signal.Traces, $$"""{"resourceSpans":[{"scopeSpans":[{"spans":[{{span}}]}]}]}""")).ResourceSpans[0].ScopeSpans[0].Spans;

    private static AnyValue Value(string json) => Assert.Single(SpanOf($$"""  "attributes":[{"key":"k","value":{{json}}}]  """).Attributes).Value;

    private static string NestedLists(int depth)
    {
        var value = "{}";
        for (var i = 1; i < depth; i++)
        {
            value = $$$"""{"arrayValue":{"values":[{{{value}}}]}}""";
        }

        return LogOf(value);
    }

    private static string NestedMaps(int depth)
    {
        var value = "{}";
        for (var i = 1; i < depth; i++)
        {
            value = $$$"""{"kvlistValue":{"values":[{"value":{{{value}}}}]}}""";
        }

        return LogOf(value);
    }

    private static string LogOf(string body) => $$$"""{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{{{body}}}}]}]}]}""";

    private static ExportLogsServiceRequest ParseDeep(byte[] request)
    {
        using var stream = new MemoryStream(request);
        using var input = CodedInputStream.CreateWithLimits(stream, int.MaxValue, recursionLimit: 1000);
        return ExportLogsServiceRequest.Parser.ParseFrom(input);
    }
}
