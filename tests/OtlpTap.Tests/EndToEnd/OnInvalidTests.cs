using Google.Protobuf;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.EndToEnd.Conformance;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Validate;

namespace OtlpTap.Tests.EndToEnd;

/// <summary><c>on_invalid</c> of the configuration, from a sender in each form of OTLP to the upstream and back.</summary>
public sealed class OnInvalidTests
{
    public static TheoryData<Protocol, string> EachProtocolAndSignal => ConformanceTests.EachProtocolAndSignal;

    public static TheoryData<Protocol> EachProtocol => ConformanceTests.EachProtocol;

    [Theory]
    [MemberData(nameof(EachProtocolAndSignal))]
    public async Task By_default_everything_goes_on_as_it_came(Protocol protocol, string name)
    {
        var signal = Enum.Parse<Signal>(name);
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var sender = new Sender(tap, protocol);
        var request = Invalid.OneOfTwo(signal);

        Assert.Null((await sender.ExportAsync(signal, request)).Partial);

        Assert.Equal(request, Assert.Single(upstream.Calls).Message);
    }

    [Theory]
    [MemberData(nameof(EachProtocolAndSignal))]
    public async Task Rejected_items_come_back_with_the_reason_beside_what_the_upstream_rejects(Protocol protocol, string name)
    {
        var signal = Enum.Parse<Signal>(name);
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, tap: "on_invalid: reject_item");
        using var sender = new Sender(tap, protocol);
        upstream.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: new PartialSuccess(1, "too old").ToResponse());

        var partial = (await sender.ExportAsync(signal, Invalid.OneOfTwo(signal))).Partial!.Value;

        Assert.Equal(2, partial.Rejected);
        Assert.StartsWith("1 of 2 ", partial.Message, StringComparison.Ordinal);
        Assert.EndsWith("; too old", partial.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    public async Task Where_no_item_is_left_nothing_is_forwarded(Protocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, tap: "on_invalid: reject_item");
        using var sender = new Sender(tap, protocol);
        var builder = new TraceBuilder().Span("wrong");
        builder.LastSpan.TraceId = ByteString.Empty;

        Assert.Equal(1, (await sender.ExportAsync(Signal.Traces, builder.ToBytes())).Partial!.Value.Rejected);

        Assert.Empty(upstream.Calls);
        Assert.Equal(1, await tap.MetricAsync($$"""otelcol_receiver_refused_spans_total{receiver="otlp",transport="{{(protocol == Protocol.Grpc ? "grpc" : "http")}}"}"""));
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    public async Task An_error_of_the_upstream_comes_back_as_it_is_although_items_were_rejected(Protocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, tap: "on_invalid: reject_item");
        using var sender = new Sender(tap, protocol);
        upstream.Answer = (context, _) => StubUpstream.RefuseAsync(context, StatusCode.Unavailable, "away");

        var refused = await sender.ExportAsync(Signal.Traces, Invalid.OneOfTwo(Signal.Traces));

        Assert.Equal((true, "away"), (refused.IsRetryable, refused.Details!.Value.Message));
    }

    [Theory]
    [InlineData(Protocol.Grpc)]
    [InlineData(Protocol.HttpProtobuf)]
    public async Task Text_that_is_not_UTF_8_is_mended_and_told_as_a_warning(Protocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, tap: "on_invalid: repair");
        using var sender = new Sender(tap, protocol);
        var broken = ValidityOracle.Broken(new TraceBuilder().Span("chat", ("text", ValidityOracle.Marker)).ToBytes());
        Assert.Throws<InvalidProtocolBufferException>(() => ExportTraceServiceRequest.Parser.ParseFrom(broken));

        var partial = (await sender.ExportAsync(Signal.Traces, broken)).Partial!.Value;

        Assert.Equal(0, partial.Rejected);
        Assert.NotEmpty(partial.Message);
        var span = Assert.Single(ExportTraceServiceRequest.Parser.ParseFrom(Assert.Single(upstream.Calls).Message).ResourceSpans[0].ScopeSpans[0].Spans);
        Assert.Contains('\ufffd', Assert.Single(span.Attributes).Value.StringValue);
    }

    // JSON that is not UTF-8 is no JSON, so that the edge has mended it before any policy is asked.
    [Fact]
    public async Task In_JSON_text_that_is_not_UTF_8_is_mended_whatever_the_policy()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, tap: "on_invalid: reject_item");
        using var sender = new Sender(tap, Protocol.HttpJson);

        Assert.Null((await sender.SendAsync([.. """{"resourceSpans":[{"schemaUrl":"a"""u8, 0xff, .. "\"}]}"u8])).Partial);

        Assert.Equal("a\ufffd", Assert.Single(ExportTraceServiceRequest.Parser.ParseFrom(Assert.Single(upstream.Calls).Message).ResourceSpans).SchemaUrl);
    }
}
