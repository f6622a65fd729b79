using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Hosting;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Recorder;

namespace OtlpTap.Tests.Hosting;

using Recorder = OtlpTap.Recorder.Recorder;

public sealed class JudgedSpanSearchTests : IDisposable
{
    private static readonly TraceId Trace = new(0, 1);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly Recorder _recorder;

    public JudgedSpanSearchTests()
    {
        var metrics = new RecorderMetrics(Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry()));
        _recorder = new Recorder(new RecorderOptions { SizeBytesMax = 64 << 20, RequestBytesMax = 16 << 20 }, metrics, _time);
    }

    [Fact]
    public void A_span_is_found_with_its_service_and_a_trace_by_its_root()
    {
        Record(0);
        var search = new JudgedSpanSearch(_recorder, _time);
        Assert.Equal("shop", search.Find(Trace, new SpanId(1))?.Service);
        Assert.Equal(new SpanId(1), search.Find(Trace, default)?.SpanId);
        Assert.Null(search.Find(Trace, new SpanId(7)));
    }

    [Fact]
    public void Only_so_many_bytes_of_traces_are_read_in_a_second()
    {
        const int SpanBytes = 8 << 20;
        Record(SpanBytes);
        var search = new JudgedSpanSearch(_recorder, _time);
        var looks = Enumerable.Range(0, 20).Count(_ => search.Find(Trace, new SpanId(1)) is not null);
        Assert.InRange(looks, 1, (int)(JudgedSpanSearch.BytesASecond / SpanBytes) + 1);

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(search.Find(Trace, new SpanId(1)));
    }

    public void Dispose() => _recorder.Dispose();

    private void Record(int attributeBytes)
    {
        var request = new TraceBuilder().Resource("shop").Span("agent", ("text", new string('x', attributeBytes))).Request.ToByteArray();
        Assert.Equal(AppendOutcome.Recorded, _recorder.Append(Signal.Traces, _time.GetUtcNow().ToUnixTimeMilliseconds() * 1_000_000, request, [Trace]));
    }
}
