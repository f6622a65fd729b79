using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Forward.Retrying;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Tests.Forward;

public sealed class RetryingExporterTests : IAsyncDisposable
{
    // What a timer can tell apart.
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedExporter _destination = new();
    private readonly PayloadBooks _books = new();
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();

    [Fact]
    public async Task The_intervals_grow_by_the_multiplier_up_to_the_longest_and_each_attempt_carries_the_same_bytes()
    {
        await using var retrying = Retrying(new RetryOptions { ElapsedMax = TimeSpan.Zero });
        var sent = SendAsync(retrying);

        foreach (var seconds in new[] { 5, 7.5, 11.25, 16.875, 25.3125, 30, 30 })
        {
            await FailAsync(retrying, StatusCode.Unavailable);
            _time.Advance(TimeSpan.FromSeconds(seconds) - Millisecond);
            Assert.Equal(1, retrying.Waiting(Signal.Traces));
            Assert.False(_destination.HasUntaken);
            _time.Advance(Millisecond);
        }

        var last = await _destination.TakeAsync();
        Assert.Equal("bytes"u8.ToArray(), last.Message);
        last.Succeed();
        Assert.Same(ExportReply.Accepted, await sent.InTime());
        Assert.Equal(7, MetricText.Value(_registry, "otlptap_exporter_retries_total{exporter=\"scripted\",signal=\"traces\"}"));
        await _books.AllCameBackAsync();
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(0.5, 10)]
    [InlineData(1, 15)]
    public void A_wait_is_drawn_from_around_its_interval(double drawn, double seconds)
    {
        var schedule = new RetrySchedule(new RetryOptions { InitialInterval = TimeSpan.FromSeconds(10) }, new FixedRandom(drawn));

        Assert.Equal(TimeSpan.FromSeconds(seconds), schedule.Next());
    }

    [Fact]
    public void An_interval_without_end_does_not_overflow()
    {
        var schedule = new RetrySchedule(new RetryOptions { IntervalMax = TimeSpan.MaxValue / 2, Multiplier = 1000 }, new FixedRandom(0.5));

        var waits = Enumerable.Range(0, 10).Select(_ => schedule.Next()).ToList();

        Assert.Equal(waits.Order(), waits);
        Assert.Equal(TimeSpan.MaxValue / 2, waits[^1]);
    }

    [Theory]
    [InlineData(StatusCode.InvalidArgument)]
    [InlineData(StatusCode.ResourceExhausted)]
    [InlineData(StatusCode.Unauthenticated)]
    [InlineData(StatusCode.Internal)]
    public async Task What_the_sender_must_not_repeat_is_not_repeated(StatusCode status)
    {
        await using var retrying = Retrying(new RetryOptions());
        var sent = SendAsync(retrying);

        (await _destination.TakeAsync()).Fail(status);

        Assert.Equal(status, (await sent.InTime()).Status);
        await _books.AllCameBackAsync();
    }

    [Theory]
    [InlineData(60, 60)]
    [InlineData(1, 5)]
    public async Task The_longer_of_the_schedule_and_what_the_destination_asks_for_is_waited(int asked, int waited)
    {
        await using var retrying = Retrying(new RetryOptions());
        var sent = SendAsync(retrying);
        await FailAsync(retrying, StatusCode.ResourceExhausted, TimeSpan.FromSeconds(asked));

        _time.Advance(TimeSpan.FromSeconds(waited) - Millisecond);
        Assert.False(_destination.HasUntaken);
        _time.Advance(Millisecond);

        (await _destination.TakeAsync()).Succeed();
        Assert.Same(ExportReply.Accepted, await sent.InTime());
    }

    [Fact]
    public async Task A_destination_that_asks_for_years_is_asked_again_within_the_hour()
    {
        await using var retrying = Retrying(new RetryOptions { ElapsedMax = TimeSpan.Zero });
        var sent = SendAsync(retrying);
        await FailAsync(retrying, StatusCode.Unavailable, TimeSpan.FromSeconds(StatusDetails.DelaySecondsMax));

        _time.Advance(RetryingExporter.WaitMax);

        (await _destination.TakeAsync()).Succeed();
        await sent.InTime();
    }

    [Fact]
    public async Task The_last_reply_stands_when_the_next_attempt_would_come_after_the_longest_time()
    {
        await using var retrying = Retrying(new RetryOptions { ElapsedMax = TimeSpan.FromSeconds(12.5) });
        var sent = SendAsync(retrying);
        foreach (var seconds in new[] { 5, 7.5 })
        {
            await FailAsync(retrying, StatusCode.Unavailable);
            _time.Advance(TimeSpan.FromSeconds(seconds));
        }

        (await _destination.TakeAsync()).Fail(StatusCode.DataLoss);

        Assert.Equal(StatusCode.DataLoss, (await sent.InTime()).Status);
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task A_sender_that_leaves_ends_the_wait_and_everything_comes_back()
    {
        await using var retrying = Retrying(new RetryOptions());
        using var leaving = new CancellationTokenSource();
        var sent = SendUntilAsync(retrying, leaving.Token);
        await FailAsync(retrying, StatusCode.Unavailable);
        Assert.Equal("bytes".Length, _books.CreditOut);

        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sent.InTime());
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task Draining_ends_the_waits_with_the_last_reply_and_waits_for_what_is_under_way()
    {
        await using var retrying = Retrying(new RetryOptions());
        var waiting = SendAsync(retrying);
        await FailAsync(retrying, StatusCode.Unavailable);
        var underWay = SendAsync(retrying);
        var call = await _destination.TakeAsync();

        var drained = retrying.DrainAsync(Deadline.Token());
        Assert.Equal(StatusCode.Unavailable, (await waiting.InTime()).Status);
        Assert.False(drained.IsCompleted);

        call.Fail(StatusCode.Aborted);
        Assert.Equal(StatusCode.Aborted, (await underWay.InTime()).Status);
        await drained.InTime();
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task Who_owns_the_destination_disposes_it()
    {
        await Retrying(new RetryOptions()).DisposeAsync();

        Assert.Equal(0, _destination.Disposals);
    }

    public ValueTask DisposeAsync() => _destination.DisposeAsync();

    private RetryingExporter Retrying(RetryOptions options) =>
        new(_destination, options, new ExporterMetrics(Prometheus.Metrics.WithCustomRegistry(_registry), "scripted"), _time, new FixedRandom(0.5));

    private Task<ExportReply> SendAsync(RetryingExporter retrying) => SendUntilAsync(retrying, CancellationToken.None);

    private Task<ExportReply> SendUntilAsync(RetryingExporter retrying, CancellationToken cancellation) =>
        retrying.ExportAsync(Signal.Traces, _books.Lend("bytes"u8), RequestMetadata.Empty, cancellation);

    private async Task FailAsync(RetryingExporter retrying, StatusCode status, TimeSpan? retryAfter = null)
    {
        (await _destination.TakeAsync()).Fail(status, retryAfter);
        await Deadline.UntilAsync(() => retrying.Waiting(Signal.Traces) == 1, "the next attempt is waited for");
    }
}
