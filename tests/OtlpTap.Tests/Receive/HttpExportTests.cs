using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Receive;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Receive;

/// <summary>What the OTLP specification asks of a server that speaks OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/, "OTLP/HTTP").</summary>
public sealed class HttpExportTests
{
    private const string Protobuf = "application/x-protobuf";
    private const string Json = "application/json";

    private static readonly byte[] OneSpan = new TraceBuilder().Span("chat model").ToBytes();

    [Theory]
    [InlineData(1, "/v1/traces", nameof(Signal.Traces))]
    [InlineData(2, "/v1/traces", nameof(Signal.Traces))]
    [InlineData(1, "/v1/logs", nameof(Signal.Logs))]
    [InlineData(2, "/v1/metrics", nameof(Signal.Metrics))]
    public async Task A_protobuf_request_goes_on_as_the_same_bytes(int version, string path, string signal)
    {
        await using var edge = await HttpEdge.StartAsync();
        byte[] message = signal == nameof(Signal.Traces) ? OneSpan : [0x0a, 0x00];

        using var response = await edge.PostAsync(message, path: path, version: version);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(Protobuf, response.Content.Headers.ContentType!.ToString());
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        var exported = Assert.Single(edge.Exported);
        Assert.Equal((Enum.Parse<Signal>(signal), message), (exported.Signal, exported.Message), new BytesComparer());
    }

    [Theory]
    [InlineData("application/x-protobuf", "application/x-protobuf")]
    [InlineData("application/protobuf", "application/protobuf")]
    [InlineData("Application/X-Protobuf; version=1", "application/x-protobuf")]
    [InlineData("application/json", "application/json")]
    [InlineData("application/json; charset=utf-8", "application/json")]
    [InlineData("application/json;charset=UTF-8", "application/json")]
    public async Task The_answer_has_the_type_of_the_request(string sent, string answered)
    {
        await using var edge = await HttpEdge.StartAsync();
        var isJson = answered == Json;

        using var success = await edge.PostAsync(isJson ? "{}"u8.ToArray() : OneSpan, sent);
        using var failure = await edge.PostAsync(isJson ? "nonsense"u8.ToArray() : [0xff], sent);

        Assert.Equal((HttpStatusCode.OK, answered), (success.StatusCode, success.Content.Headers.ContentType!.ToString()));
        Assert.Equal((HttpStatusCode.BadRequest, answered), (failure.StatusCode, failure.Content.Headers.ContentType!.ToString()));
        Assert.Equal(isJson ? "{}" : "", await success.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(3, (await StatusOf(failure)).GetProperty("code").GetInt32());
    }

    [Theory]
    [InlineData("text/plain", 415)]
    [InlineData("application/x-protobufs", 415)]
    [InlineData("", 415)]
    public async Task Another_content_type_is_415_in_JSON(string contentType, int expected)
    {
        await using var edge = await HttpEdge.StartAsync();

        using var response = await edge.PostAsync(OneSpan, contentType);

        Assert.Equal(expected, (int)response.StatusCode);
        Assert.Equal(Json, response.Content.Headers.ContentType!.ToString());
        Assert.Contains("application/x-protobuf", (await JsonOf(response)).GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, edge.Metric("""otlptap_refused_requests_total{signal="traces",reason="unsupported"}"""));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("OPTIONS")]
    public async Task Another_method_is_405_with_the_one_that_is_taken(string method)
    {
        await using var edge = await HttpEdge.StartAsync();

        using var response = await edge.PostAsync(null, method: method);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal(["POST"], response.Content.Headers.Allow);
        Assert.Equal(12, (await JsonOf(response)).GetProperty("code").GetInt32());
    }

    [Theory]
    [InlineData("/", Json)]
    [InlineData("/v1/traces/", Protobuf)]
    [InlineData("/V1/traces", Protobuf)]
    [InlineData("/v1/profiles", Json)]
    [InlineData("/otlp/v1/traces", Protobuf)]
    [InlineData("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc")]
    public async Task Another_path_is_404_with_a_Status_in_the_type_of_the_request(string path, string contentType)
    {
        await using var edge = await HttpEdge.StartAsync();

        using var response = await edge.PostAsync(OneSpan, contentType, path: path);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal(contentType == Protobuf ? Protobuf : Json, response.Content.Headers.ContentType!.ToString());
        Assert.Equal(12, (await StatusOf(response)).GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task A_signal_without_a_pipeline_is_404()
    {
        await using var edge = await HttpEdge.StartAsync(without: Signal.Logs);

        using var response = await edge.PostAsync([], path: "/v1/logs");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Theory]
    [InlineData("/ingest", 200)]
    [InlineData("/api/public/otel/v1/metrics", 200)]
    [InlineData("/otlp/v1/metrics", 200)]
    [InlineData("/other/v1/metrics", 404)]
    [InlineData("/v1/metrics", 200)]
    [InlineData("/v1/traces", 404)]
    [InlineData("/otlp/ingest", 200)]
    public async Task Paths_and_prefixes_can_be_configured(string path, int expected)
    {
        await using var edge = await HttpEdge.StartAsync(new HttpReceiveOptions { Paths = new HttpPaths { Traces = "/ingest", Prefixes = ["/api/public/otel", "/otlp/"] } });

        using var response = await edge.PostAsync([], path: path);

        Assert.Equal(expected, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("/anything/at/all/v1/logs", 200)]
    [InlineData("/v1/logs", 200)]
    [InlineData("/anything/v1/logs/", 404)]
    [InlineData("/anything", 404)]
    public async Task A_star_stands_for_any_prefix(string path, int expected)
    {
        await using var edge = await HttpEdge.StartAsync(new HttpReceiveOptions { Paths = new HttpPaths { Prefixes = ["*"] } });

        using var response = await edge.PostAsync([], path: path);

        Assert.Equal(expected, (int)response.StatusCode);
    }

    [Theory]
    [InlineData(Protobuf, "", 200)]
    [InlineData(Json, "{}", 200)]
    [InlineData(Json, "", 400)]
    [InlineData(Json, "[]", 400)]
    [InlineData(Json, "null", 400)]
    public async Task An_empty_request_succeeds(string contentType, string body, int expected)
    {
        await using var edge = await HttpEdge.StartAsync();

        using var response = await edge.PostAsync(Encoding.UTF8.GetBytes(body), contentType);

        Assert.Equal(expected, (int)response.StatusCode);
        Assert.Equal(contentType, response.Content.Headers.ContentType!.ToString());
    }

    [Fact]
    public async Task JSON_becomes_the_protobuf_that_it_means()
    {
        // Ids of either case, integers as numbers and as strings, an enum by number, names that nobody knows.
        const string Text = """
            {"resourceSpans":[{"unknown":{"a":[1,{"b":null}]},"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"agent"}},{"key":"n","value":{"intValue":9007199254740993}}]},
            "scopeSpans":[{"scope":{"name":"lib"},"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","parentSpanId":"","name":"chat","startTimeUnixNano":"1544712660000000000",
            "endTimeUnixNano":1544712661000000000,"kind":2,"status":{"code":2,"message":"gr\u00fc\u00dfe"},"attributes":[{"key":"k","value":{"intValue":"42"}},{"key":"list","value":{"arrayValue":{"values":[{"boolValue":true},{}]}}}]}]}]}],"later":1}
            """;
        await using var edge = await HttpEdge.StartAsync();

        using var response = await edge.PostAsync(Encoding.UTF8.GetBytes(Text), Json);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var request = ExportTraceServiceRequest.Parser.ParseFrom(Assert.Single(edge.Exported).Message);
        var resource = Assert.Single(request.ResourceSpans);
        Assert.Equal(9007199254740993, resource.Resource.Attributes[1].Value.IntValue);
        var span = Assert.Single(Assert.Single(resource.ScopeSpans).Spans);
        Assert.Equal("5b8efff798038103d269b633813fc60c", Convert.ToHexStringLower(span.TraceId.Span));
        Assert.Equal("eee19b7ec3c1b174", Convert.ToHexStringLower(span.SpanId.Span));
        Assert.Equal((1544712660000000000ul, 1544712661000000000ul), (span.StartTimeUnixNano, span.EndTimeUnixNano));
        Assert.Equal(("chat", OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind.Server, "grüße", 42L), (span.Name, span.Kind, span.Status.Message, span.Attributes[0].Value.IntValue));
        Assert.Equal(2, span.Attributes[1].Value.ArrayValue.Values.Count);
    }

    [Fact]
    public async Task JSON_of_many_blocks_arrives_whole()
    {
        await using var edge = await HttpEdge.StartAsync();
        var body = new string('x', 500_000);

        using var response = await edge.PostAsync(Encoding.UTF8.GetBytes($$$"""{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"{{{body}}}"}}]}]}]}"""), Json, path: "/v1/logs");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(body, ExportLogsServiceRequest.Parser.ParseFrom(Assert.Single(edge.Exported).Message).ResourceLogs[0].ScopeLogs[0].LogRecords[0].Body.StringValue);
    }

    [Theory]
    [InlineData("""{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}""", "resourceSpans[0].scopeSpans[0].spans[0].traceId", "not hexadecimal digits, two for each byte at byte 54")]
    [InlineData("""{"resourceSpans":{}}""", "resourceSpans", "expected an array, found an object at byte 17")]
    [InlineData("""{"resourceSpans":[""", "", "at byte 18")]
    [InlineData("""{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER"}]}]}]}""", "resourceSpans[0].scopeSpans[0].spans[0].kind", "names are not part of OTLP/JSON")]
    public async Task Bad_JSON_is_400_with_the_place_and_the_reason(string text, string field, string description)
    {
        await using var edge = await HttpEdge.StartAsync();

        using var response = await edge.PostAsync(Encoding.UTF8.GetBytes(text), Json);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var status = await JsonOf(response);
        Assert.Equal(3, status.GetProperty("code").GetInt32());
        var detail = Assert.Single(status.GetProperty("details").EnumerateArray());
        Assert.Equal("type.googleapis.com/google.rpc.BadRequest", detail.GetProperty("@type").GetString());
        var violation = Assert.Single(detail.GetProperty("fieldViolations").EnumerateArray());
        Assert.Equal(field, violation.TryGetProperty("field", out var named) ? named.GetString() : "");
        Assert.Contains(description, violation.GetProperty("description").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, edge.Metric("""otlptap_refused_requests_total{signal="traces",reason="malformed"}"""));
    }

    [Fact]
    public async Task Bad_protobuf_is_400_with_the_place_and_the_reason()
    {
        await using var edge = await HttpEdge.StartAsync();

        using var response = await edge.PostAsync([0x0a, 0x05, 0x12]);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var status = await StatusOf(response);
        Assert.Equal(3, status.GetProperty("code").GetInt32());
        var violation = Assert.Single(Assert.Single(status.GetProperty("details").EnumerateArray()).GetProperty("fieldViolations").EnumerateArray());
        Assert.NotEmpty(violation.GetProperty("description").GetString()!);
    }

    [Theory]
    [InlineData(Signal.Traces, "/v1/traces", "rejectedSpans")]
    [InlineData(Signal.Logs, "/v1/logs", "rejectedLogRecords")]
    [InlineData(Signal.Metrics, "/v1/metrics", "rejectedDataPoints")]
    internal async Task Partial_success_comes_back_in_both_forms(Signal signal, string path, string name)
    {
        await using var edge = await HttpEdge.StartAsync();
        var partial = new PartialSuccess(3, "too \"old\"");
        edge.AnswerWith(new ExportReply(StatusCode.OK, "", partial.ToResponse(), []));

        using var protobuf = await edge.PostAsync([0x0a, 0x00], path: path);
        using var json = await edge.PostAsync(Encoding.UTF8.GetBytes($$"""{"resource{{(signal == Signal.Traces ? "Spans" : signal.ToString())}}":[{}]}"""), Json, path: path);

        Assert.Equal(partial.ToResponse(), await protobuf.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        var read = (await JsonOf(json)).GetProperty("partialSuccess");
        Assert.Equal(("3", "too \"old\""), (read.GetProperty(name).GetString(), read.GetProperty("errorMessage").GetString()));
    }

    [Fact]
    public async Task A_response_of_more_than_4_MiB_is_shortened_in_both_forms()
    {
        await using var edge = await HttpEdge.StartAsync();
        edge.AnswerWith(new ExportReply(StatusCode.OK, "", new PartialSuccess(1, new string('\u0001', 5 << 20)).ToResponse(), []));

        using var protobuf = await edge.PostAsync([0x0a, 0x00]);
        using var json = await edge.PostAsync("""{"resourceSpans":[{}]}"""u8.ToArray(), Json);

        Assert.True(PartialSuccess.TryRead(await protobuf.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken), out var partial));
        Assert.Equal((1, true), (partial.Rejected, partial.Message.Length > 3 << 20));
        Assert.InRange(json.Content.Headers.ContentLength!.Value, 3 << 20, 4 << 20);
        Assert.Equal("1", (await JsonOf(json)).GetProperty("partialSuccess").GetProperty("rejectedSpans").GetString());
    }

    [Fact]
    public async Task An_upstreams_refusal_comes_back_with_its_details_and_Retry_After()
    {
        await using var edge = await HttpEdge.StartAsync();
        var details = StatusDetails.RetryInfo(StatusCode.Unavailable, "later", TimeSpan.FromSeconds(6.2));
        edge.AnswerWith(new ExportReply(StatusCode.Unavailable, "later", default, [StatusDetails.Trailer(details)]));

        using var protobuf = await edge.PostAsync(OneSpan);
        using var json = await edge.PostAsync("""{"resourceSpans":[{}]}"""u8.ToArray(), Json);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, protobuf.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(7), protobuf.Headers.RetryAfter!.Delta);
        Assert.Equal(details, await protobuf.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal(TimeSpan.FromSeconds(7), json.Headers.RetryAfter!.Delta);
        Assert.Equal(
            """{"code":14,"message":"later","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"6.2s"}]}""",
            await json.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(2, edge.Metric("""otlptap_replies_total{signal="traces",code="UNAVAILABLE"}"""));
    }

    [Fact]
    public async Task Headers_that_are_configured_stand_on_every_answer_and_those_of_the_tenant_travel_on()
    {
        await using var edge = await HttpEdge.StartAsync(new HttpReceiveOptions { ResponseHeaders = [("x-served-by", "tap")] });
        using var request = edge.Request(OneSpan);
        request.Headers.Add("X-Scope-OrgID", "tenant");

        using var success = await edge.Client.SendAsync(request, Deadline.Token());
        using var failure = await edge.PostAsync([0xff]);
        using var unknown = await edge.PostAsync(null, path: "/", method: "GET");

        Assert.All([success, failure, unknown], response => Assert.Equal(["tap"], response.Headers.GetValues("x-served-by")));
        Assert.Equal([("x-scope-orgid", "tenant")], Assert.Single(edge.Exported).Metadata);
    }

    [Fact]
    public async Task Requests_replies_and_bytes_are_counted_as_over_gRPC()
    {
        await using var edge = await HttpEdge.StartAsync();

        using var plain = await edge.PostAsync(OneSpan);
        using var compressed = await edge.PostAsync(HttpEdge.Gzip(OneSpan), encoding: "gzip");

        Assert.Equal(2, edge.Metric("""otlptap_received_requests_total{signal="traces"}"""));
        Assert.Equal(2 * OneSpan.Length, edge.Metric("""otlptap_received_bytes_total{signal="traces"}"""));
        Assert.Equal(2, edge.Metric("""otlptap_received_items_total{signal="traces"}"""));
        Assert.Equal(2, edge.Metric("""otlptap_replies_total{signal="traces",code="OK"}"""));
        Assert.Equal(2, edge.Metric("""otelcol_receiver_accepted_spans_total{receiver="otlp",transport="http"}"""));
    }

    private static async Task<JsonElement> JsonOf(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;

    /// <summary>The Status of an answer in either form.</summary>
    private static async Task<JsonElement> StatusOf(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsByteArrayAsync();
        if (response.Content.Headers.ContentType!.MediaType == Json)
        {
            return JsonDocument.Parse(body).RootElement;
        }

        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            StatusJson.Write(body, json);
        }

        return JsonDocument.Parse(buffer.ToArray()).RootElement;
    }

    private sealed class BytesComparer : IEqualityComparer<(Signal Signal, byte[] Message)>
    {
        public bool Equals((Signal Signal, byte[] Message) x, (Signal Signal, byte[] Message) y) => x.Signal == y.Signal && x.Message.AsSpan().SequenceEqual(y.Message);

        public int GetHashCode((Signal Signal, byte[] Message) value) => value.Signal.GetHashCode();
    }
}
