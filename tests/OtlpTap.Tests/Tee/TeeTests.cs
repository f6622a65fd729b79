using Microsoft.Extensions.Time.Testing;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Scan;
using Prometheus;

namespace OtlpTap.Tests.Tee;

using OtlpTap.Tee;

public sealed class TeeTests
{
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly PayloadPool _payloads = new();
    private readonly ScanResultPool _scans = new();
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void What_is_offered_comes_out_in_order_with_its_bytes()
    {
        var tee = CreateTee();
        var payloads = Enumerable.Range(1, 3).Select(_payloads.Rent).ToList();
        foreach (var payload in payloads)
        {
            Assert.True(tee.TryOffer(Signal.Traces, payload, _scans.Rent(), _time.GetTimestamp()));
        }

        foreach (var payload in payloads)
        {
            Assert.True(tee.Reader.TryRead(out var item));
            Assert.Same(payload, item.Payload);
        }
    }

    [Fact]
    public void When_the_tee_is_full_the_offer_is_refused_and_counted_and_takes_no_reference()
    {
        var tee = CreateTee(3 * (1000 + Tee.ItemOverheadBytes));
        var payload = _payloads.Rent(1000);
        for (var i = 0; i < 3; i++)
        {
            Assert.True(tee.TryOffer(Signal.Traces, payload, _scans.Rent(), _time.GetTimestamp()));
        }

        var refused = _payloads.Rent(1000);
        Assert.False(tee.TryOffer(Signal.Traces, refused, _scans.Rent(), _time.GetTimestamp()));
        Assert.Equal(1, Value("otlptap_tee_dropped_requests_total{reason=\"full\"}"));

        refused.Release();
        Assert.Same(refused, _payloads.Rent(1000));
    }

    [Fact]
    public void Room_comes_back_when_the_reader_returns_an_item()
    {
        var tee = CreateTee(1000 + Tee.ItemOverheadBytes);
        var payload = _payloads.Rent(1000);
        Assert.True(tee.TryOffer(Signal.Traces, payload, _scans.Rent(), _time.GetTimestamp()));
        Assert.False(tee.TryOffer(Signal.Traces, payload, _scans.Rent(), _time.GetTimestamp()));

        Assert.True(tee.Reader.TryRead(out var item));
        tee.Return(item);
        Assert.Equal(0, tee.QueueBytes);
        Assert.True(tee.TryOffer(Signal.Traces, payload, _scans.Rent(), _time.GetTimestamp()));
    }

    [Fact]
    public void A_flood_of_empty_requests_is_bounded_too()
    {
        var tee = CreateTee(1 << 20);
        var payload = _payloads.Rent(0);
        var taken = 0;
        while (tee.TryOffer(Signal.Traces, payload, _scans.Rent(), _time.GetTimestamp()))
        {
            taken++;
        }

        Assert.Equal((1 << 20) / Tee.ItemOverheadBytes, taken);
    }

    [Fact]
    public void What_was_found_in_a_request_counts_as_waiting_with_it()
    {
        var tee = CreateTee();
        var payload = _payloads.Rent(0);
        var scan = _scans.Rent();
        for (var i = 0; i < 10_000; i++)
        {
            scan.AddMatch(default, []);
        }

        Assert.True(tee.TryOffer(Signal.Traces, payload, scan, _time.GetTimestamp()));
        Assert.True(tee.QueueBytes >= scan.RetainedBytes, $"{tee.QueueBytes} bytes counted, {scan.RetainedBytes} held");

        Assert.True(tee.Reader.TryRead(out var item));
        scan.AddMatch(default, []); // whoever has it next may make it larger
        for (var i = 0; i < 10_000; i++)
        {
            scan.AddMatch(default, []);
        }

        tee.Return(item);
        Assert.Equal(0, tee.QueueBytes);
    }

    [Fact]
    public void After_completion_offers_are_refused_and_what_waits_is_still_read()
    {
        var tee = CreateTee();
        var payload = _payloads.Rent(10);
        tee.TryOffer(Signal.Traces, payload, _scans.Rent(), _time.GetTimestamp());
        tee.Complete();

        Assert.False(tee.TryOffer(Signal.Traces, payload, _scans.Rent(), _time.GetTimestamp()));
        Assert.Equal(1, Value("otlptap_tee_dropped_requests_total{reason=\"closed\"}"));
        Assert.True(tee.Reader.TryRead(out var item));
        tee.Return(item);
        Assert.Equal(0, tee.QueueBytes);
        Assert.True(tee.Reader.Completion.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Every_reference_and_credit_comes_back_when_many_threads_offer()
    {
        const int Threads = 4;
        const int Offers = 20_000;
        var tee = CreateTee(200 * (100 + Tee.ItemOverheadBytes));
        var payload = _payloads.Rent(100);
        var taken = 0;
        var returned = 0;
        var reader = Task.Run(
            async () =>
            {
                await foreach (var item in tee.Reader.ReadAllAsync())
                {
                    returned++;
                    tee.Return(item);
                }
            },
            TestContext.Current.CancellationToken);

        Parallel.For(0, Threads, _ =>
        {
            for (var i = 0; i < Offers; i++)
            {
                if (tee.TryOffer(Signal.Traces, payload, _scans.Rent(), _time.GetTimestamp()))
                {
                    Interlocked.Increment(ref taken);
                }
            }
        });
        tee.Complete();
        await reader;

        Assert.Equal(taken, returned);
        Assert.Equal(Threads * Offers, taken + Value("otlptap_tee_dropped_requests_total{reason=\"full\"}"));
        Assert.Equal(0, tee.QueueBytes);
        payload.Release();
        Assert.Same(payload, _payloads.Rent(100));
    }

    [Fact]
    public void An_offer_allocates_nothing()
    {
        var tee = CreateTee();
        var payload = _payloads.Rent(100);
        var scan = _scans.Rent();
        Circulate(1000);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Circulate(10_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Circulate(int times)
        {
            for (var i = 0; i < times; i++)
            {
                tee.TryOffer(Signal.Traces, payload, scan, 1);
                tee.Reader.TryRead(out var item);
                tee.Return(item);
            }
        }
    }

    [Fact]
    public void The_gauges_show_what_waits_and_how_long()
    {
        var tee = CreateTee();
        var payload = _payloads.Rent(100);
        tee.TryOffer(Signal.Traces, payload, _scans.Rent(), _time.GetTimestamp());
        _time.Advance(TimeSpan.FromSeconds(2));
        tee.TryOffer(Signal.Traces, payload, _scans.Rent(), _time.GetTimestamp());
        _time.Advance(TimeSpan.FromSeconds(1));

        tee.PublishMetrics();
        Assert.Equal(3, Value("otlptap_tee_oldest_age_seconds"));
        Assert.Equal(2, Value("otlptap_tee_queue_requests"));
        Assert.Equal(2 * (100 + Tee.ItemOverheadBytes), Value("otlptap_tee_queue_bytes"));

        Assert.True(tee.Reader.TryRead(out var item));
        tee.Return(item);
        tee.PublishMetrics();
        Assert.Equal(1, Value("otlptap_tee_oldest_age_seconds"));

        Assert.True(tee.Reader.TryRead(out item));
        tee.Return(item);
        tee.PublishMetrics();
        Assert.Equal(0, Value("otlptap_tee_oldest_age_seconds"));
        Assert.Equal(0, Value("otlptap_tee_queue_bytes"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_request_that_waits_for_the_recorder_learns_whether_it_was_recorded(bool recorded)
    {
        var signal = new RecordedSignal();
        var completion = signal.Completion.AsTask();
        Assert.False(completion.IsCompleted);

        signal.Complete(recorded);
        Assert.Equal(recorded, await completion);
    }

    private Tee CreateTee(long queueBytesMax = 64 << 20) =>
        new(new TeeOptions { QueueBytesMax = queueBytesMax }, new TeeMetrics(Prometheus.Metrics.WithCustomRegistry(_registry)), _time);

    private double Value(string series) => MetricText.Value(_registry, series);
}
