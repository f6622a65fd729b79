using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Forward.Http2;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Http2;

/// <summary>How many connections there are, how long they stay, and how often a peer is asked whether it lives.</summary>
public sealed class ConnectionUseTests
{
    private const int MaxConcurrentStreams = 3;

    private static CancellationToken Cancellation => Deadline.Token();

    [Fact]
    public async Task A_further_connection_closes_after_a_minute_without_calls_and_the_first_one_stays()
    {
        var time = new FakeTimeProvider();
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(time);
        var (first, second) = await TwoConnectionsAsync(peer, transport);

        // Used again meanwhile: the minute counts from then.
        Pass(time, TimeSpan.FromSeconds(50));
        var calls = new[] { Call(transport), Call(transport) };
        await first.ReadRequestAsync();
        await second.ReadRequestAsync();
        await first.SendAsync(Frames.Accepted(3));
        await second.SendAsync(Frames.Accepted(3));
        await Task.WhenAll(calls);
        Pass(time, TimeSpan.FromSeconds(50));
        await second.SendAsync(Frames.Ping(1));
        Assert.Equal((6, 1), await second.ReadNextAsync() is var pong ? (pong.Type, pong.Flags) : default);

        // Not a step further than to the end of the minute: the farewell has a second to leave.
        Pass(time, TimeSpan.FromSeconds(15));
        Assert.Equal(Http2ErrorCode.None, await second.ReadGoAwayAsync());
        Assert.Null(await second.TryReadFrameAsync());
        Pass(time, TimeSpan.FromHours(1));
        await AssertServesAsync(transport, first, streamId: 5);
    }

    [Fact]
    public async Task When_the_first_connection_leaves_the_further_one_is_no_surplus()
    {
        var time = new FakeTimeProvider();
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(time);
        var (first, second) = await TwoConnectionsAsync(peer, transport);
        await first.SendAsync(Frames.GoAway(1));
        Assert.Equal(Http2ErrorCode.None, await first.ReadGoAwayAsync());

        Pass(time, TimeSpan.FromHours(1));

        await AssertServesAsync(transport, second, streamId: 3);
    }

    [Fact]
    public async Task A_peer_that_refuses_further_connections_is_not_asked_again_by_every_call_that_waits()
    {
        var time = new FakeTimeProvider();
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(time);
        var calls = new List<Task<UpstreamAnswer>> { Call(transport) };
        var line = await peer.AcceptAsync((MaxConcurrentStreams, 1));
        await line.ReadRequestAsync();
        calls.Add(Call(transport));
        (await peer.AcceptSilentlyAsync()).Dispose();

        // The failed attempt is noted a moment after the peer has hung up.
        await Deadline.UntilAsync(() => !transport.IsConnecting, "the attempt has failed");
        calls.AddRange(Enumerable.Range(0, 20).Select(_ => Call(transport)));
        for (var streamId = 1; streamId < 2 * calls.Count; streamId += 2)
        {
            await line.SendAsync(Frames.Accepted(streamId));
            if (streamId + 2 < 2 * calls.Count)
            {
                await line.ReadRequestAsync();
            }
        }

        Assert.All(await Task.WhenAll(calls), answer => Assert.Equal(UpstreamAnswer.Accepted, answer));
        Assert.False(transport.IsConnecting);
        Assert.False(peer.HasPending);

        time.Advance(TimeSpan.FromSeconds(1));
        var last = new[] { Call(transport), Call(transport) };
        var further = await peer.AcceptAsync();
        var (furtherId, _) = await further.ReadRequestAsync();
        await further.SendAsync(Frames.Accepted(furtherId));
        var (lastId, _) = await line.ReadRequestAsync();
        await line.SendAsync(Frames.Accepted(lastId));
        await Task.WhenAll(last);
    }

    [Fact]
    public async Task A_peer_that_gets_too_many_pings_is_asked_half_as_often_from_then_on()
    {
        var time = new FakeTimeProvider();
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(time);
        var line = await AnnoyedAsync("too_many_pings");
        line = await AssertPingsAfterAsync(line, TimeSpan.FromSeconds(40));
        await line.SendAsync(Frames.GoAway(int.MaxValue, Http2ErrorCode.EnhanceYourCalm, "too_many_pings"));
        Assert.Equal(Http2ErrorCode.None, await line.ReadGoAwayAsync());

        await AssertPingsAfterAsync(null, TimeSpan.FromSeconds(80));

        async Task<ScriptedLine> AnnoyedAsync(string reason)
        {
            var call = Call(transport);
            var annoyed = await peer.AcceptAsync();
            var (streamId, _) = await annoyed.ReadRequestAsync();
            await annoyed.SendAsync(Frames.Accepted(streamId), Frames.GoAway(streamId, Http2ErrorCode.EnhanceYourCalm, reason));
            await call;
            Assert.Equal(Http2ErrorCode.None, await annoyed.ReadGoAwayAsync());
            return annoyed;
        }

        // A call over a new connection stays without an answer; the next thing that the peer hears is told apart by its flag.
        async Task<ScriptedLine> AssertPingsAfterAsync(ScriptedLine? gone, TimeSpan delay)
        {
            Assert.True(gone is null || await gone.TryReadFrameAsync() is null);
            var call = Call(transport);
            var next = await peer.AcceptAsync();
            var (streamId, _) = await next.ReadRequestAsync();
            time.Advance(delay - TimeSpan.FromSeconds(5));
            await next.SendAsync(Frames.Ping(1));
            Assert.Equal((6, 1), await next.ReadNextAsync() is var pong ? (pong.Type, pong.Flags) : default);
            time.Advance(delay + TimeSpan.FromSeconds(5));
            Assert.Equal((6, 0), await next.ReadNextAsync() is var ping ? (ping.Type, ping.Flags) : default);
            await next.SendAsync(Frames.Accepted(streamId));
            await call;
            return next;
        }
    }

    [Theory]
    [InlineData(Http2ErrorCode.EnhanceYourCalm, "memory_pressure")]
    [InlineData(Http2ErrorCode.None, "too_many_pings")]
    internal async Task A_peer_that_leaves_for_another_reason_is_asked_as_often_as_before(Http2ErrorCode code, string reason)
    {
        var time = new FakeTimeProvider();
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(time);
        var call = Call(transport);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();
        await line.SendAsync(Frames.Accepted(1), Frames.GoAway(1, code, reason));
        await call;

        var next = Call(transport);
        var another = await peer.AcceptAsync();
        await another.ReadRequestAsync();
        time.Advance(TimeSpan.FromSeconds(25));

        Assert.Equal((6, 0), await another.ReadNextAsync() is var ping ? (ping.Type, ping.Flags) : default);
        await another.SendAsync(Frames.Accepted(1));
        await next;
    }

    [Fact]
    public async Task Pings_behind_the_requests_are_no_flood_however_many_requests_come_in_a_second()
    {
        // The time stands still: all of this happens within one second.
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(new FakeTimeProvider());
        ScriptedLine? line = null;
        for (var pings = 0; pings < 2 * FloodGuard.FramesPerSecondMax; pings += 4)
        {
            var call = Call(transport);
            line ??= await peer.AcceptAsync();
            var headers = await line.ReadNextAsync();
            while (headers.Type == 6)
            {
                headers = await line.ReadNextAsync();
            }

            await line.ReadNextAsync();
            await line.SendAsync(Frames.Ping(1), Frames.Ping(2), Frames.Ping(3), Frames.Ping(4), Frames.Accepted(headers.StreamId));
            Assert.Equal(UpstreamAnswer.Accepted, await call);
        }
    }

    private static async Task<(ScriptedLine First, ScriptedLine Second)> TwoConnectionsAsync(ScriptedPeer peer, Http2Transport transport)
    {
        var one = Call(transport);
        var first = await peer.AcceptAsync((MaxConcurrentStreams, 1));
        await first.ReadRequestAsync();
        var other = Call(transport);
        var second = await peer.AcceptAsync((MaxConcurrentStreams, 1));
        await second.ReadRequestAsync();
        await first.SendAsync(Frames.Accepted(1));
        await second.SendAsync(Frames.Accepted(1));
        await Task.WhenAll(one, other);
        return (first, second);
    }

    // In steps, because timers that fire within one step all see the time at its end.
    private static void Pass(FakeTimeProvider time, TimeSpan span)
    {
        for (var passed = TimeSpan.Zero; passed < span; passed += TimeSpan.FromSeconds(5))
        {
            time.Advance(TimeSpan.FromSeconds(5));
        }
    }

    private static async Task AssertServesAsync(Http2Transport transport, ScriptedLine line, int streamId)
    {
        var call = Call(transport);
        Assert.Equal(streamId, (await line.ReadRequestAsync()).StreamId);
        await line.SendAsync(Frames.Accepted(streamId));
        Assert.Equal(UpstreamAnswer.Accepted, await call);
    }

    private static Task<UpstreamAnswer> Call(Http2Transport transport) =>
        transport.CallAsync(Signal.Traces, TestBodies.Body(10), RequestMetadata.Empty, Cancellation).AsTask();
}
