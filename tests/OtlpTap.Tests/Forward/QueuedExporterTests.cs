using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Forward.Queueing;
using OtlpTap.Forward.Retrying;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Tests.Forward;

public sealed class QueuedExporterTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedExporter _destination = new();
    private readonly PayloadBooks _books = new();
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly ListLogger<QueuedExporter> _log = new();

    [Fact]
    public async Task A_request_is_taken_at_once_and_a_destination_that_stalls_holds_nothing_of_its_credit()
    {
        await using var queue = Queue(new QueueOptions());

        var taken = Enqueue(queue, "bytes");

        Assert.Same(ExportReply.Accepted, taken);
        var export = await _destination.TakeAsync();
        Assert.Equal("bytes"u8.ToArray(), export.Message);
        Assert.Equal(0, _books.CreditOut);
        Assert.Equal(0, _books.Pool.RetainedBytes);
        export.Succeed();
        await _books.AllCameBackAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_credit_is_the_primarys_alone_whether_it_ends_before_or_after_the_queued_send(bool primaryEndsFirst)
    {
        await using var queue = Queue(new QueueOptions());
        var payload = _books.Lend("bytes"u8);
        payload.AddReference();
        payload.HoldCredit();
        _ = queue.ExportAsync(Signal.Traces, payload, RequestMetadata.Empty, TestContext.Current.CancellationToken);
        var export = await _destination.TakeAsync();
        Assert.Equal(5, _books.CreditOut);

        if (!primaryEndsFirst)
        {
            export.Succeed();
            await queue.DrainAsync(Deadline.Token());
            Assert.Equal(5, _books.CreditOut);
        }

        payload.ReturnCredit();
        payload.Release();
        Assert.Equal(0, _books.CreditOut);
        export.Succeed();
        await _books.AllCameBackAsync();
    }

    [Theory]
    [InlineData("Requests", 2, 2)]
    [InlineData("Items", 21, 2)]
    [InlineData("Bytes", 14, 2)]
    public async Task What_does_not_fit_in_the_sizers_unit_is_lost_and_counted_with_its_items(string sizer, int size, int fitting)
    {
        await using var queue = Queue(new QueueOptions { Sizer = Enum.Parse<QueueSizer>(sizer), Size = size, Consumers = 1 });

        var replies = Enumerable.Range(0, 4).Select(_ => Enqueue(queue, "bytes", items: 10).Status).ToList();

        Assert.Equal(Enumerable.Repeat(StatusCode.OK, fitting).Concat(Enumerable.Repeat(StatusCode.Unavailable, 4 - fitting)), replies);
        Assert.Equal(10 * (4 - fitting), Value("otelcol_exporter_enqueue_failed_spans_total{exporter=\"scripted\"}"));
        Assert.Equal(10 * (4 - fitting), Value("otlptap_exporter_lost_items_total{exporter=\"scripted\",signal=\"traces\",reason=\"queue_full\"}"));
        Assert.Equal("Error: Exporter scripted: 1 requests with 10 items did not get to their destination, and nobody sends them again; last cause: the sending queue is full", Assert.Single(_log.Messages));
        await SendAllAsync(queue);
    }

    [Fact]
    public async Task Whatever_the_sizer_counts_the_bytes_are_bounded_and_a_compressed_form_that_is_kept_counts()
    {
        const int one = 1000 + 500 + QueuedExporter.RequestOverheadBytes;
        await using var queue = Queue(new QueueOptions { BytesMax = (2 * one) + 999 + QueuedExporter.RequestOverheadBytes });

        Assert.Equal(StatusCode.OK, Enqueue(queue, new string('x', 1000), gzip: 500).Status);
        Assert.Equal(StatusCode.OK, Enqueue(queue, new string('x', 1000), gzip: 500).Status);
        Assert.Equal(StatusCode.Unavailable, Enqueue(queue, new string('x', 1000)).Status);
        Assert.Equal(StatusCode.OK, Enqueue(queue, new string('x', 999)).Status);
        queue.PublishMetrics();

        Assert.Equal(3, Value("otelcol_exporter_queue_size{exporter=\"scripted\",data_type=\"traces\"}"));
        Assert.Equal(1000, Value("otelcol_exporter_queue_capacity{exporter=\"scripted\",data_type=\"traces\"}"));
        Assert.Equal((2 * one) + 999 + QueuedExporter.RequestOverheadBytes, Value("otlptap_exporter_queue_bytes{exporter=\"scripted\",signal=\"traces\"}"));
        await SendAllAsync(queue);
        queue.PublishMetrics();
        Assert.Equal(0, Value("otelcol_exporter_queue_size{exporter=\"scripted\",data_type=\"traces\"}"));
        Assert.Equal(0, Value("otlptap_exporter_queue_bytes{exporter=\"scripted\",signal=\"traces\"}"));
    }

    [Fact]
    public async Task So_many_are_sent_at_a_time_as_there_are_consumers()
    {
        await using var queue = Queue(new QueueOptions { Consumers = 3 });
        for (var i = 0; i < 10; i++)
        {
            Enqueue(queue, $"{i}");
        }

        var first = await _destination.TakeAsync();
        var second = await _destination.TakeAsync();
        _ = await _destination.TakeAsync();
        Assert.Equal(3, _destination.InFlight);
        Assert.False(_destination.HasUntaken);

        first.Succeed();
        second.Succeed();
        _ = await _destination.TakeAsync();
        (await _destination.TakeAsync()).Succeed();
        await SendAllAsync(queue, alsoTaken: true);
    }

    [Fact]
    public async Task What_is_refused_in_the_end_is_lost_and_said_in_one_line_a_minute()
    {
        await using var queue = Queue(new QueueOptions { Consumers = 1 });
        for (var i = 0; i < 3; i++)
        {
            Enqueue(queue, "bytes", items: 7);
            (await _destination.TakeAsync()).Fail(StatusCode.InvalidArgument);
        }

        await queue.DrainAsync(Deadline.Token());
        Assert.Single(_log.Messages);
        _time.Advance(LossLog.Interval);
        Enqueue(queue, "bytes", items: 7);
        (await _destination.TakeAsync()).Fail(StatusCode.Unavailable);
        await queue.DrainAsync(Deadline.Token());

        Assert.Equal(28, Value("otelcol_exporter_send_failed_spans_total{exporter=\"scripted\"}"));
        Assert.Equal(28, Value("otlptap_exporter_lost_items_total{exporter=\"scripted\",signal=\"traces\",reason=\"failed\"}"));
        Assert.Equal(
            [
                "Error: Exporter scripted: 1 requests with 7 items did not get to their destination, and nobody sends them again; last cause: InvalidArgument: scripted",
                "Error: Exporter scripted: 3 requests with 21 items did not get to their destination, and nobody sends them again; last cause: Unavailable: scripted",
            ],
            _log.Messages);
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task What_a_partial_success_rejected_is_lost_because_no_sender_hears_of_it()
    {
        await using var queue = Queue(new QueueOptions());
        Enqueue(queue, "bytes", items: 7);
        (await _destination.TakeAsync()).Reply(new ExportReply(StatusCode.OK, "", new PartialSuccess(2, "too old").ToResponse(), []));

        await queue.DrainAsync(Deadline.Token());

        Assert.Equal(2, Value("otlptap_exporter_lost_items_total{exporter=\"scripted\",signal=\"traces\",reason=\"failed\"}"));
        Assert.EndsWith("1 requests with 2 items did not get to their destination, and nobody sends them again; last cause: rejected: too old", Assert.Single(_log.Messages), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exporter_that_throws_loses_that_request_and_the_queue_goes_on()
    {
        await using var queue = Queue(new QueueOptions { Consumers = 1 });
        Enqueue(queue, "first");
        Enqueue(queue, "second");

        (await _destination.TakeAsync()).Throw(new InvalidOperationException("a mistake"));
        (await _destination.TakeAsync()).Succeed();

        await queue.DrainAsync(Deadline.Token());
        Assert.Equal(1, Value("otlptap_exporter_lost_items_total{exporter=\"scripted\",signal=\"traces\",reason=\"failed\"}"));
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task A_drain_goes_on_with_retries_until_all_is_sent()
    {
        await using var retrying = new RetryingExporter(_destination, new RetryOptions(), ExporterMetrics(), _time, new FixedRandom(0.5));
        await using var queue = new QueuedExporter(Signal.Traces, retrying, new QueueOptions(), ExporterMetrics(), _time, _log);
        Enqueue(queue, "bytes");
        (await _destination.TakeAsync()).Fail(StatusCode.Unavailable);
        await Deadline.UntilAsync(() => retrying.Waiting(Signal.Traces) == 1, "the next attempt is waited for");

        var drained = queue.DrainAsync(Deadline.Token());
        Assert.False(drained.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(5));
        (await _destination.TakeAsync()).Succeed();

        await drained.InTime();
        Assert.Empty(_log.Messages);
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task What_is_left_at_the_deadline_is_lost_counted_and_said()
    {
        var queue = Queue(new QueueOptions { Consumers = 2 });
        for (var i = 0; i < 10; i++)
        {
            Enqueue(queue, "bytes", items: 3);
        }

        var stalled = new[] { await _destination.TakeAsync(), await _destination.TakeAsync() };
        using var deadline = new CancellationTokenSource();
        var drained = queue.DrainAsync(deadline.Token);
        await deadline.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => drained);
        await queue.DisposeAsync().AsTask().InTime();

        Assert.Equal(30, Value("otlptap_exporter_lost_items_total{exporter=\"scripted\",signal=\"traces\",reason=\"shutdown\"}"));
        Assert.Equal(30, Value("otelcol_exporter_send_failed_spans_total{exporter=\"scripted\"}"));
        Assert.Equal(StatusCode.Unavailable, Enqueue(queue, "late").Status);
        Assert.Contains(_log.Messages, message => message.Contains("the exporter was stopped before they were sent", StringComparison.Ordinal));

        // The two that are on the wire keep their bytes until the wire is done with them.
        Assert.All(stalled, export => export.Succeed());
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task Many_threads_and_a_destination_that_does_anything_leave_the_books_balanced()
    {
        const int senders = 8;
        const int each = 2_000;
        var draws = new Random(1);
        _destination.Always = async _ =>
        {
            int drawn;
            lock (draws)
            {
                drawn = draws.Next(4);
            }

            if (drawn != 0)
            {
                await Task.Yield();
            }

            return drawn == 1 ? new ExportReply(StatusCode.Internal, "", default, []) : ExportReply.Accepted;
        };
        var queue = Queue(new QueueOptions { Size = 100 });

        await Task.WhenAll(Enumerable.Range(0, senders).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < each; i++)
            {
                Enqueue(queue, $"{sender}/{i}");
                if (i % 50 == 0)
                {
                    await Task.Yield();
                }
            }
        }))).InTime();
        await queue.DrainAsync(Deadline.Token());
        await queue.DisposeAsync();
        queue.PublishMetrics();

        Assert.Equal(0, Value("otelcol_exporter_queue_size{exporter=\"scripted\",data_type=\"traces\"}"));
        Assert.InRange(Value("otelcol_exporter_enqueue_failed_spans_total{exporter=\"scripted\"}"), 0, (senders * each) - 1);
        Assert.True(Value("otelcol_exporter_send_failed_spans_total{exporter=\"scripted\"}") > 0);
        await _books.AllCameBackAsync();
    }

    public ValueTask DisposeAsync() => _destination.DisposeAsync();

    private QueuedExporter Queue(QueueOptions options) => new(Signal.Traces, _destination, options, ExporterMetrics(), _time, _log);

    private ExporterMetrics ExporterMetrics() => new(Prometheus.Metrics.WithCustomRegistry(_registry), "scripted");

    private ExportReply Enqueue(QueuedExporter queue, string message, int items = 1, int gzip = 0)
    {
        var taken = queue.ExportAsync(Signal.Traces, _books.Lend(Encoding.UTF8.GetBytes(message), items, new byte[gzip]), RequestMetadata.Empty, TestContext.Current.CancellationToken);
        Assert.True(taken.IsCompletedSuccessfully);
        return taken.GetAwaiter().GetResult();
    }

    private async Task SendAllAsync(QueuedExporter queue, bool alsoTaken = false)
    {
        if (alsoTaken)
        {
            // Those that the test has taken and not answered stay on the wire; the end gives them up.
            await queue.DisposeAsync();
            return;
        }

        var drained = queue.DrainAsync(Deadline.Token());
        while (!drained.IsCompleted)
        {
            if (_destination.HasUntaken)
            {
                (await _destination.TakeAsync()).Succeed();
            }
            else
            {
                await Task.Yield();
            }
        }

        await drained;
        await _books.AllCameBackAsync();
    }

    private double Value(string series) => MetricText.Value(_registry, series);
}
