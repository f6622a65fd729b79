using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward;

public sealed class ForwarderTests
{
    private static readonly string Large = new('x', 20_000);

    [Fact]
    public async Task The_bytes_go_upstream_and_the_upstreams_answer_comes_back()
    {
        await using var stub = await StubUpstream.StartAsync();
        await using var setup = ForwardSetup.Over(stub);
        stub.Answer = (context, call) => StubUpstream.ReplyAsync(
            context, StatusCode.InvalidArgument, call.Body.Length > 20_000 ? "large" : "small", trailers: [("grpc-status-details-bin", "CAM")]);

        var small = await setup.SendAsync("some bytes").InTime();
        var large = await setup.SendAsync(Large).InTime();

        Assert.Equal(["some bytes", Large], stub.Calls.Select(call => Encoding.UTF8.GetString(call.Message)));
        Assert.Equal((StatusCode.InvalidArgument, "small"), (small.Status, small.Message));
        Assert.Equal((StatusCode.InvalidArgument, "large"), (large.Status, large.Message));
        Assert.Equal([new ReplyTrailer("grpc-status-details-bin", "CAM")], large.Trailers.ToArray());
    }

    [Fact]
    public async Task A_partial_success_of_a_request_that_was_alone_comes_back_byte_for_byte()
    {
        // Not in the form that the tap would write: the message before the number.
        byte[] body = [0x0A, 0x04, 0x12, 0x00, 0x08, 0x07];
        await using var stub = await StubUpstream.StartAsync();
        await using var setup = ForwardSetup.Over(stub);
        stub.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: body);

        Assert.Equal(body, (await setup.SendAsync("small").InTime()).Body.ToArray());
        Assert.Equal(body, (await setup.SendAsync(Large).InTime()).Body.ToArray());
    }

    [Fact]
    public async Task A_thousand_requests_against_a_stalled_upstream_hold_no_thread_and_all_finish_when_it_wakes()
    {
        await using var stub = await StubUpstream.StartAsync(streamsMax: 1000);
        await using var setup = ForwardSetup.Over(stub, with: options => options with { TimeoutSeconds = 600 });
        var wake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        stub.Answer = async (context, _) =>
        {
            await wake.Task;
            await StubUpstream.SucceedAsync(context);
        };

        // Half of them small, which wait for four calls; half large, each a call of its own.
        var replies = Enumerable.Range(0, 1000).Select(i => setup.SendAsync((i & 1) == 0 ? $"<{i}>" : Large)).ToArray();
        await Deadline.UntilAsync(() => stub.Calls.Count == 504, "all that may go upstream is there");

        Assert.All(replies, reply => Assert.False(reply.IsCompleted));
        Assert.InRange(ThreadPool.ThreadCount, 0, 300);
        wake.SetResult();
        Assert.All(await Task.WhenAll(replies).InTime(), reply => Assert.Same(ExportReply.Accepted, reply));
        Assert.Equal(
            Enumerable.Range(0, 500).Select(i => $"<{2 * i}>").Order(StringComparer.Ordinal),
            stub.Calls.Where(call => call.Body.Length < 20_000).SelectMany(call => Encoding.UTF8.GetString(call.Message).Split('>', StringSplitOptions.RemoveEmptyEntries)).Select(text => $"{text}>").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_upstream_that_is_down_is_UNAVAILABLE_at_once_and_served_again_after_its_restart()
    {
        var time = new FakeTimeProvider();
        var stub = await StubUpstream.StartAsync();
        await using var setup = ForwardSetup.Over(stub, time);
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("before").InTime());
        Assert.True(setup.Forwarder.IsReachable);
        await stub.DisposeAsync();

        // The first may still find the old connection and see it break; the next finds nobody.
        ExportReply down;
        do
        {
            down = await setup.SendAsync("down").InTime();
            Assert.Equal(StatusCode.Unavailable, down.Status);
        }
        while (!down.Message.Contains("cannot connect", StringComparison.Ordinal));

        Assert.False(setup.Forwarder.IsReachable);
        var refused = await setup.SendAsync("refused").InTime();
        Assert.Equal($"upstream {stub.Endpoint}: cannot connect: Connection refused", refused.Message);
        Assert.InRange(RetryDelay(refused), TimeSpan.FromMilliseconds(80), TimeSpan.FromMilliseconds(120));
        Assert.Contains("otlptap_upstream_gate_closed{exporter=\"otlp_grpc/test\"} 1", await setup.MetricsAsync(), StringComparison.Ordinal);

        await using var again = await StubUpstream.StartAsync(stub.Port);
        Assert.Equal(StatusCode.Unavailable, (await setup.SendAsync("too early").InTime()).Status);
        time.Advance(TimeSpan.FromMilliseconds(121));
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("after").InTime());
        Assert.True(setup.Forwarder.IsReachable);
        Assert.Equal("after", Encoding.UTF8.GetString(Assert.Single(again.Calls).Message));
        Assert.Contains("otlptap_upstream_gate_closed{exporter=\"otlp_grpc/test\"} 0", await setup.MetricsAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_the_upstream_is_down_one_request_in_each_backoff_tries_and_the_others_are_told_when()
    {
        var time = new FakeTimeProvider();
        await using var transport = new ScriptedTransport();
        await using var setup = ForwardSetup.Scripted(transport, time);
        var attempts = 0;
        transport.Always = _ =>
        {
            Interlocked.Increment(ref attempts);
            return new UpstreamAnswer(UpstreamOutcome.ConnectFailed, new ExportReply(StatusCode.Unavailable, "refused", default, []));
        };

        for (var second = 0; second < 60; second++)
        {
            for (var i = 0; i < 100; i++)
            {
                Assert.Equal(StatusCode.Unavailable, (await setup.SendAsync("x").InTime()).Status);
            }

            time.Advance(TimeSpan.FromSeconds(1));
        }

        // 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, ... seconds, a fifth more or less, seen once a second.
        Assert.InRange(attempts, 13, 20);
    }

    [Fact]
    public async Task A_probe_finds_an_upstream_that_no_call_has_shown_and_leaves_it_nothing_to_count()
    {
        await using var stub = await StubUpstream.StartAsync();
        await using var setup = ForwardSetup.Over(stub);
        Assert.False(setup.Forwarder.IsReachable);

        Assert.True(await setup.Forwarder.ProbeAsync(Deadline.Token()));
        Assert.True(await setup.Forwarder.ProbeAsync(Deadline.Token()));

        Assert.True(setup.Forwarder.IsReachable);
        Assert.Empty(stub.Calls);
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("over the same connection").InTime());
        Assert.Equal(1, stub.Connections);
    }

    [Fact]
    public async Task A_probe_notices_an_upstream_that_left_without_a_call_to_show_it()
    {
        var stub = await StubUpstream.StartAsync();
        await using var setup = ForwardSetup.Over(stub);
        Assert.True(await setup.Forwarder.ProbeAsync(Deadline.Token()));
        await stub.DisposeAsync();

        await Deadline.UntilAsync(async () => !await setup.Forwarder.ProbeAsync(Deadline.Token()), "a probe finds nobody");

        Assert.False(setup.Forwarder.IsReachable);
    }

    [Fact]
    public async Task A_probe_of_an_upstream_that_is_down_says_so_and_opens_the_way_when_it_is_back()
    {
        var time = new FakeTimeProvider();
        var port = StubUpstream.UnusedPort();
        await using var setup = ForwardSetup.To($"127.0.0.1:{port}", time);

        Assert.False(await setup.Forwarder.ProbeAsync(Deadline.Token()));
        Assert.Equal(StatusCode.Unavailable, (await setup.SendAsync("refused").InTime()).Status);
        await using var stub = await StubUpstream.StartAsync(port);
        Assert.False(await setup.Forwarder.ProbeAsync(Deadline.Token()));
        time.Advance(TimeSpan.FromMilliseconds(121));

        Assert.True(await setup.Forwarder.ProbeAsync(Deadline.Token()));
        Assert.Same(ExportReply.Accepted, await setup.SendAsync("served").InTime());
    }

    [Fact]
    public async Task A_stalled_upstream_stays_reachable()
    {
        var time = new FakeTimeProvider();
        await using var transport = new ScriptedTransport();
        await using var setup = ForwardSetup.Scripted(transport, time);
        var served = setup.SendAsync("served");
        (await transport.TakeAsync()).Succeed();
        await served.InTime();

        var stalled = setup.SendAsync("stalled");
        await transport.TakeAsync();
        time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(StatusCode.Unavailable, (await stalled.InTime()).Status);
        Assert.True(setup.Forwarder.IsReachable);
    }

    [Fact]
    public async Task A_poisoned_neighbour_alone_is_refused_by_a_real_server()
    {
        await using var stub = await StubUpstream.StartAsync();
        await using var setup = ForwardSetup.Over(stub, with: options => options with { CallsInFlightMax = 1 });
        var arrived = new TaskCompletionSource();
        var wake = new TaskCompletionSource();
        stub.Answer = async (context, call) =>
        {
            arrived.TrySetResult();
            await wake.Task;
            await (Encoding.UTF8.GetString(call.Message).Contains("poison", StringComparison.Ordinal)
                ? StubUpstream.RefuseAsync(context, StatusCode.InvalidArgument, "poison found", ("grpc-status-details-bin", "CAM"))
                : StubUpstream.SucceedAsync(context));
        };

        var first = setup.SendAsync("first");
        await arrived.Task.InTime();
        var replies = Enumerable.Range(0, 20).Select(i => setup.SendAsync(i == 7 ? "poison" : "good")).ToArray();
        wake.SetResult();
        var told = await Task.WhenAll(replies).InTime();

        Assert.Same(ExportReply.Accepted, await first.InTime());
        Assert.Equal("poison found", told[7].Message);
        Assert.Equal([new ReplyTrailer("grpc-status-details-bin", "CAM")], told[7].Trailers.ToArray());
        Assert.All(told.Where((_, i) => i != 7), reply => Assert.Same(ExportReply.Accepted, reply));
        Assert.Equal(22, stub.Calls.Count);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(20_000)]
    public async Task An_agent_whose_code_blocks_holds_up_neither_the_connection_nor_another_agent(int length)
    {
        await using var stub = await StubUpstream.StartAsync();
        await using var setup = ForwardSetup.Over(stub, with: options => options with { CallsInFlightMax = 1 });
        var wake = new TaskCompletionSource();
        stub.Answer = async (context, _) =>
        {
            await wake.Task;
            await StubUpstream.SucceedAsync(context);
        };
        using var goOn = new ManualResetEventSlim();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        // Runs where the reply is set, and stays there.
        var blocked = setup.SendAsync(new string('a', length)).ContinueWith(
            _ =>
            {
                entered.SetResult();
                goOn.Wait(Deadline.Token());
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        var next = setup.SendAsync(new string('b', length));
        wake.SetResult();
        await entered.Task.InTime();

        Assert.Same(ExportReply.Accepted, await next.InTime());
        Assert.Same(ExportReply.Accepted, await setup.SendAsync(new string('c', length)).InTime());
        Assert.False(blocked.IsCompleted);
        goOn.Set();
        await blocked.InTime();
    }

    [Fact]
    public async Task An_agent_that_leaves_gets_its_own_cancellation_while_the_upstream_gets_the_bytes()
    {
        await using var stub = await StubUpstream.StartAsync();
        await using var setup = ForwardSetup.Over(stub);
        var arrived = new TaskCompletionSource();
        var wake = new TaskCompletionSource();
        var aborted = false;
        stub.Answer = async (context, _) =>
        {
            arrived.SetResult();
            await wake.Task;
            aborted = context.RequestAborted.IsCancellationRequested;
            await StubUpstream.SucceedAsync(context);
        };
        using var leaving = new CancellationTokenSource();

        var reply = setup.SendUntilAsync(Large, leaving.Token);
        await arrived.Task.InTime();
        await leaving.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reply.InTime());
        Assert.Equal(Large.Length, setup.CreditOut);
        wake.SetResult();
        await setup.AssertAllCameBackAsync();
        Assert.False(aborted);
    }

    [Fact]
    public async Task The_drain_waits_for_what_is_in_flight_and_its_deadline_ends_the_waiting()
    {
        await using var transport = new ScriptedTransport();
        await using var setup = ForwardSetup.Scripted(transport);
        await setup.Forwarder.DrainAsync(Deadline.Token()).InTime();
        var reply = setup.SendAsync("in flight");
        var call = await transport.TakeAsync();
        using var deadline = new CancellationTokenSource();

        var early = setup.Forwarder.DrainAsync(deadline.Token);
        var late = setup.Forwarder.DrainAsync(Deadline.Token());
        await deadline.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => early);
        Assert.False(late.IsCompleted);
        call.Succeed();

        await late.InTime();
        Assert.Same(ExportReply.Accepted, await reply.InTime());
    }

    [Fact]
    public async Task What_is_in_flight_or_waiting_when_the_tap_ends_is_told_to_come_again()
    {
        await using var transport = new ScriptedTransport();
        var setup = ForwardSetup.Scripted(transport, with: options => options with { CallsInFlightMax = 1 });
        var inFlight = setup.SendAsync("in flight");
        var waiting = setup.SendAsync("waiting");
        var large = setup.SendAsync(Large);
        await transport.TakeAsync();

        await setup.DisposeAsync();
        var late = setup.SendAsync("late");

        foreach (var reply in new[] { inFlight, waiting, large, late })
        {
            var told = await reply.InTime();
            Assert.Equal(StatusCode.Unavailable, told.Status);
            Assert.Equal("upstream upstream.test:4317: not sent, the tap is stopping", told.Message);
        }

        await setup.AssertAllCameBackAsync();
    }

    [Fact]
    public async Task An_idle_forwarder_forwards_a_request_with_little_garbage_of_its_own()
    {
        await using var direct = new InstantTransport();
        await using var setup = ForwardSetup.Scripted(direct);
        var message = new byte[500];
        for (var i = 0; i < 1000; i++)
        {
            await setup.SendAsync(message);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(setup.SendAsync(message).IsCompletedSuccessfully);
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1000, 0, 1024);
    }

    private static TimeSpan RetryDelay(ExportReply reply)
    {
        var trailer = Assert.Single(reply.Trailers.ToArray());
        Assert.Equal("grpc-status-details-bin", trailer.Name);
        Assert.True(StatusDetails.TryReadTrailer(trailer.Value, out var status));
        Assert.True(StatusDetails.TryReadRetryDelay(status, out var delay));
        return delay;
    }

    /// <summary>Answers before the call returns, so that all the tap does happens on the caller's thread, where it can be weighed.</summary>
    private sealed class InstantTransport : IUpstreamTransport
    {
        public ValueTask<UpstreamAnswer> CallAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation) =>
            ValueTask.FromResult(UpstreamAnswer.Accepted);

        public ValueTask<UpstreamAnswer?> ProbeAsync(CancellationToken cancellation) => default;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
