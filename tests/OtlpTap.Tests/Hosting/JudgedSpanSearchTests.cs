using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Health.Steps;
using OtlpTap.Hosting;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Recorder;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Hosting;

using Recorder = OtlpTap.Recorder.Recorder;

public sealed class JudgedSpanSearchTests : IDisposable
{
    private static readonly TraceId Trace = new(0, 1);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly Recorder _recorder;
    private readonly TraceOwners _owners = new();

    public JudgedSpanSearchTests()
    {
        var metrics = new RecorderMetrics(Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry()));
        _recorder = new Recorder(new RecorderOptions { SizeBytesMax = 64 << 20, RequestBytesMax = 16 << 20 }, metrics, _time, NullLogger.Instance);
    }

    [Fact]
    public void A_span_is_found_with_its_service_and_a_trace_by_its_root()
    {
        Record(0);
        var search = new JudgedSpanSearch(_recorder, _owners, _time);
        Assert.Equal("shop", search.Find(Trace, new SpanId(1))?.Service);
        Assert.Equal(new SpanId(1), search.Find(Trace, default)?.SpanId);
        Assert.Null(search.Find(Trace, new SpanId(7)));
    }

    [Fact]
    public void Only_so_many_bytes_of_traces_are_read_in_a_second()
    {
        const int SpanBytes = 8 << 20;
        Record(SpanBytes);
        var search = new JudgedSpanSearch(_recorder, _owners, _time);
        var looks = Enumerable.Range(0, 20).TakeWhile(i => search.Find(Trace, i % 2 == 0 ? new SpanId(1) : default) is not null).Count();
        Assert.InRange(looks, 1, (int)(JudgedSpanSearch.BytesASecond / SpanBytes) + 1);

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(search.Find(Trace, new SpanId(1)));
    }

    [Fact]
    public void Of_a_trace_that_the_recorder_has_no_longer_the_owner_is_told()
    {
        _owners.Tell(Trace, new TraceOwner("shop", "planner"));
        _owners.Tell(new TraceId(0, 2), new TraceOwner("shop", ""));
        var search = new JudgedSpanSearch(_recorder, _owners, _time);

        Assert.Equal(new JudgedSpan(new SpanId(7), "shop", 0, null) { Agent = "planner" }, search.Find(Trace, new SpanId(7)));
        Assert.Equal(new JudgedSpan(default, "shop", 0, null), search.Find(new TraceId(0, 2), default));
        Assert.Null(search.Find(new TraceId(0, 3), default));
        Assert.False(search.IsRecorded(Trace));
    }

    [Fact]
    public void A_span_is_a_step_of_the_agent_that_stands_next_above_it()
    {
        var trace = new TraceBuilder().Resource("shop").Span("POST /chat").Span("invoke_agent planner", ("gen_ai.agent.name", "planner")).Span("chat", ("gen_ai.response.id", "resp_1"));
        var spans = trace.Request.ResourceSpans[0].ScopeSpans[0].Spans;
        spans[1].ParentSpanId = spans[0].SpanId;
        spans[2].ParentSpanId = spans[1].SpanId;
        Record(trace);

        var search = new JudgedSpanSearch(_recorder, _owners, _time);

        Assert.Equal(("planner", "resp_1"), search.Find(Trace, new SpanId(3)) is { } chat ? (chat.Agent, chat.ResponseId) : default);
        Assert.Null(search.Find(Trace, new SpanId(1))!.Agent);
        Assert.Equal("planner", search.Find(Trace, default)!.Agent);
    }

    [Fact]
    public void A_trace_whose_root_does_not_come_this_way_is_known_by_the_span_nearest_to_it()
    {
        var trace = new TraceBuilder().Resource("shop").Span("chat").Span("invoke_agent");
        var spans = trace.Request.ResourceSpans[0].ScopeSpans[0].Spans;
        spans[0].ParentSpanId = spans[1].SpanId;
        spans[1].ParentSpanId = TraceBuilder.SpanIdBytes(99);
        Record(trace);

        Assert.Equal((new SpanId(2), "shop"), new JudgedSpanSearch(_recorder, _owners, _time).Find(Trace, default) is { } top ? (top.SpanId, top.Service) : default);
    }

    [Fact]
    public void Parents_that_go_round_end_the_search()
    {
        var trace = new TraceBuilder().Resource("shop").Span("one").Span("other");
        var spans = trace.Request.ResourceSpans[0].ScopeSpans[0].Spans;
        (spans[0].ParentSpanId, spans[1].ParentSpanId) = (spans[1].SpanId, spans[0].SpanId);
        Record(trace);

        var search = new JudgedSpanSearch(_recorder, _owners, _time);

        Assert.Null(search.Find(Trace, new SpanId(1))!.Agent);
        Assert.Null(search.Find(Trace, default));
    }

    [Fact]
    public void Whether_a_trace_is_recorded_is_told_and_taken_for_granted_when_enough_was_read()
    {
        const int SpanBytes = 8 << 20;
        Record(SpanBytes);
        var search = new JudgedSpanSearch(_recorder, _owners, _time);
        Assert.True(search.IsRecorded(Trace));
        Assert.False(search.IsRecorded(new TraceId(0, 2)));

        for (var i = 0; i < 20; i++)
        {
            search.IsRecorded(Trace);
        }

        Assert.True(search.IsRecorded(new TraceId(0, 2)));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(search.IsRecorded(new TraceId(0, 2)));
    }

    public void Dispose() => _recorder.Dispose();

    private void Record(int attributeBytes) => Record(new TraceBuilder().Resource("shop").Span("agent", ("text", new string('x', attributeBytes))));

    private void Record(TraceBuilder trace)
    {
        var request = trace.Request.ToByteArray();
        Assert.Equal(AppendOutcome.Recorded, _recorder.Append(Signal.Traces, _time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000, request, [Trace]));
    }
}
