using System.Globalization;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Forward.Spool;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Spool;

/// <summary>Records that the upstream answers and does not take: kept, tried again, and in nobody else's way.</summary>
public sealed class HeldRecordsTests
{
    private static readonly RequestMetadata Expired = new([("authorization", "Bearer expired")]);
    private static readonly RequestMetadata Valid = new([("authorization", "Bearer valid")]);
    private static readonly ExportReply Unauthenticated = Reply(StatusCode.Unauthenticated);

    [Fact]
    public async Task Records_of_a_sender_that_is_refused_wait_and_all_others_are_delivered()
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync("0");
        for (var i = 0; i < 100; i++)
        {
            await setup.SendAsync($"expired {i}", Expired).InTime();
            await setup.SendAsync($"valid {i}", Valid).InTime();
        }

        setup.BringUp();
        setup.Inner.Answer = (call, _) => Task.FromResult(call.Metadata.Equals(Expired) ? Unauthenticated : ExportReply.Accepted);
        await setup.PassTimeUntilAsync(() => setup.Spool.Records == 100, "the others are delivered");

        Assert.Equal(100, setup.Metric("otlptap_spool_held_records"));
        Assert.Equal(0, setup.Metric("otlptap_spool_upstream_down"));
        Assert.Equal(101, setup.Metric("otlptap_spool_delivered_requests_total", ",signal=\"traces\""));
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("fresh", Valid).InTime());
        Assert.Same(Unauthenticated, await setup.SendAsync("fresh and expired", Expired).InTime());
        Assert.Single(setup.Log.Messages, line => line.Contains("does not take a request of the spool", StringComparison.Ordinal) && line.Contains("Unauthenticated", StringComparison.Ordinal));

        setup.Inner.AlwaysAnswer(ExportReply.Accepted);
        await setup.DeliverAllAsync();
        Assert.Equal(0, setup.Metric("otlptap_spool_discarded_requests_total", ",reason=\"refused\""));
        Assert.Equal(0, setup.Metric("otelcol_exporter_send_failed_spans_total"));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"expired {i}").Order(), setup.Inner.Texts.Where(text => text.StartsWith("expired", StringComparison.Ordinal)).Distinct().Order());
        Assert.Contains(setup.Log.Messages, line => line.Contains("no request of the spool is held back any more", StringComparison.Ordinal));
    }

    [Fact]
    public async Task While_a_sender_is_refused_one_of_its_records_at_a_time_is_tried_at_the_pace_of_retries()
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync("0");
        for (var i = 0; i < 50; i++)
        {
            await setup.SendAsync($"{i}", Expired).InTime();
        }

        setup.BringUp();
        setup.Inner.Answer = (call, _) => Task.FromResult(call.Metadata.Equals(Expired) ? Unauthenticated : ExportReply.Accepted);
        await setup.PassTimeUntilAsync(() => setup.Metric("otlptap_spool_held_records") == 50, "all are held");
        var started = setup.Time.GetUtcNow();
        var before = setup.Inner.Calls.Count;
        await setup.PassTimeUntilAsync(() => setup.Inner.Calls.Count >= before + 20, "twenty attempts are made");

        Assert.True(setup.Time.GetUtcNow() - started > TimeSpan.FromSeconds(19 * 25));
        Assert.Equal(20, setup.Inner.Texts.Skip(before).Take(20).Distinct().Count());
    }

    [Fact]
    public async Task What_stays_refused_until_max_age_is_lost_and_counted_with_the_upstreams_last_word()
    {
        await using var setup = new SpoolSetup(with: options => options with { AgeMax = TimeSpan.FromMinutes(10) });
        await setup.TakeDownAsync("0");
        await setup.SendAsync("expired", Expired, Signal.Logs, items: 7).InTime();
        setup.BringUp();
        setup.Inner.Answer = (call, _) => Task.FromResult(call.Metadata.Equals(Expired) ? Unauthenticated : ExportReply.Accepted);

        await setup.PassTimeUntilAsync(() => setup.Spool.IsEmpty, "it is too old", TimeSpan.FromSeconds(5));

        Assert.Equal(1, setup.Metric("otlptap_spool_discarded_requests_total", ",reason=\"max_age\""));
        Assert.Equal(7, setup.Metric("otelcol_exporter_send_failed_log_records_total"));
        Assert.Equal(7, setup.Metric("otlptap_exporter_lost_items_total", ",signal=\"logs\",reason=\"failed\""));
        Assert.Equal(0, setup.Metric("otlptap_spool_held_records"));
        Assert.Contains(setup.Log.Messages, line => line.Contains("last answer to it was Unauthenticated", StringComparison.Ordinal));
        await setup.PassTimeUntilAsync(() => setup.Files.Segments.Count == 0, "its segment is deleted");
    }

    [Theory]
    [InlineData(StatusCode.Internal)]
    [InlineData(StatusCode.Unknown)]
    [InlineData(StatusCode.FailedPrecondition)]
    [InlineData(StatusCode.OutOfRange)]
    public async Task A_record_that_the_upstream_stumbles_over_holds_up_none_of_its_senders_others(StatusCode status)
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync("poison");
        for (var i = 0; i < 100; i++)
        {
            await setup.SendAsync($"{i}").InTime();
        }

        setup.BringUp();
        var poison = Reply(status);
        setup.Inner.Answer = (call, _) => Task.FromResult(call.Text == "poison" ? poison : ExportReply.Accepted);
        await setup.PassTimeUntilAsync(() => setup.Spool.Records == 1, "the others are delivered", TimeSpan.FromMilliseconds(500));

        Assert.Equal(0, setup.Metric("otlptap_spool_upstream_down"));
        setup.Inner.AlwaysAnswer(ExportReply.Accepted);
        await setup.DeliverAllAsync();
        Assert.Equal("poison", setup.Inner.Texts[^1]);
    }

    [Fact]
    public async Task A_throttled_sender_holds_up_its_own_records_of_the_signal_alone()
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync("0");
        for (var i = 0; i < 10; i++)
        {
            await setup.SendAsync($"busy {i}", Valid, Signal.Logs).InTime();
            await setup.SendAsync($"spans {i}", Valid).InTime();
            await setup.SendAsync($"other {i}", Expired, Signal.Logs).InTime();
        }

        setup.BringUp();
        var throttled = Throttled(TimeSpan.FromMinutes(30));
        var busy = new TaskCompletionSource<DateTimeOffset>();
        setup.Inner.Answer = (call, _) =>
        {
            if (!call.Text.StartsWith("busy", StringComparison.Ordinal))
            {
                return Task.FromResult(ExportReply.Accepted);
            }

            busy.TrySetResult(setup.Time.GetUtcNow());
            return Task.FromResult(setup.Time.GetUtcNow() - busy.Task.Result < TimeSpan.FromMinutes(30) ? throttled : ExportReply.Accepted);
        };
        await setup.PassTimeUntilAsync(() => setup.Spool.Records == 10, "the others are delivered");
        var tries = setup.Inner.Texts.Count(text => text.StartsWith("busy", StringComparison.Ordinal));
        Assert.InRange(tries, 1, SpoolDelivery.InFlightMax);

        await setup.PassTimeUntilAsync(() => setup.Spool.IsEmpty, "the limit has passed", TimeSpan.FromSeconds(20));
        Assert.Equal(10 + tries, setup.Inner.Texts.Count(text => text.StartsWith("busy", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_fresh_request_that_is_throttled_makes_its_senders_records_wait_and_no_others()
    {
        await using var setup = new SpoolSetup();
        setup.Inner.AlwaysAnswer(Throttled(TimeSpan.FromMinutes(3)));
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("throttled", Valid).InTime());
        setup.Inner.AlwaysAnswer(Reply(StatusCode.Unavailable));
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("other", Expired).InTime());
        setup.Inner.AlwaysAnswer(ExportReply.Accepted);
        var sent = setup.Time.GetUtcNow();

        await setup.PassTimeUntilAsync(() => setup.Spool.Records == 1, "the other is delivered");
        Assert.True(setup.Time.GetUtcNow() - sent < TimeSpan.FromMinutes(1));
        await setup.DeliverAllAsync();

        Assert.True(setup.Time.GetUtcNow() - sent >= TimeSpan.FromMinutes(3));

        // The other may have been tried in the background too while the upstream was unavailable.
        Assert.Equal(["throttled", "other", "throttled"], setup.Inner.Texts.Where((text, at) => at == 0 || setup.Inner.Texts[at - 1] != text));
        Assert.InRange(setup.Inner.Texts.Count(text => text == "other"), 2, 3);
    }

    [Fact]
    public async Task What_is_held_when_the_tap_ends_is_delivered_by_the_next_run()
    {
        var files = new ForgetfulFiles();
        await using (var setup = new SpoolSetup(files, with: options => options with { BytesMax = 64 << 10, SegmentBytes = 1000 }))
        {
            await setup.TakeDownAsync("0");
            for (var i = 0; i < 60; i++)
            {
                await setup.SendAsync($"{i} {new string('x', 100)}", i % 20 == 7 ? Expired : Valid).InTime();
            }

            setup.BringUp();
            setup.Inner.Answer = (call, _) => Task.FromResult(call.Metadata.Equals(Expired) ? Unauthenticated : ExportReply.Accepted);
            await setup.PassTimeUntilAsync(() => setup.Spool.Records == 3, "three are held");

            // With the one that the next request would go into.
            await setup.PassTimeUntilAsync(() => setup.Files.Segments.Count == 4, "the segments without any are deleted");
        }

        await using var next = new SpoolSetup(files.Kill());
        await next.DeliverAllAsync();
        var texts = next.Inner.Calls.Select(call => int.Parse(call.Text.Split(' ')[0], CultureInfo.InvariantCulture)).ToList();
        Assert.Superset(new HashSet<int> { 7, 27, 47 }, texts.ToHashSet());
        Assert.InRange(texts.Count, 3, 3 * 8);
        Assert.Equal(7, texts[0]);
    }

    [Fact]
    public async Task A_request_that_can_never_be_taken_is_discarded_at_once()
    {
        await using var setup = new SpoolSetup(with: options => options with { BytesMax = 64 << 20 });
        await setup.TakeDownAsync(new string('x', SpoolVerdicts.AlwaysTakenBytes + 1));
        setup.BringUp();
        setup.Inner.AlwaysAnswer(Reply(StatusCode.ResourceExhausted));

        await setup.DeliverAllAsync();

        Assert.Equal(1, setup.Metric("otlptap_spool_discarded_requests_total", ",reason=\"refused\""));
        Assert.Equal(1, setup.Metric("otelcol_exporter_send_failed_spans_total"));
    }

    [Fact]
    public void There_is_room_for_so_many_and_each_is_tried_in_its_turn()
    {
        var time = new FakeTimeProvider();
        var held = new HeldRecords(new RetryOptions { RandomizationFactor = 0 }, time, new Random(1));
        using var segment = new SpoolSegment(1, "segment", 1);
        var first = At(segment, 0);
        var lane = held.NotTaken(first, Expired, SpoolVerdict.SenderRefused, TimeSpan.Zero);
        Assert.True(held.TryHold(first, lane));
        for (var i = 1; i < HeldRecords.Max; i++)
        {
            Assert.True(held.TryHold(At(segment, i), lane));
        }

        Assert.False(held.TryHold(At(segment, HeldRecords.Max), lane));
        Assert.Null(held.Due());
        Assert.Same(first, held.Oldest);

        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(1, held.Due()!.Record.Offset);
        var probe = held.Due()!;
        held.Begin(probe, Expired);
        Assert.Null(held.Due());
        Assert.True(held.TryHold(probe, held.NotTaken(probe, Expired, SpoolVerdict.SenderRefused, TimeSpan.Zero)));
        time.Advance(TimeSpan.FromSeconds(7.5));
        Assert.Equal(2, held.Due()!.Record.Offset);
    }

    private static PendingDelivery At(SpoolSegment segment, long offset) => new(new SpooledRecord(segment, offset, default));

    private static ExportReply Reply(StatusCode status) => new(status, "as the test says", ReadOnlyMemory<byte>.Empty, []);

    private static ExportReply Throttled(TimeSpan delay) => new(
        StatusCode.ResourceExhausted, "slow down", ReadOnlyMemory<byte>.Empty, [StatusDetails.Trailer(StatusDetails.RetryInfo(StatusCode.ResourceExhausted, "slow down", delay))]);
}
