using System.Text;
using Grpc.Core;
using OtlpTap.Forward;
using OtlpTap.Forward.OtlpHttp;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.OtlpHttp;

public sealed class OtlpHttpReplyTests
{
    private static readonly UpstreamEndpoint Endpoint = new("loki", 3100, UseTls: false);

    [Theory]
    [InlineData(301, StatusCode.Unknown, false)]
    [InlineData(307, StatusCode.Unknown, false)]
    [InlineData(400, StatusCode.InvalidArgument, false)]
    [InlineData(401, StatusCode.Unauthenticated, false)]
    [InlineData(403, StatusCode.PermissionDenied, false)]
    [InlineData(404, StatusCode.Unimplemented, false)]
    [InlineData(405, StatusCode.Unimplemented, false)]
    [InlineData(408, StatusCode.Unknown, false)]
    [InlineData(413, StatusCode.ResourceExhausted, false)]
    [InlineData(415, StatusCode.Unimplemented, false)]
    [InlineData(422, StatusCode.Unknown, false)]
    [InlineData(429, StatusCode.ResourceExhausted, true)]
    [InlineData(500, StatusCode.Internal, false)]
    [InlineData(501, StatusCode.Unimplemented, false)]
    [InlineData(502, StatusCode.Unavailable, true)]
    [InlineData(503, StatusCode.Unavailable, true)]
    [InlineData(504, StatusCode.Unavailable, true)]
    [InlineData(599, StatusCode.Unknown, false)]
    public void An_HTTP_status_becomes_the_gRPC_code_that_is_retried_exactly_when_HTTP_says_so(int httpStatus, StatusCode code, bool isRetryable)
    {
        var reply = Read(httpStatus, null, []).Reply;

        Assert.Equal((code, httpStatus), (reply.Status, reply.HttpStatus));
        Assert.Equal($"upstream loki:3100: answered HTTP {httpStatus}", reply.Message);
        Assert.Equal(isRetryable, FailureKind.IsRetryable(reply));
    }

    [Theory]
    [InlineData(200, null, "")]
    [InlineData(200, "application/x-protobuf", "")]
    [InlineData(200, "application/json", "{}")]
    [InlineData(200, "application/json", """{"partialSuccess":{}}""")]
    [InlineData(200, "application/json", """{"partialSuccess":null}""")]
    [InlineData(200, "text/html", "<html>")]
    [InlineData(202, "text/plain", "ok")]
    [InlineData(204, null, "")]
    public void Success_is_success_whatever_else_the_body_may_be(int httpStatus, string? type, string body) =>
        Assert.Equal(UpstreamAnswer.Accepted, Read(httpStatus, type, Encoding.UTF8.GetBytes(body)));

    [Theory]
    [InlineData("""{"partialSuccess":{"rejectedSpans":"7","errorMessage":"too old"}}""")]
    [InlineData("""{"partialSuccess":{"rejectedLogRecords":7,"errorMessage":"too old","other":[1]}}""")]
    [InlineData("""{"partialSuccess":{"rejectedDataPoints":"7","errorMessage":"too old"},"more":{}}""")]
    public void A_partial_success_in_JSON_is_passed_on(string body)
    {
        var answer = Read(200, "application/json", Encoding.UTF8.GetBytes(body));

        Assert.Equal((UpstreamOutcome.Answered, StatusCode.OK), (answer.Outcome, answer.Reply.Status));
        Assert.True(PartialSuccess.TryRead(answer.Reply.Body.Span, out var partial));
        Assert.Equal(new PartialSuccess(7, "too old"), partial);
    }

    [Fact]
    public void A_partial_success_in_protobuf_is_passed_on_byte_for_byte()
    {
        byte[] body = [0x0A, 0x04, 0x12, 0x00, 0x08, 0x07];

        Assert.Equal(body, Read(200, "application/x-protobuf", body).Reply.Body.ToArray());
    }

    [Theory]
    [InlineData("application/x-protobuf", "\u000a\u0009x")]
    [InlineData("application/json", "{")]
    [InlineData("application/json", "[]")]
    [InlineData("application/json", """{"partialSuccess":3}""")]
    [InlineData("application/json", """{"partialSuccess":{"rejectedSpans":"many"}}""")]
    [InlineData("application/json", """{"partialSuccess":{"rejectedSpans":true}}""")]
    public void A_response_that_is_no_message_may_not_be_taken_for_full_success(string type, string body)
    {
        var answer = Read(200, type, Encoding.UTF8.GetBytes(body));

        Assert.Equal((UpstreamOutcome.Malformed, StatusCode.Internal), (answer.Outcome, answer.Reply.Status));
    }

    [Fact]
    public void The_message_and_details_of_a_protobuf_status_are_the_upstreams()
    {
        var status = StatusDetails.BadRequest(StatusCode.InvalidArgument, "bad span", "resource_spans[0]", "no id");

        var answer = Read(400, "application/x-protobuf", status);

        Assert.Equal((UpstreamOutcome.Answered, StatusCode.InvalidArgument, "bad span"), (answer.Outcome, answer.Reply.Status, answer.Reply.Message));
        Assert.True(StatusDetails.TryReadTrailer(Assert.Single(answer.Reply.Trailers.ToArray()).Value, out var details));
        Assert.Equal(status, details);
    }

    [Fact]
    public void The_message_and_details_of_a_JSON_status_are_the_upstreams()
    {
        var body = """
            {"code": 14, "message": "busy", "details": [
              {"@type": "type.googleapis.com/google.rpc.Unknown", "x": {}},
              {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"},
              {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "f", "description": "d"}]}]}
            """u8;

        var answer = Read(503, "application/json", body);

        Assert.Equal((StatusCode.Unavailable, "busy"), (answer.Reply.Status, answer.Reply.Message));
        Assert.Equal(TimeSpan.FromSeconds(2.5), RetryDelay(answer.Reply));
        Assert.True(StatusDetails.TryReadTrailer(answer.Reply.Trailers[0].Value, out var details));
        var text = Encoding.Latin1.GetString(details);
        Assert.Contains("type.googleapis.com/google.rpc.RetryInfo", text, StringComparison.Ordinal);
        Assert.Contains("type.googleapis.com/google.rpc.BadRequest", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(503, (int)StatusCode.Aborted, StatusCode.Aborted)]
    [InlineData(503, (int)StatusCode.InvalidArgument, StatusCode.Unavailable)]
    [InlineData(503, 0, StatusCode.Unavailable)]
    [InlineData(503, 99, StatusCode.Unavailable)]
    [InlineData(503, -1, StatusCode.Unavailable)]
    [InlineData(400, (int)StatusCode.FailedPrecondition, StatusCode.FailedPrecondition)]
    [InlineData(400, (int)StatusCode.Unavailable, StatusCode.InvalidArgument)]
    [InlineData(500, (int)StatusCode.DataLoss, StatusCode.Internal)]
    [InlineData(429, (int)StatusCode.Unavailable, StatusCode.ResourceExhausted)]
    public void The_code_in_the_body_counts_where_it_does_not_contradict_HTTP(int httpStatus, int codeInBody, StatusCode code)
    {
        var body = Encoding.UTF8.GetBytes($$"""{"code": {{codeInBody}}, "message": "m"}""");

        Assert.Equal(code, Read(httpStatus, "application/json", body).Reply.Status);
    }

    [Fact]
    public void Retry_After_becomes_a_RetryInfo_beside_the_details_that_are_there()
    {
        var body = StatusDetails.BadRequest(StatusCode.Unavailable, "busy", "some.field", "some description");

        var reply = Read(503, "application/x-protobuf", body, TimeSpan.FromSeconds(7)).Reply;

        Assert.Equal(TimeSpan.FromSeconds(7), RetryDelay(reply));
        Assert.True(StatusDetails.TryReadTrailer(reply.Trailers[0].Value, out var details));
        Assert.True(RpcStatus.TryRead(details, out var status));
        Assert.Equal((14, "busy"), (status.Code, status.Message));
        Assert.True(details.AsSpan().StartsWith(body));
    }

    /// <summary>As Loki answers since 3.4: no code, and Go's guess at the type.</summary>
    [Theory]
    [InlineData(400, StatusCode.InvalidArgument)]
    [InlineData(429, StatusCode.ResourceExhausted)]
    [InlineData(503, StatusCode.Unavailable)]
    public void A_status_whose_type_nobody_named_is_one_all_the_same(int httpStatus, StatusCode code)
    {
        var said = "entry for stream has timestamp too old: " + new string('x', 3000);

        var answer = Read(httpStatus, "application/octet-stream", WireBytes.Field(2, said));

        Assert.Equal((UpstreamOutcome.Answered, code, said), (answer.Outcome, answer.Reply.Status, answer.Reply.Message));
    }

    [Fact]
    public void What_is_of_no_type_and_no_status_is_text()
    {
        Assert.Equal("no such page", Read(400, "application/octet-stream", "no such page"u8).Reply.Message);
        Assert.Equal(UpstreamAnswer.Accepted, Read(200, "application/octet-stream", "\n\u0009x"u8));
    }

    [Fact]
    public void Too_many_requests_without_Retry_After_is_retryable_all_the_same()
    {
        var reply = Read(429, "text/plain", "ingestion rate limit exceeded"u8).Reply;

        Assert.Equal(("ingestion rate limit exceeded", true), (reply.Message, FailureKind.IsRetryable(reply)));
        Assert.True(RetryDelay(reply) > TimeSpan.Zero);
    }

    [Theory]
    [InlineData(6.2, 7, 6.2)]
    [InlineData(6.2, 30, 30)]
    [InlineData(6.2, 1, 6.2)]
    public void Of_a_header_and_a_RetryInfo_the_longer_time_counts_unless_it_is_the_same_rounded(double inBody, int inHeader, double expected)
    {
        var reply = Read(503, "application/x-protobuf", StatusDetails.RetryInfo(StatusCode.Unavailable, "later", TimeSpan.FromSeconds(inBody)), TimeSpan.FromSeconds(inHeader)).Reply;

        Assert.True(FailureKind.TryGetRetryDelay(reply, out var delay));
        Assert.Equal(TimeSpan.FromSeconds(expected), delay);
        Assert.Equal("later", reply.Message);
    }

    [Fact]
    public void A_RetryInfo_behind_a_final_status_asks_for_nothing()
    {
        var reply = Read(413, "application/x-protobuf", StatusDetails.RetryInfo(StatusCode.ResourceExhausted, "too large", TimeSpan.FromSeconds(1)), TimeSpan.FromSeconds(1)).Reply;

        Assert.Equal((StatusCode.ResourceExhausted, "too large", false), (reply.Status, reply.Message, FailureKind.IsRetryable(reply)));
    }

    [Fact]
    public void Of_a_body_in_text_the_beginning_is_the_message_without_control_characters()
    {
        var answer = Read(400, "text/plain; x", Encoding.UTF8.GetBytes("entry too far behind\r\n\u0007" + new string('x', 5000)));

        Assert.Equal(UpstreamOutcome.Answered, answer.Outcome);
        Assert.StartsWith("entry too far behind   xxx", answer.Reply.Message, StringComparison.Ordinal);
        Assert.Equal(OtlpHttpReply.TextBytesMax, answer.Reply.Message.Length);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(302)]
    [InlineData(502)]
    [InlineData(500)]
    public void What_another_kind_of_server_or_something_in_between_says_does_not_make_the_upstream_reachable(int httpStatus) =>
        Assert.Equal(UpstreamOutcome.NotGrpc, Read(httpStatus, "text/html", "<html>"u8).Outcome);

    [Fact]
    public void Any_bytes_at_all_are_read_without_an_exception()
    {
        var random = new Random(7);
        var seeds = new[] { StatusDetails.RetryInfo(StatusCode.Unavailable, "m", TimeSpan.FromSeconds(1)), """{"code":3,"message":"\ud800","details":[{"@type":"a/google.rpc.RetryInfo","retryDelay":"-1e999s"},7]}"""u8.ToArray(), """{"partialSuccess":{"rejectedSpans":"1"}}"""u8.ToArray() };
        for (var i = 0; i < 3000; i++)
        {
            var body = seeds[i % seeds.Length].ToArray();
            for (var k = random.Next(4); k > 0; k--)
            {
                body[random.Next(body.Length)] = (byte)random.Next(256);
            }

            foreach (var httpStatus in new[] { 200, 400, 429, 503 })
            {
                Assert.NotNull(Read(httpStatus, i % 2 == 0 ? "application/json" : "application/x-protobuf", body).Reply);
            }
        }
    }

    private static UpstreamAnswer Read(int httpStatus, string? type, ReadOnlySpan<byte> body, TimeSpan? retryAfter = null) =>
        OtlpHttpReply.Read(Endpoint, httpStatus, type, body, retryAfter);

    private static TimeSpan RetryDelay(ExportReply reply)
    {
        Assert.True(FailureKind.TryGetRetryDelay(reply, out var delay));
        return delay;
    }
}
