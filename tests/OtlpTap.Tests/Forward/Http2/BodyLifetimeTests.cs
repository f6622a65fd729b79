using OtlpTap.Forward;
using OtlpTap.Forward.Http2;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Http2;

/// <summary>
/// The payloads are the caller's again once its task has completed. Each test then writes over them, and looks at the
/// wire for bytes that were never part of the request.
/// </summary>
public sealed class BodyLifetimeTests
{
    private const int InitialWindowSize = 4;
    private const byte Overwritten = 0xEE;

    private static CancellationToken Cancellation => Deadline.Token();

    [Fact]
    public async Task A_call_cancelled_in_the_middle_of_a_send_that_the_peer_does_not_take_ends_at_once_and_is_read_no_more()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        const int Length = 60 << 20;
        var payload = TestBodies.Payload(Length);
        var call = transport.CallAsync(Signal.Traces, new UpstreamBody(payload), RequestMetadata.Empty, impatience.Token).AsTask();

        // Windows far beyond what the socket takes while nobody reads: the send hangs with most of the body to go.
        var line = await peer.AcceptAsync((InitialWindowSize, 100 << 20));
        await line.SendAsync(Frames.WindowUpdate(0, 100 << 20));
        await line.ReadNextAsync();
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));

        payload.Writable.Fill(Overwritten);
        await AssertOriginalUntilResetAsync(line, streamId: 1, Length);
    }

    [Fact]
    public async Task A_call_answered_before_its_request_was_whole_is_read_no_more()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        const int Length = 100_000;
        var payload = TestBodies.Payload(Length);
        var call = transport.CallAsync(Signal.Traces, new UpstreamBody(payload), RequestMetadata.Empty, Cancellation).AsTask();
        var line = await peer.AcceptAsync((InitialWindowSize, 1000));
        await line.ReadNextAsync();
        await line.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await call);

        payload.Writable.Fill(Overwritten);
        await line.SendAsync(Frames.WindowUpdate(1, 1_000_000), Frames.Settings((InitialWindowSize, 1_000_000)), Frames.WindowUpdate(0, 1_000_000));

        await AssertOriginalUntilResetAsync(line, streamId: 1, Length);
    }

    [Fact]
    public async Task A_call_that_the_upstream_gave_no_window_for_can_be_cancelled_and_is_read_no_more()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        const int Length = 1_000_000;
        var payload = TestBodies.Payload(Length);
        var call = transport.CallAsync(Signal.Traces, new UpstreamBody(payload), RequestMetadata.Empty, impatience.Token).AsTask();
        var line = await peer.AcceptAsync();
        await line.ReadNextAsync();
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));

        payload.Writable.Fill(Overwritten);
        await line.SendAsync(Frames.WindowUpdate(0, 1 << 20), Frames.WindowUpdate(1, 1 << 20));
        await AssertOriginalUntilResetAsync(line, streamId: 1, Length);
    }

    [Fact]
    public async Task A_call_whose_connection_is_lost_is_read_no_more()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var payload = TestBodies.Payload(50_000);
        var call = transport.CallAsync(Signal.Traces, new UpstreamBody(payload), RequestMetadata.Empty, Cancellation).AsTask();
        var line = await peer.AcceptAsync((InitialWindowSize, 1000));
        await line.ReadNextAsync();
        await line.ReadNextAsync();
        await line.SendAsync(Frames.Frame(5, 4, 1, 0, 0, 0, 2));
        Assert.Equal(UpstreamOutcome.ConnectionLost, (await call).Outcome);

        payload.Writable.Fill(Overwritten);
        while (await line.TryReadFrameAsync() is { } frame)
        {
            Assert.NotEqual(0, frame.Type);
        }
    }

    [Fact]
    public async Task Cancellation_at_any_moment_never_mixes_up_calls_that_use_the_same_objects_again()
    {
        await using var upstream = await KestrelUpstream.StartAsync(async context =>
            await KestrelUpstream.AnswerAsync(context, await KestrelUpstream.ReadMessageAsync(context)));
        await using var transport = new Http2Transport(
            new UpstreamOptions { Endpoint = upstream.Endpoint },
            TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<Http2Transport>.Instance);
        var pool = new OtlpTap.Buffers.PayloadPool();
        var answered = 0;
        var cancelled = 0;

        await Task.WhenAll(Enumerable.Range(0, 16).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 150; i++)
            {
                var length = random.Next(1, 60_000);
                var payload = pool.Rent(length);
                payload.Writable.Fill((byte)(i + worker));
                using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
                var call = transport.CallAsync(Signal.Traces, new UpstreamBody(payload), RequestMetadata.Empty, impatience.Token).AsTask();
                var cancelling = random.Next(3) == 0 ? Task.Run(impatience.Cancel, Cancellation) : Task.CompletedTask;
                try
                {
                    var answer = await call;
                    Assert.Equal(length, answer.Reply.Body.Length);
                    Assert.False(answer.Reply.Body.Span.ContainsAnyExcept((byte)(i + worker)));
                    Interlocked.Increment(ref answered);
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref cancelled);
                }

                payload.Writable.Fill(Overwritten);
                payload.Release();
                await cancelling;
            }
        }, Cancellation)));

        Assert.Equal(16 * 150, answered + cancelled);
        Assert.NotEqual(0, answered);
        Assert.NotEqual(0, cancelled);
    }

    private static async Task AssertOriginalUntilResetAsync(ScriptedLine line, int streamId, int length)
    {
        byte[] expected = [0, .. Frames.UInt32((uint)length), .. TestBodies.Bytes(length)];
        var received = 0;
        while (true)
        {
            var frame = await line.ReadNextAsync();
            Assert.Equal(streamId, frame.StreamId);
            if (frame.Type == 3)
            {
                Assert.InRange(received, 1, expected.Length - 1);
                return;
            }

            Assert.Equal(0, frame.Type);
            Assert.True(expected.AsSpan(received, frame.Payload.Length).SequenceEqual(frame.Payload));
            received += frame.Payload.Length;
        }
    }
}
