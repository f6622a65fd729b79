using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Forward.Http2;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Http2;

/// <summary>Whether the upstream is there, found out without a call.</summary>
public sealed class ProbeTests
{
    private static CancellationToken Cancellation => Deadline.Token();

    [Fact]
    public async Task Probes_share_a_new_connection_that_counts_once_the_peer_has_sent_its_settings()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var first = Probe(transport);
        var second = Probe(transport);
        var line = await peer.AcceptSilentlyAsync();
        await line.ReadPrefaceAsync();
        Assert.False(first.IsCompleted);

        await line.SendAsync(Frames.Settings());

        Assert.Equal([null, null], await Task.WhenAll(first, second));
        await AssertServesAsync(transport, line, streamId: 1);
        Assert.False(peer.HasPending);
    }

    [Fact]
    public async Task A_live_connection_answers_a_probe_without_a_frame()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var connecting = Probe(transport);
        var line = await peer.AcceptAsync();
        Assert.Null(await connecting);

        for (var i = 0; i < 100; i++)
        {
            Assert.True(Probe(transport).IsCompletedSuccessfully);
        }

        await AssertServesAsync(transport, line, streamId: 1);
    }

    [Fact]
    public async Task A_probe_says_why_there_is_no_connection()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var probe = Probe(transport);
        var line = await peer.AcceptSilentlyAsync();
        await line.ReadPrefaceAsync();
        await line.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());

        var failure = Assert.NotNull(await probe);

        Assert.Equal((UpstreamOutcome.ConnectFailed, StatusCode.Unavailable), (failure.Outcome, failure.Reply.Status));
        Assert.Contains("not an HTTP/2 server", failure.Reply.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_the_peer_leaves_does_not_count_and_a_probe_makes_another()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var connecting = Probe(transport);
        var line = await peer.AcceptAsync();
        await connecting;
        await line.SendAsync(Frames.GoAway(0));
        Assert.Equal(Http2ErrorCode.None, await line.ReadGoAwayAsync());

        var probe = Probe(transport);
        var another = await peer.AcceptAsync();

        Assert.Null(await probe);
        await AssertServesAsync(transport, another, streamId: 1);
    }

    [Fact]
    public async Task A_connection_found_dead_by_the_keepalive_does_not_count()
    {
        var time = new FakeTimeProvider();
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(time);
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var call = transport.CallAsync(Signal.Traces, TestBodies.Body(10), RequestMetadata.Empty, impatience.Token).AsTask();
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.True(Probe(transport).IsCompletedSuccessfully);

        time.Advance(TimeSpan.FromSeconds(25));
        time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(Http2ErrorCode.None, await line.ReadGoAwayAsync());

        var probe = Probe(transport);
        await peer.AcceptAsync();
        Assert.Null(await probe);
    }

    [Fact]
    public async Task Who_stops_waiting_for_a_probe_does_not_stop_the_connection_from_coming_up()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var impatient = transport.ProbeAsync(impatience.Token).AsTask();
        var line = await peer.AcceptSilentlyAsync();
        await line.ReadPrefaceAsync();
        var patient = Probe(transport);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);

        await line.SendAsync(Frames.Settings());

        Assert.Null(await patient);
        Assert.False(peer.HasPending);
    }

    [Fact]
    public async Task A_transport_that_closes_tells_its_probes()
    {
        await using var peer = new ScriptedPeer();
        var transport = peer.Transport();
        var running = Probe(transport);
        await (await peer.AcceptSilentlyAsync()).ReadPrefaceAsync();

        await transport.DisposeAsync();

        Assert.Equal(UpstreamOutcome.ConnectFailed, Assert.NotNull(await running).Outcome);
        Assert.Equal(UpstreamOutcome.ConnectFailed, Assert.NotNull(await Probe(transport)).Outcome);
    }

    private static Task<UpstreamAnswer?> Probe(Http2Transport transport) => transport.ProbeAsync(Cancellation).AsTask();

    private static async Task AssertServesAsync(Http2Transport transport, ScriptedLine line, int streamId)
    {
        var call = transport.CallAsync(Signal.Traces, TestBodies.Body(10), RequestMetadata.Empty, Cancellation).AsTask();
        Assert.Equal(streamId, (await line.ReadRequestAsync()).StreamId);
        await line.SendAsync(Frames.Accepted(streamId));
        Assert.Equal(UpstreamAnswer.Accepted, await call);
    }
}
