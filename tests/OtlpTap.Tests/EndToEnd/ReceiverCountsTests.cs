using Grpc.Core;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>What a Collector's dashboards ask for, from a tap that requests went through.</summary>
public sealed class ReceiverCountsTests
{
    [Fact]
    public async Task Items_that_are_acknowledged_are_accepted_and_those_that_are_answered_with_an_error_refused()
    {
        var statuses = new Queue<StatusCode>([StatusCode.OK, StatusCode.Unavailable]);
        await using var upstream = await StubUpstream.StartAsync();
        upstream.Answer = (context, _) => statuses.Dequeue() is var status and not StatusCode.OK ? StubUpstream.RefuseAsync(context, status, "no") : StubUpstream.ReplyAsync(context, StatusCode.OK);
        await using var tap = await RunningTap.StartAsync(upstream);

        await tap.ExportAsync(Signal.Traces, new TraceBuilder().Span("a").Span("b").ToBytes());
        await tap.RefusalOfAsync(Signal.Traces, new TraceBuilder().Span("c").ToBytes());

        Assert.Equal(2, await tap.MetricAsync("""otelcol_receiver_accepted_spans_total{receiver="otlp",transport="grpc"}"""));
        Assert.Equal(1, await tap.MetricAsync("""otelcol_receiver_refused_spans_total{receiver="otlp",transport="grpc"}"""));
        Assert.Equal(0, await tap.MetricAsync("""otelcol_receiver_failed_spans_total{receiver="otlp",transport="grpc"}"""));
        Assert.Equal(3, await tap.MetricAsync("""otelcol_processor_memory_limiter_accepted_spans_total{processor="memory_limiter"}"""));
    }

    [Fact]
    public async Task Items_that_find_no_room_are_refused_by_receiver_and_memory_limiter()
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await StubUpstream.StartAsync();
        upstream.Answer = async (context, _) =>
        {
            arrived.TrySetResult();
            await go.Task.WaitAsync(Deadline.Token());
            await StubUpstream.ReplyAsync(context, StatusCode.OK);
        };
        await using var tap = await RunningTap.StartAsync(upstream, tap: "limits: { in_flight_mib: 1 }", grpc: ", max_recv_msg_size_mib: 1");

        // A message of one byte less than fits takes what there is; a small one comes whole and finds no room.
        var large = tap.Export(Signal.Traces, new TraceBuilder().Span(new string('x', (1 << 20) - (20 << 10))).ToBytes(), cancellation: Deadline.Token()).ResponseAsync;
        await arrived.Task.WaitAsync(Deadline.Token());
        var refusal = await tap.RefusalOfAsync(Signal.Traces, new TraceBuilder().Span("a").Span("b").ToBytes());
        go.SetResult();
        await large;

        Assert.Equal(StatusCode.Unavailable, refusal.StatusCode);
        Assert.Equal(2, await tap.MetricAsync("""otelcol_receiver_refused_spans_total{receiver="otlp",transport="grpc"}"""));
        Assert.Equal(2, await tap.MetricAsync("""otelcol_processor_memory_limiter_refused_spans_total{processor="memory_limiter"}"""));
    }
}
