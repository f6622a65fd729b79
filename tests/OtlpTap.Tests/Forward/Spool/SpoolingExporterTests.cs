using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Spool;

public sealed class SpoolingExporterTests
{
    private static readonly ExportReply Refused = new(StatusCode.InvalidArgument, "bad", ReadOnlyMemory<byte>.Empty, []);

    [Fact]
    public async Task A_request_that_the_upstream_takes_never_touches_the_disk()
    {
        await using var setup = new SpoolSetup();
        var partial = new ExportReply(StatusCode.OK, "", new PartialSuccess(3, "three").ToResponse(), []);
        setup.Inner.AlwaysAnswer(partial);

        Assert.Same(partial, await setup.SendAsync("fresh").InTime());

        Assert.Empty(setup.Files.Segments);
        Assert.Equal(["fresh"], setup.Inner.Texts);
    }

    [Fact]
    public async Task A_refusal_for_good_goes_to_the_sender_and_not_to_the_spool()
    {
        await using var setup = new SpoolSetup();
        setup.Inner.AlwaysAnswer(Refused);

        Assert.Same(Refused, await setup.SendAsync("bad").InTime());

        Assert.Empty(setup.Files.Segments);
    }

    [Fact]
    public async Task A_request_that_fails_retryably_is_acknowledged_and_delivered_later_as_it_came()
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync();
        var tenant = new RequestMetadata([("authorization", "Bearer ä"), ("x-scope-orgid", "a")]);
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("logs", tenant, Signal.Logs, items: 7).InTime());
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("", signal: Signal.Metrics, items: 0).InTime());
        Assert.Equal(3, setup.Spool.Records);
        var before = setup.Inner.Calls.Count;

        setup.BringUp();
        await setup.DeliverAllAsync();

        Assert.Equal(
            [new Exported(Signal.Traces, "first", 1, RequestMetadata.Empty), new Exported(Signal.Logs, "logs", 7, tenant), new Exported(Signal.Metrics, "", 0, RequestMetadata.Empty)],
            setup.Inner.Calls.Skip(before).Where(call => call.Text != "first").Prepend(setup.Inner.Calls[0]));
        Assert.Equal(7, setup.Metric("otlptap_spool_delivered_items_total", ",signal=\"logs\""));
        await setup.PassTimeUntilAsync(() => setup.Files.Segments.Count == 0, "the segment is deleted");
        Assert.Equal(0, setup.Metric("otlptap_spool_bytes"));
    }

    [Fact]
    public async Task Nothing_is_acknowledged_before_the_sync_has_ended()
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync();
        using var syncing = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        setup.Files.Before = (operation, path) =>
        {
            if (operation == "Sync")
            {
                syncing.Release();
                go.Wait(Deadline.Token());
            }
        };

        var reply = setup.SendAsync("second");
        await syncing.WaitAsync(Deadline.Token());
        Assert.False(reply.IsCompleted);
        Assert.Equal(1, setup.Spool.Records);
        go.Release();

        Assert.Same(ExportReply.Accepted, await reply.InTime());
        setup.Files.Before = null;
    }

    [Fact]
    public async Task All_that_wait_for_a_sync_share_the_next_one()
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync();
        using var syncing = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        setup.Files.Before = (operation, path) =>
        {
            if (operation == "Sync")
            {
                syncing.Release();
                go.Wait(Deadline.Token());
            }
        };
        var before = setup.Files.SegmentSyncs;
        var first = setup.SendAsync("0");
        await syncing.WaitAsync(Deadline.Token());
        var others = Enumerable.Range(1, 200).Select(i => setup.SendAsync($"{i}")).ToArray();

        go.Release(2);

        Assert.All(await Task.WhenAll([first, .. others]).InTime(), reply => Assert.Same(ExportReply.Accepted, reply));
        Assert.Equal(before + 2, setup.Files.SegmentSyncs);
        setup.Files.Before = null;
    }

    [Fact]
    public async Task While_the_upstream_is_down_requests_do_not_try_it()
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync();

        for (var i = 0; i < 20; i++)
        {
            Assert.Same(ExportReply.Accepted, await setup.SendAsync($"{i}").InTime());
        }

        Assert.Equal(["first"], setup.Inner.Texts);
        Assert.True(setup.Exporter.IsReachable);
        Assert.Equal(1, setup.Metric("otlptap_spool_upstream_down"));
        Assert.Equal(21, setup.Metric("otlptap_spool_records"));
        Assert.Contains(setup.Log.Messages, line => line.Contains("kept in the spool", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stalled_upstream_counts_as_down_after_the_first_request_that_waited()
    {
        await using var setup = new SpoolSetup();
        var stalls = new TaskCompletionSource<ExportReply>();
        setup.Inner.Answer = (_, _) => stalls.Task;
        var reply = setup.SendAsync("first");
        setup.Time.Advance(TimeSpan.FromSeconds(5));
        setup.Inner.AlwaysAnswer(SpoolSetup.Unavailable);

        stalls.SetResult(SpoolSetup.Unavailable);

        Assert.Same(ExportReply.Accepted, await reply.InTime());
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("second").InTime());
        Assert.Equal(["first"], setup.Inner.Texts);
    }

    [Fact]
    public async Task A_sender_that_leaves_after_a_long_wait_takes_the_upstream_down_for_those_after_it()
    {
        await using var setup = new SpoolSetup();
        setup.Inner.Answer = (_, _) => new TaskCompletionSource<ExportReply>().Task;
        using var leaving = new CancellationTokenSource();
        var left = setup.SendUntilAsync("left", leaving.Token);
        setup.Time.Advance(TimeSpan.FromSeconds(4));

        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left.InTime());
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("second").InTime());
        Assert.Equal(["left"], setup.Inner.Texts);
    }

    [Fact]
    public async Task One_failure_that_comes_at_once_from_a_reachable_upstream_sends_nobody_else_to_the_disk()
    {
        await using var setup = new SpoolSetup();
        setup.Inner.Answer = (call, _) => Task.FromResult(call.Text == "unlucky" && setup.Inner.Calls.Count == 1 ? SpoolSetup.Unavailable : ExportReply.Accepted);

        Assert.Same(ExportReply.Accepted, await setup.SendAsync("unlucky").InTime());
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("fresh").InTime());

        await setup.DeliverAllAsync();
        Assert.Equal(2, setup.Inner.Texts.Count(text => text == "unlucky"));
        Assert.Contains("fresh", setup.Inner.Texts);
        Assert.Equal(1, setup.Metric("otlptap_spool_appended_requests_total", ",signal=\"traces\""));
    }

    [Fact]
    public async Task Fresh_requests_go_straight_through_while_the_spool_drains()
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync("old 0");
        for (var i = 1; i < 40; i++)
        {
            await setup.SendAsync($"old {i}").InTime();
        }

        // The first old one is delivered, which takes the upstream up; the others take long.
        var before = setup.Inner.Calls.Count;
        var slow = new TaskCompletionSource<ExportReply>();
        setup.BringUp();
        setup.Inner.Answer = (call, _) => call.Text.StartsWith("old", StringComparison.Ordinal) && call.Text != "old 0" ? slow.Task : Task.FromResult(ExportReply.Accepted);
        await setup.PassTimeUntilAsync(() => setup.Inner.Calls.Count >= before + 5, "deliveries are under way");

        Assert.Same(ExportReply.Accepted, await setup.SendAsync("fresh").InTime());

        Assert.Equal("fresh", setup.Inner.Texts[^1]);
        Assert.Equal(39, setup.Spool.Records);
        slow.SetResult(ExportReply.Accepted);
        await setup.DeliverAllAsync();
        Assert.InRange(setup.Inner.InFlightMost, 2, 5);
    }

    [Fact]
    public async Task Deliveries_start_oldest_first_and_a_failed_one_goes_before_those_behind_it()
    {
        await using var setup = new SpoolSetup(with: options => options with { SegmentBytes = 1 << 20 });
        await setup.TakeDownAsync("0");
        for (var i = 1; i < 100; i++)
        {
            await setup.SendAsync($"{i}").InTime();
        }

        var failed = false;
        var before = setup.Inner.Calls.Count;
        setup.BringUp();
        setup.Inner.Answer = (call, _) =>
        {
            var fails = call.Text == "50" && !failed;
            failed |= fails;
            return Task.FromResult(fails ? SpoolSetup.Unavailable : ExportReply.Accepted);
        };
        await setup.DeliverAllAsync();

        var texts = setup.Inner.Texts.Skip(before).ToList();
        var again = texts.LastIndexOf("50");
        Assert.InRange(again - texts.IndexOf("50"), 1, 4);
        texts.RemoveAt(again);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i}"), texts);
    }

    [Fact]
    public async Task Attempts_keep_the_intervals_of_retry_on_failure()
    {
        await using var setup = new SpoolSetup(retry: new RetryOptions { InitialInterval = TimeSpan.FromSeconds(4), Multiplier = 2, IntervalMax = TimeSpan.FromSeconds(10), RandomizationFactor = 0 });
        await setup.TakeDownAsync();
        var at = new List<double>();
        var started = setup.Time.GetUtcNow();
        setup.Inner.Answer = (_, _) =>
        {
            at.Add((setup.Time.GetUtcNow() - started).TotalSeconds);
            return Task.FromResult(SpoolSetup.Unavailable);
        };

        await setup.PassTimeUntilAsync(() => at.Count == 4, "four attempts were made", TimeSpan.FromMilliseconds(100));

        // The loop looks once a second.
        var gaps = at.Prepend(0).Zip(at, (from, to) => to - from).ToArray();
        Assert.All(gaps.Zip([4, 8, 10, 10]), gap => Assert.True(gap.First >= gap.Second - 0.01, $"{gap}"));
    }

    [Fact]
    public async Task A_delay_that_the_upstream_names_is_kept_and_its_end_too()
    {
        await using var setup = new SpoolSetup();
        var throttled = new ExportReply(
            StatusCode.ResourceExhausted, "slow down", ReadOnlyMemory<byte>.Empty, [StatusDetails.Trailer(StatusDetails.RetryInfo(StatusCode.ResourceExhausted, "slow down", TimeSpan.FromMinutes(3)))]);
        setup.Inner.AlwaysAnswer(throttled);
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("throttled").InTime());
        setup.Inner.AlwaysAnswer(ExportReply.Accepted);
        var sent = setup.Time.GetUtcNow();

        // Being throttled takes nothing down.
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("other").InTime());
        Assert.Equal(["throttled", "other"], setup.Inner.Texts);

        await setup.DeliverAllAsync();
        Assert.True(setup.Time.GetUtcNow() - sent >= TimeSpan.FromMinutes(3));
        Assert.Equal(["throttled", "other", "throttled"], setup.Inner.Texts);
    }

    [Fact]
    public async Task A_connection_that_a_probe_finds_ends_the_wait_for_the_next_attempt()
    {
        await using var setup = new SpoolSetup(retry: new RetryOptions { InitialInterval = TimeSpan.FromHours(1), IntervalMax = TimeSpan.FromHours(1), RandomizationFactor = 0 });
        await setup.TakeDownAsync();
        var down = setup.Time.GetUtcNow();
        setup.BringUp();

        await setup.DeliverAllAsync();

        Assert.True(setup.Time.GetUtcNow() - down < TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task A_record_that_the_upstream_refuses_for_good_is_discarded_counted_and_logged_within_bounds()
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync("bad 0");
        for (var i = 1; i < 20; i++)
        {
            await setup.SendAsync($"bad {i}", items: 2).InTime();
        }

        await setup.SendAsync("good").InTime();
        setup.BringUp();
        setup.Inner.Answer = (call, _) => Task.FromResult(call.Text.StartsWith("bad", StringComparison.Ordinal) ? Refused : ExportReply.Accepted);

        await setup.DeliverAllAsync();

        Assert.Equal(20, setup.Metric("otlptap_spool_discarded_requests_total", ",reason=\"refused\""));
        Assert.Equal(39, setup.Metric("otlptap_spool_discarded_items_total", ",reason=\"refused\""));
        Assert.Equal(1, setup.Metric("otlptap_spool_delivered_requests_total", ",signal=\"traces\""));
        Assert.Single(setup.Log.Messages, line => line.Contains("lost a request of the spool", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_waited_longer_than_max_age_is_discarded_and_counted_though_the_upstream_is_still_down()
    {
        await using var setup = new SpoolSetup(with: options => options with { AgeMax = TimeSpan.FromMinutes(10) });
        await setup.TakeDownAsync();
        await setup.SendAsync("second", items: 5).InTime();
        setup.Time.Advance(TimeSpan.FromMinutes(6));
        await setup.SendAsync("young").InTime();
        Assert.InRange(setup.Metric("otlptap_spool_oldest_age_seconds"), 0, 601);

        await setup.PassTimeUntilAsync(() => setup.Spool.Records == 1, "the old ones are gone", TimeSpan.FromSeconds(10));

        Assert.Equal(2, setup.Metric("otlptap_spool_discarded_requests_total", ",reason=\"max_age\""));
        Assert.Equal(6, setup.Metric("otlptap_spool_discarded_items_total", ",reason=\"max_age\""));
        setup.BringUp();
        await setup.DeliverAllAsync();
        Assert.Contains("young", setup.Inner.Texts);
        Assert.DoesNotContain("second", setup.Inner.Texts);
    }

    [Fact]
    public async Task At_its_size_the_spool_refuses_what_is_new_and_keeps_what_is_old()
    {
        await using var setup = new SpoolSetup(with: options => options with { BytesMax = 16 << 10, SegmentBytes = 4 << 10 });
        await setup.TakeDownAsync();
        var text = new string('x', 1000);
        var taken = 0;
        ExportReply reply;
        while ((reply = await setup.SendAsync(text).InTime()).Status == StatusCode.OK)
        {
            taken++;
        }

        Assert.InRange(taken, 13, 16);
        Assert.Equal(StatusCode.Unavailable, reply.Status);
        Assert.Contains("the spool is full", reply.Message, StringComparison.Ordinal);
        Assert.True(FailureKind.TryGetRetryDelay(reply, out var delay));
        Assert.True(delay >= TimeSpan.FromSeconds(1));
        Assert.InRange(setup.Spool.Bytes, 1, 16 << 10);
        Assert.False(setup.Exporter.IsReachable);
        Assert.Equal(setup.Files.Segments.Sum(path => setup.Files[path].Length), setup.Spool.Bytes);
        Assert.Equal(1, setup.Metric("otlptap_spool_refused_requests_total", ",reason=\"full\""));

        setup.BringUp();
        await setup.DeliverAllAsync();
        Assert.Equal(taken + 1, setup.Metric("otlptap_spool_delivered_requests_total", ",signal=\"traces\""));
        await setup.TakeDownAsync("again");
        Assert.True(setup.Exporter.IsReachable);
    }

    [Fact]
    public async Task What_an_earlier_run_left_is_looked_through_beside_the_first_requests()
    {
        var files = new ForgetfulFiles();
        await using (var setup = new SpoolSetup(files, with: options => options with { BytesMax = 64 << 10, SegmentBytes = 1000 }))
        {
            await setup.TakeDownAsync("0");
            for (var i = 1; i < 30; i++)
            {
                await setup.SendAsync($"{i} {new string('x', 100)}").InTime();
            }
        }

        using var looking = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        var first = files.Segments[0];
        var opened = 0;
        files.Before = (operation, path) =>
        {
            // The first time to see what it is.
            if (operation == "Open" && path == first && Interlocked.Increment(ref opened) == 2)
            {
                looking.Release();
                go.Wait(Deadline.Token());
            }
        };
        await using var next = new SpoolSetup(files);
        await looking.WaitAsync(Deadline.Token());
        Assert.Same(ExportReply.Accepted, await next.SendAsync("fresh").InTime());
        await next.TakeDownAsync("new");
        Assert.False(next.Spool.IsEmpty);
        var before = next.Inner.Calls.Count;
        go.Release();
        next.BringUp();
        await next.DeliverAllAsync();

        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"{i}").Append("new"), next.Inner.Texts.Skip(before).Select(text => text.Split(' ')[0]));
        Assert.Contains(next.Log.Messages, line => line.Contains("holds 30 requests", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Closing_does_not_wait_until_everything_was_looked_through()
    {
        var files = new ForgetfulFiles();
        await using (var setup = new SpoolSetup(files, with: options => options with { BytesMax = 64 << 10, SegmentBytes = 1000 }))
        {
            await setup.TakeDownAsync("0");
            for (var i = 1; i < 30; i++)
            {
                await setup.SendAsync($"{i} {new string('x', 100)}").InTime();
            }
        }

        await using (var second = new SpoolSetup(files))
        {
            second.Inner.AlwaysAnswer(SpoolSetup.Unavailable);
        }

        await using var third = new SpoolSetup(files);
        await third.DeliverAllAsync();
        Assert.Equal(30, third.Inner.Texts.Distinct().Count());
    }

    [Fact]
    public async Task When_the_disk_is_full_the_sender_gets_the_upstreams_own_failure_and_when_it_is_not_it_is_acknowledged()
    {
        await using var setup = new SpoolSetup();
        setup.Files.Capacity = 0;
        setup.Inner.AlwaysAnswer(SpoolSetup.Unavailable);
        setup.Inner.IsReachable = false;

        Assert.Same(SpoolSetup.Unavailable, await setup.SendAsync("one").InTime());
        var untried = await setup.SendAsync("two").InTime();
        Assert.Equal(StatusCode.Unavailable, untried.Status);
        Assert.True(FailureKind.IsRetryable(untried));
        Assert.Equal(0, setup.Spool.Records);
        Assert.False(setup.Exporter.IsReachable);

        setup.Files.Capacity = 400;
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("three").InTime());
        Assert.Equal(StatusCode.Unavailable, (await setup.SendAsync(new string('x', 400)).InTime()).Status);
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("four").InTime());
        Assert.True(setup.Exporter.IsReachable);

        setup.Files.Capacity = long.MaxValue;
        setup.BringUp();
        var before = setup.Inner.Calls.Count;
        await setup.DeliverAllAsync();
        Assert.Equal(["three", "four"], setup.Inner.Texts.Skip(before));
    }

    [Fact]
    public async Task After_a_failed_sync_nothing_of_its_group_counts_and_a_new_segment_begins()
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync("durable");
        setup.Files.Before = (operation, path) =>
        {
            if (operation == "Sync")
            {
                throw new IOException("Input/output error");
            }
        };
        Assert.Equal(StatusCode.Unavailable, (await setup.SendAsync("lost").InTime()).Status);
        setup.Files.Before = null;

        Assert.Same(ExportReply.Accepted, await setup.SendAsync("later").InTime());

        Assert.Equal(2, setup.Files.Segments.Count);
        Assert.Equal(2, setup.Spool.Records);
        var before = setup.Inner.Calls.Count;
        setup.BringUp();
        await setup.DeliverAllAsync();
        Assert.Equal(["durable", "later"], setup.Inner.Texts.Skip(before));
        await setup.PassTimeUntilAsync(() => setup.Files.Segments.Count == 0, "both are deleted");
    }

    [Fact]
    public async Task A_drain_waits_for_appends_and_not_for_the_spool_and_the_next_start_goes_on()
    {
        var files = new ForgetfulFiles();
        await using (var setup = new SpoolSetup(files))
        {
            await setup.TakeDownAsync("0");
            for (var i = 1; i < 10; i++)
            {
                await setup.SendAsync($"{i}").InTime();
            }

            setup.BringUp();
            var slow = new TaskCompletionSource<ExportReply>();
            setup.Inner.Answer = (call, _) => call.Text is "0" or "1" or "2" ? Task.FromResult(ExportReply.Accepted) : slow.Task;
            await setup.PassTimeUntilAsync(() => setup.Spool.Records == 7, "three are delivered");
            var drained = setup.Exporter.DrainAsync(Deadline.Token());
            Assert.False(drained.IsCompleted);
            slow.SetResult(ExportReply.Accepted);
            await drained.InTime();
            Assert.Equal(3, setup.Spool.Records);
            Assert.Equal(8, setup.Inner.Calls.Count);
        }

        await using var next = new SpoolSetup(files);
        Assert.Equal(3, next.Spool.Records);
        await next.DeliverAllAsync();
        Assert.Equal(["7", "8", "9"], next.Inner.Texts);
    }

    [Fact]
    public async Task Closing_while_the_upstream_stalls_does_not_wait_for_it_and_keeps_what_it_had()
    {
        var files = new ForgetfulFiles();
        await using (var setup = new SpoolSetup(files))
        {
            await setup.TakeDownAsync("kept");
            setup.Inner.Answer = (_, _) => new TaskCompletionSource<ExportReply>().Task;
            await setup.PassTimeUntilAsync(() => setup.Inner.Calls.Count == 2, "the delivery is under way");
        }

        await using var next = new SpoolSetup(files);
        await next.DeliverAllAsync();
        Assert.Equal(["kept"], next.Inner.Texts);
    }

    [Fact]
    public async Task What_the_upstream_rejects_of_a_delivered_request_is_counted()
    {
        await using var setup = new SpoolSetup();
        await setup.TakeDownAsync();
        setup.BringUp();
        setup.Inner.AlwaysAnswer(new ExportReply(StatusCode.OK, "", new PartialSuccess(4, "four").ToResponse(), []));

        await setup.DeliverAllAsync();

        Assert.Equal(4, setup.Metric("otlptap_spool_rejected_items_total"));
    }

    [Fact]
    public async Task Large_records_are_delivered_one_by_one_within_the_memory_for_deliveries()
    {
        await using var setup = new SpoolSetup(with: options => options with { BytesMax = 1L << 30 });
        await setup.TakeDownAsync("0");
        var large = new string('x', 17 << 20);
        await setup.SendAsync(large).InTime();
        await setup.SendAsync(large).InTime();
        var before = setup.Inner.Calls.Count;
        var gate = new Lock();
        var (largeInFlight, largeMost) = (0, 0);
        setup.BringUp();
        setup.Inner.Answer = async (call, _) =>
        {
            var one = call.Text.Length > 1000 ? 1 : 0;
            lock (gate)
            {
                largeMost = Math.Max(largeMost, largeInFlight += one);
            }

            await Task.Yield();
            lock (gate)
            {
                largeInFlight -= one;
            }

            return ExportReply.Accepted;
        };

        await setup.DeliverAllAsync();

        Assert.Equal(before + 3, setup.Inner.Calls.Count);
        Assert.Equal(1, largeMost);
    }
}
