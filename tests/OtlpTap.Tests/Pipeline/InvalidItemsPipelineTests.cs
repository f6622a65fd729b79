using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Pipeline;
using OtlpTap.Scan;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Metrics;
using OtlpTap.Tests.Validate;
using OtlpTap.Validate;

namespace OtlpTap.Tests.Pipeline;

using OtlpTap.Tee;
using Tee = OtlpTap.Tee.Tee;

/// <summary>What of a request with invalid items goes on, to whom, and what its sender is told.</summary>
public sealed class InvalidItemsPipelineTests : IAsyncDisposable
{
    private readonly ScriptedTransport _transport = new();
    private readonly ForwardSetup _setup;
    private readonly TapMetrics _metrics = new("1.2.3", TimeProvider.System);
    private readonly Tee _tee;
    private readonly FakeTimeProvider _time = new();

    public InvalidItemsPipelineTests()
    {
        _setup = ForwardSetup.Scripted(_transport);
        _tee = new Tee(new TeeOptions(), _metrics.Tee, _time);
    }

    public async ValueTask DisposeAsync()
    {
        while (_tee.Reader.TryRead(out var item))
        {
            item.Payload.Release();
        }

        await _setup.DisposeAsync();
    }

    [Fact]
    public async Task The_rest_goes_on_to_the_upstream_and_the_tee_and_the_sender_is_told_what_did_not()
    {
        var request = OneOfThreeInvalid();
        var answer = Send(OnInvalid.RejectItem, request.ToBytes(), out var items);
        var call = await _transport.TakeAsync();
        call.Succeed();

        var told = await ToldAsync(answer);
        Assert.Equal(new PartialSuccess(1, "1 of 3 spans rejected: resource_spans[0].scope_spans[0].spans[1]: trace_id is missing"), told);
        Assert.Equal(new ReceivedItems(3, 1), items);
        request.Request.ResourceSpans[0].ScopeSpans[0].Spans.RemoveAt(1);
        Assert.Equal(request.ToBytes(), call.Message);
        Assert.True(_tee.Reader.TryRead(out var teed));
        Assert.Equal(request.ToBytes(), teed.Payload.Span);
        Assert.Equal((2, 2), (teed.Payload.ItemCount, teed.Scan.ItemCount));
        teed.Payload.Release();
        Assert.Equal(1, (await Scrape.OfAsync(_metrics))["otlptap_rejected_items_total{signal=\"traces\",reason=\"trace_id\"}"]);
        Assert.Equal(3, (await Scrape.OfAsync(_metrics))["otlptap_received_items_total{signal=\"traces\"}"]);
    }

    [Fact]
    public async Task What_the_upstream_rejects_of_the_rest_is_added()
    {
        var answer = Send(OnInvalid.RejectItem, OneOfThreeInvalid().ToBytes(), out _);
        (await _transport.TakeAsync()).Reply(StatusCode.OK, body: new PartialSuccess(1, "too old").ToResponse(), trailers: new ReplyTrailer("x-hint", "7"));

        var reply = await answer;
        Assert.True(PartialSuccess.TryRead(reply.Body.Span, out var told));
        Assert.Equal(2, told.Rejected);
        Assert.EndsWith("trace_id is missing; too old", told.Message, StringComparison.Ordinal);
        Assert.Equal(new ReplyTrailer("x-hint", "7"), reply.Trailers[0]);
    }

    [Fact]
    public async Task An_error_of_the_upstream_stays_as_it_is()
    {
        var answer = Send(OnInvalid.RejectItem, OneOfThreeInvalid().ToBytes(), out _);
        (await _transport.TakeAsync()).Reply(StatusCode.PermissionDenied, "not you");

        var reply = await answer;
        Assert.Equal((StatusCode.PermissionDenied, "not you", 0), (reply.Status, reply.Message, reply.Body.Length));
    }

    [Fact]
    public async Task When_all_are_invalid_nothing_is_forwarded_or_recorded()
    {
        var builder = new TraceBuilder().Span("a");
        builder.LastSpan.SpanId = ByteString.Empty;

        var told = await ToldAsync(Send(OnInvalid.RejectItem, builder.ToBytes(), out var items));

        Assert.Equal(new PartialSuccess(1, "1 of 1 spans rejected: resource_spans[0].scope_spans[0].spans[0]: span_id is missing"), told);
        Assert.Equal(new ReceivedItems(1, 1), items);
        Assert.False(_transport.HasUntaken);
        Assert.False(_tee.Reader.TryRead(out _));
    }

    [Fact]
    public async Task A_repair_is_a_warning_and_all_items_go_on()
    {
        var builder = new TraceBuilder().Span(ValidityOracle.Marker);
        var answer = Send(OnInvalid.Repair, ValidityOracle.Broken(builder.ToBytes()), out var items);
        var call = await _transport.TakeAsync();
        call.Succeed();

        Assert.Equal(new PartialSuccess(0, "1 value repaired: resource_spans[0].scope_spans[0].spans[0]: name is not UTF-8"), await ToldAsync(answer));
        Assert.Equal(new ReceivedItems(1, 0), items);
        Assert.Equal(ValidityOracle.Repaired, ExportTraceServiceRequest.Parser.ParseFrom(call.Message).ResourceSpans[0].ScopeSpans[0].Spans[0].Name);
        Assert.Equal(1, (await Scrape.OfAsync(_metrics))["otlptap_repaired_values_total{signal=\"traces\",reason=\"not_utf8\"}"]);
    }

    [Theory]
    [InlineData("Relay")]
    [InlineData("RejectItem")]
    [InlineData("Repair")]
    public async Task A_valid_request_goes_on_as_it_came_and_its_answer_is_the_upstreams(string policy)
    {
        var bytes = new TraceBuilder().Span("a").Span("b").ToBytes();
        var answer = Send(Enum.Parse<OnInvalid>(policy), bytes, out var items);
        var call = await _transport.TakeAsync();
        call.Succeed();

        Assert.Empty((await answer).Body.ToArray());
        Assert.Equal(bytes, call.Message);
        Assert.Equal(new ReceivedItems(2, 0), items);
    }

    [Fact]
    public async Task Relayed_requests_are_not_looked_at()
    {
        var bytes = OneOfThreeInvalid().ToBytes();
        var answer = Send(OnInvalid.Relay, bytes, out var items);
        var call = await _transport.TakeAsync();
        call.Succeed();

        Assert.Empty((await answer).Body.ToArray());
        Assert.Equal(bytes, call.Message);
        Assert.Equal(new ReceivedItems(3, 0), items);
    }

    [Fact]
    public async Task A_request_with_too_many_mistakes_is_refused_for_good()
    {
        var attribute = WireBytes.Field(9, WireBytes.Field(1, [0xff]));
        var span = WireBytes.Field(2, [new TraceBuilder().Span("good").LastSpan.ToByteArray(), .. Enumerable.Repeat(attribute, Findings.EditsMax + 1)]);

        var reply = await Send(OnInvalid.Repair, WireBytes.Field(1, WireBytes.Field(2, span)), out _);

        Assert.Equal(StatusCode.InvalidArgument, reply.Status);
        Assert.Contains("more than 65536 places", reply.Message, StringComparison.Ordinal);
        Assert.False(_transport.HasUntaken);
    }

    private static TraceBuilder OneOfThreeInvalid()
    {
        var builder = new TraceBuilder().Span("first").Span("second").Span("third");
        builder.Request.ResourceSpans[0].ScopeSpans[0].Spans[1].TraceId = ByteString.Empty;
        return builder;
    }

    private static async Task<PartialSuccess> ToldAsync(Task<ExportReply> answer)
    {
        var reply = await answer;
        Assert.Equal(StatusCode.OK, reply.Status);
        Assert.True(PartialSuccess.TryRead(reply.Body.Span, out var told));
        return told;
    }

    private Task<ExportReply> Send(OnInvalid policy, byte[] request, out ReceivedItems items)
    {
        var pipeline = new ExportPipeline(
            Signal.Traces,
            new RequestScanner(OtlpTap.Rules.CompiledRules.None),
            new ScanResultPool(),
            new PayloadPool(),
            _tee,
            _setup.Forwarder,
            [],
            _metrics.Receive,
            new FailureMetrics(_metrics.Factory, []),
            policy == OnInvalid.Relay ? null : new InvalidItems(new RequestValidator(policy), _metrics.Validity));
        return pipeline.ExportAsync(_setup.Lend(request), RequestMetadata.Empty, _time.GetTimestamp(), CancellationToken.None, out items);
    }
}
