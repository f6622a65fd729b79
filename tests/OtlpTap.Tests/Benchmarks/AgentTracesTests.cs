using System.Buffers.Binary;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Benchmarks.Payloads;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;

namespace OtlpTap.Tests.Benchmarks;

public class AgentTracesTests
{
    [Theory]
    [InlineData(1, 690)]
    [InlineData(50, 66_000)]
    [InlineData(512, 676_000)]
    public void A_request_has_the_size_that_results_are_published_for(int spans, int bytes)
    {
        Assert.InRange(AgentTraces.Request(spans).CalculateSize(), bytes * 97 / 100, bytes * 103 / 100);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes_and_another_seed_others()
    {
        var request = AgentTraces.Request(50, seed: 7).ToByteArray();

        Assert.Equal(request, AgentTraces.Request(50, seed: 7).ToByteArray());
        Assert.NotEqual(request, AgentTraces.Request(50, seed: 8).ToByteArray());
    }

    [Fact]
    public void A_frame_is_the_length_and_a_message_that_parses_to_all_its_spans()
    {
        var frame = AgentTraces.Frame(AgentTraces.Request(50));

        Assert.Equal(0, frame[0]);
        Assert.Equal(frame.Length - 5, BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(1)));
        Assert.Equal(50, SpansOf(ExportTraceServiceRequest.Parser.ParseFrom(frame, 5, frame.Length - 5)).Length);
    }

    [Fact]
    public void Every_span_has_an_identity_of_its_own()
    {
        var spans = SpansOf(AgentTraces.Request(512));

        Assert.All(spans, span => Assert.Equal((16, 8), (span.TraceId.Length, span.SpanId.Length)));
        Assert.Equal(512, spans.Select(span => span.SpanId).Distinct().Count());
        Assert.Equal(64, spans.Select(span => span.TraceId).Distinct().Count());
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(50, 1)]
    [InlineData(512, 10)]
    public void As_many_spans_fail_as_were_asked_for(int spans, int failing)
    {
        Assert.Equal(failing, SpansOf(AgentTraces.Request(spans, failing)).Count(span => span.Status?.Code == Status.Types.StatusCode.Error));
        Assert.DoesNotContain(SpansOf(AgentTraces.Request(spans)), span => span.Status is not null);
    }

    [Fact]
    public void The_hostile_request_passes_the_scan()
    {
        var request = HostileTraces.Request().ToByteArray();
        var result = new ScanResult();

        Assert.True(new RequestScanner(CompiledRules.None).TryScan(Signal.Traces, request, result, out _));
        Assert.Equal(HostileTraces.Spans, result.ItemCount);
    }

    private static Span[] SpansOf(ExportTraceServiceRequest request) =>
        [.. request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)];
}
