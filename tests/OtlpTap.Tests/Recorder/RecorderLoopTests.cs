using Google.Protobuf;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Corpus;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Recorder;

using OtlpTap.Recorder;
using OtlpTap.Tee;

public sealed class RecorderLoopTests : IDisposable
{
    private readonly TapRig _tap = new();

    [Fact]
    public async Task A_request_that_waits_is_told_when_its_bytes_can_be_found()
    {
        var signal = new RecordedSignal();
        Assert.True(_tap.TryOffer(Signal.Traces, Request(Span(7, 1)).ToByteArray(), signal));
        var completion = signal.Completion;
        Assert.False(completion.IsCompleted);

        _tap.Loop.HandleWaiting();

        Assert.True(await completion);
        Assert.Single(_tap.Recorder.Find(Trace(7)));
    }

    [Fact]
    public async Task A_request_that_waits_is_told_when_it_is_too_large_to_be_recorded()
    {
        using var tap = new TapRig(recorder: new RecorderOptions { SizeBytesMax = 1 << 20, SegmentBytes = 4096, RequestBytesMax = 1000 });
        var signal = new RecordedSignal();
        tap.TryReceive(Signal.Traces, Request(Enumerable.Range(1, 20).Select(number => Span(7, number))).ToByteArray(), signal);

        Assert.False(await signal.Completion);
        Assert.Equal(1, tap.Value("otlptap_recorder_requests_total{outcome=\"too_large\"}"));
    }

    [Fact]
    public async Task A_request_that_nothing_could_find_is_answered_all_the_same()
    {
        var signal = new RecordedSignal();
        _tap.TryReceive(Signal.Traces, [], signal);

        Assert.True(await signal.Completion);
        Assert.Equal(1, _tap.Value("otlptap_recorder_requests_total{outcome=\"without_trace_id\"}"));
    }

    [Fact]
    public void A_failure_at_one_request_is_counted_and_logged_and_the_next_one_is_handled()
    {
        _tap.BeforeSchedule = _ => throw new InvalidOperationException("out of order");
        _tap.Receive(Span(7, 1, failed: true));
        Assert.Equal(1, _tap.Value("otlptap_recorder_handler_failures_total"));
        Assert.StartsWith("Error: Looking at a recorded request failed", Assert.Single(_tap.RecorderLog.Messages), StringComparison.Ordinal);

        _tap.BeforeSchedule = null;
        _tap.Receive(Span(8, 1, failed: true));
        Assert.Equal(1, _tap.Scheduler.PendingCount);
        Assert.Single(_tap.Recorder.Find(Trace(7)));
        Assert.Equal(0, _tap.Tee.QueueBytes);
    }

    [Fact]
    public async Task When_the_recorder_cannot_append_the_waiting_request_is_told_and_the_handler_still_runs()
    {
        var signal = new RecordedSignal();
        _tap.Recorder.Dispose();
        _tap.TryReceive(Signal.Traces, Request(Span(7, 1, failed: true)).ToByteArray(), signal);

        Assert.False(await signal.Completion);
        Assert.Equal(1, _tap.Value("otlptap_recorder_requests_total{outcome=\"failed\"}"));
        Assert.Equal(1, _tap.Scheduler.PendingCount);
        Assert.Equal(0, _tap.Tee.QueueBytes);
    }

    [Fact]
    public async Task The_loop_ends_when_the_tee_is_completed_and_everything_that_waited_is_recorded()
    {
        var running = _tap.Loop.RunAsync();
        for (var number = 1; number <= 100; number++)
        {
            Assert.True(_tap.TryOffer(Signal.Traces, Request(Span(7, number)).ToByteArray()));
        }

        _tap.Tee.Complete();
        await running;

        Assert.Equal(100, _tap.Recorder.Find(Trace(7)).Count);
        Assert.Equal(0, _tap.Tee.QueueBytes);
        Assert.False(_tap.TryOffer(Signal.Traces, Request(Span(7, 1)).ToByteArray()));
    }

    [Fact]
    public async Task An_idle_recorder_gives_back_the_memory_of_what_is_too_old()
    {
        var running = _tap.Loop.RunAsync();
        _tap.TryReceive(Signal.Traces, Request(Enumerable.Range(1, 2000).Select(number => Span(7, number))).ToByteArray());
        await Deadline.UntilAsync(() => _tap.Tee.QueueBytes == 0, "the request is recorded");
        var before = _tap.Recorder.MemoryBytes;

        _tap.Time.Advance(TimeSpan.FromMinutes(62));
        await Deadline.UntilAsync(() => _tap.Recorder.MemoryBytes < before, "memory is given back");

        _tap.Tee.Complete();
        await running;
    }

    [Fact]
    public void The_time_of_receipt_is_when_the_request_came_not_when_it_was_recorded()
    {
        var received = UnixTime.Now(_tap.Time);
        _tap.TryOffer(Signal.Traces, Request(Span(7, 1)).ToByteArray());
        _tap.Time.Advance(TimeSpan.FromSeconds(3));
        _tap.Loop.HandleWaiting();

        Assert.Equal(received, Assert.Single(_tap.Recorder.Find(Trace(7))).ReceivedUnixNano);
    }

    public void Dispose() => _tap.Dispose();
}
