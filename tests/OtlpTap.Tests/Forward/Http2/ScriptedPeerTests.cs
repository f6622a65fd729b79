using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Forward.Http2;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Http2;

/// <summary>The transport against a peer that says exact bytes: what RFC 9113 allows must work.</summary>
public sealed class ScriptedPeerTests
{
    private const int HeaderTableSize = 1;
    private const int MaxConcurrentStreams = 3;
    private const int InitialWindowSize = 4;
    private const int MaxFrameSize = 5;
    private const int MaxHeaderListSize = 6;

    private static CancellationToken Cancellation => Deadline.Token();

    [Fact]
    public async Task No_push_is_allowed_and_no_call_leaves_before_the_peers_settings()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var call = Call(transport, 10);
        var line = await peer.AcceptSilentlyAsync();
        await line.ReadPrefaceAsync();
        Assert.Equal(new byte[] { 0, 2, 0, 0, 0, 0 }, line.Settings!.Payload[..6]);
        await line.SendAsync(Frames.Settings());

        var acknowledged = await line.ReadFrameAsync();
        var headers = await line.ReadFrameAsync();

        Assert.Equal((4, 1), (acknowledged.Type, acknowledged.Flags));
        Assert.Equal((1, 1), (headers.Type, headers.StreamId));
        Assert.Equal(HpackEncoder.NoTable, headers.Payload[0]);
        await line.ReadFrameAsync();
        await line.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await call);
    }

    [Fact]
    public async Task The_fast_answer_in_one_segment_byte_by_byte_and_in_pieces_of_three_is_the_same()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var first = Call(transport, 10);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();
        await line.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await first);

        foreach (var size in (int[])[1, 3])
        {
            var call = Call(transport, 10);
            var (streamId, _) = await line.ReadRequestAsync();
            foreach (var piece in Frames.Accepted(streamId).Chunk(size))
            {
                await line.SendAsync(piece);
            }

            Assert.Equal(UpstreamAnswer.Accepted, await call);
        }
    }

    [Fact]
    public async Task Trailers_only_carry_the_status()
    {
        var (answer, _) = await AnswerToAsync(streamId =>
        [
            Frames.Headers(streamId, Frames.Block((":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "14"), ("grpc-message", "not%20now"), ("date", "today"), ("x-hint", "h")), endsStream: true),
        ]);

        Assert.Equal((UpstreamOutcome.Answered, StatusCode.Unavailable, "not now"), (answer.Outcome, answer.Reply.Status, answer.Reply.Message));
        Assert.Equal([new ReplyTrailer("x-hint", "h")], answer.Reply.Trailers.ToArray());
    }

    [Fact]
    public async Task A_header_block_may_continue_over_many_frames()
    {
        var (answer, _) = await AnswerToAsync(streamId =>
        {
            var trailers = Frames.Block(("grpc-status", "8"), ("x-long", new string('x', 40_000)));
            return
            [
                Frames.Frame(1, 0, streamId, Frames.OkHeaders[..3]),
                Frames.Frame(9, 0, streamId),
                Frames.Frame(9, 4, streamId, Frames.OkHeaders[3..]),
                Frames.Frame(1, 1, streamId, trailers[..16_384]),
                Frames.Frame(9, 0, streamId, trailers[16_384..32_768]),
                Frames.Frame(9, 4, streamId, trailers[32_768..]),
            ];
        });

        Assert.Equal(StatusCode.ResourceExhausted, answer.Reply.Status);
        Assert.Equal(40_000, answer.Reply.Trailers[0].Value.Length);
    }

    [Fact]
    public async Task Padding_priority_interim_answers_and_unknown_frames_are_passed_over()
    {
        var (answer, _) = await AnswerToAsync(streamId =>
        [
            Frames.Frame(0xBE, 0xFF, 0, 1, 2, 3),
            Frames.Frame(0x77, 0xFF, streamId, new byte[16_384]),
            Frames.Frame(2, 0, streamId, 0, 0, 0, 0, 1),
            Frames.Headers(streamId, Frames.Block((":status", "103"), ("link", "x"), ("grpc-status", "9"))),
            Frames.Headers(streamId, Frames.Block((":status", "100"))),
            Frames.Frame(1, 0x4 | 0x8 | 0x20, streamId, [3, 0x80, 0, 0, 0, 9, .. Frames.OkHeaders, 0, 0, 0]),
            Frames.Frame(0, 0x8, streamId, 4, /* prefix */ 0, 0, 0, /* padding */ 0, 0, 0, 0),
            Frames.Frame(0, 0x8, streamId, 1, /* prefix */ 0, 2, /* message */ 7, /* padding */ 0),
            Frames.Frame(0, 0, streamId),
            Frames.Frame(0, 0x8, streamId, 0, 8),
            Frames.Settings((0xFFFF, 42)),
            Frames.Headers(streamId, Frames.OkTrailers, endsStream: true),
        ]);

        Assert.Equal((UpstreamOutcome.Answered, StatusCode.OK), (answer.Outcome, answer.Reply.Status));
        Assert.Equal([7, 8], answer.Reply.Body.ToArray());
    }

    [Fact]
    public async Task Indexed_and_huffman_coded_headers_are_understood_on_later_streams_too()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var first = Call(transport, 10);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();

        // As grpc-go answers: :status 200 indexed; "content-type: application/grpc" and "grpc-status: 0" added to the table, Huffman-coded.
        byte[] contentType = [0x5F, .. Convert.FromHexString("8b1d75d0620d263d4c4d6564")];
        byte[] grpcStatus = [0x40, .. Convert.FromHexString("889acac8b21234da8f"), .. Convert.FromHexString("0130")];
        await line.SendAsync(
            Frames.Headers(1, [0x88, .. contentType]),
            Frames.Data(1, [0, 0, 0, 0, 0]),
            Frames.Headers(1, grpcStatus, endsStream: true));
        Assert.Equal(UpstreamAnswer.Accepted, await first);

        var second = Call(transport, 10);
        await line.ReadRequestAsync();
        await line.SendAsync(Frames.Headers(3, [0x88, 0xBF]), Frames.Data(3, [0, 0, 0, 0, 0]), Frames.Headers(3, [0xBE], endsStream: true));
        Assert.Equal(UpstreamAnswer.Accepted, await second);
    }

    [Fact]
    public async Task Headers_of_a_stream_long_gone_still_change_the_table()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var cancelled = Call(transport, 10, impatience.Token);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.Equal((3, 1), await line.ReadNextAsync() is var reset ? (reset.Type, reset.StreamId) : default);

        var call = Call(transport, 10);
        await line.ReadRequestAsync();
        await line.SendAsync(
            Frames.Headers(1, [0x88, 0x40, .. Frames.Block(("grpc-status", "0"))[1..]], endsStream: true),
            Frames.Headers(3, Frames.OkHeaders),
            Frames.Headers(3, [0xBE], endsStream: true));

        Assert.Equal(UpstreamAnswer.Accepted, await call);
    }

    [Fact]
    public async Task A_ping_is_answered_with_its_own_bytes()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var call = Call(transport, 10);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();
        await line.SendAsync(Frames.Ping(9));

        var pong = await line.ReadNextAsync();

        Assert.Equal((6, 1), (pong.Type, pong.Flags));
        Assert.Equal(new byte[] { 9, 0, 0, 0, 0, 0, 0, 9 }, pong.Payload);
        await line.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await call);
    }

    [Fact]
    public async Task Frames_keep_to_the_peers_size_and_windows()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var call = Call(transport, 100_000);
        var line = await peer.AcceptAsync((InitialWindowSize, 30_000), (MaxFrameSize, 20_000), (HeaderTableSize, 0));
        await line.ReadNextAsync();

        Assert.Equal(20_000, await ReadLengthAsync());
        Assert.Equal(10_000, await ReadLengthAsync());

        // The stream's window opens wide, the connection's 65,535 are the limit now.
        await line.SendAsync(Frames.WindowUpdate(1, 1_000_000));
        Assert.Equal(20_000, await ReadLengthAsync());
        Assert.Equal(15_535, await ReadLengthAsync());

        await line.SendAsync(Frames.WindowUpdate(0, 7));
        Assert.Equal(7, await ReadLengthAsync());

        await line.SendAsync(Frames.WindowUpdate(0, 1_000_000));
        Assert.Equal(20_000, await ReadLengthAsync());
        var last = await line.ReadNextAsync();
        Assert.Equal((100_005 - 65_542 - 20_000, true), (last.Payload.Length, last.EndsStream));

        await line.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await call);

        async Task<int> ReadLengthAsync() => (await line.ReadNextAsync()).Payload.Length;
    }

    [Fact]
    public async Task A_stalled_stream_lets_others_pass_and_goes_on_where_it_stood()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var large = Call(transport, 3000);
        var line = await peer.AcceptAsync((InitialWindowSize, 1000));
        await line.ReadNextAsync();
        var received = new List<byte>((await line.ReadNextAsync()).Payload);
        Assert.Equal(1000, received.Count);

        var small = Call(transport, 100);
        var (smallId, _) = await line.ReadRequestAsync();
        await line.SendAsync(Frames.Accepted(smallId));
        Assert.Equal(UpstreamAnswer.Accepted, await small);

        await line.SendAsync(Frames.WindowUpdate(1, 500));
        received.AddRange((await line.ReadNextAsync()).Payload);
        await line.SendAsync(Frames.WindowUpdate(1, 5000));
        var last = await line.ReadNextAsync();
        received.AddRange(last.Payload);

        Assert.True(last.EndsStream);
        Assert.Equal(TestBodies.Bytes(3000), received[5..]);
        await line.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await large);
    }

    [Fact]
    public async Task A_window_that_shrinks_below_zero_is_paid_back_before_more_is_sent()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var call = Call(transport, 2000);
        var line = await peer.AcceptAsync((InitialWindowSize, 1000));
        await line.ReadNextAsync();
        Assert.Equal(1000, (await line.ReadNextAsync()).Payload.Length);

        // 1000 used of 100: the window stands at -900. 900 bring it to 0, 50 more let 50 bytes go.
        await line.SendAsync(Frames.Settings((InitialWindowSize, 100)), Frames.WindowUpdate(1, 900), Frames.Ping(1));
        Assert.Equal(6, (await line.ReadNextAsync()).Type);
        await line.SendAsync(Frames.WindowUpdate(1, 50));
        Assert.Equal(50, (await line.ReadNextAsync()).Payload.Length);

        await line.SendAsync(Frames.Settings((InitialWindowSize, 2000)));
        var last = await line.ReadNextAsync();
        Assert.Equal((955, true), (last.Payload.Length, last.EndsStream));
        await line.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await call);
    }

    [Fact]
    public async Task A_refused_stream_is_sent_again_and_in_the_end_given_up()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var lucky = Call(transport, 1000);
        var line = await peer.AcceptAsync();
        var (first, _) = await line.ReadRequestAsync();
        await line.SendAsync(Frames.Reset(first, Http2ErrorCode.RefusedStream));
        var (second, message) = await line.ReadRequestAsync();
        Assert.Equal(TestBodies.Bytes(1000), message);
        await line.SendAsync(Frames.Accepted(second));
        Assert.Equal(UpstreamAnswer.Accepted, await lucky);

        var unlucky = Call(transport, 10);
        for (var i = 0; i < Http2Transport.AttemptsMax; i++)
        {
            var (streamId, _) = await line.ReadRequestAsync();
            await line.SendAsync(Frames.Reset(streamId, Http2ErrorCode.RefusedStream));
        }

        var answer = await unlucky;
        Assert.Equal((UpstreamOutcome.ConnectionLost, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status));
    }

    [Theory]
    [InlineData(2, "InternalError")]
    [InlineData(8, "Cancel")]
    [InlineData(43981, "43981")]
    public async Task A_stream_that_was_reset_may_have_been_taken_and_is_unavailable(int code, string named)
    {
        var (answer, _) = await AnswerToAsync(streamId => [Frames.Reset(streamId, (Http2ErrorCode)code)]);

        Assert.Equal((UpstreamOutcome.ConnectionLost, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status));
        Assert.Contains(named, answer.Reply.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Goaway_lets_old_calls_finish_and_moves_the_unprocessed_ones_to_another_connection()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var old = Call(transport, 10);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();
        var moved = Call(transport, 20);
        await line.ReadRequestAsync();

        await line.SendAsync(Frames.GoAway(1));
        var second = await peer.AcceptAsync();
        var (streamId, message) = await second.ReadRequestAsync();
        Assert.Equal(TestBodies.Bytes(20), message);
        await second.SendAsync(Frames.Accepted(streamId));
        Assert.Equal(UpstreamAnswer.Accepted, await moved);

        var later = Call(transport, 30);
        var (laterId, _) = await second.ReadRequestAsync();
        await second.SendAsync(Frames.Accepted(laterId));
        Assert.Equal(UpstreamAnswer.Accepted, await later);

        await line.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await old);
        Assert.Equal(Http2ErrorCode.None, await line.ReadGoAwayAsync());
        Assert.Null(await line.TryReadFrameAsync());
    }

    [Fact]
    public async Task A_graceful_goaway_in_two_steps_moves_what_the_second_excludes()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var call = Call(transport, 10);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();

        await line.SendAsync(Frames.GoAway(int.MaxValue), Frames.GoAway(0));

        var second = await peer.AcceptAsync();
        var (streamId, _) = await second.ReadRequestAsync();
        await second.SendAsync(Frames.Accepted(streamId));
        Assert.Equal(UpstreamAnswer.Accepted, await call);
        Assert.Equal(Http2ErrorCode.None, await line.ReadGoAwayAsync());
    }

    [Fact]
    public async Task A_connection_that_closes_fails_its_calls_and_the_next_call_connects_again()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var call = Call(transport, 10);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();
        await line.SendAsync(Frames.Headers(1, Frames.OkHeaders), Frames.Data(1, [0, 0, 0]));
        line.Dispose();

        var answer = await call;
        Assert.Equal((UpstreamOutcome.ConnectionLost, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status));
        Assert.Contains(peer.Endpoint.Authority, answer.Reply.Message, StringComparison.Ordinal);

        var next = Call(transport, 10);
        var second = await peer.AcceptAsync();
        await second.ReadRequestAsync();
        await second.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await next);
    }

    [Fact]
    public async Task When_the_stream_ids_are_used_up_a_new_connection_takes_over()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(firstStreamId: int.MaxValue);
        var last = Call(transport, 10);
        var line = await peer.AcceptAsync();
        var (streamId, _) = await line.ReadRequestAsync();
        Assert.Equal(int.MaxValue, streamId);

        var next = Call(transport, 10);
        var second = await peer.AcceptAsync();
        await second.ReadRequestAsync();
        await second.SendAsync(Frames.Accepted(int.MaxValue));
        Assert.Equal(UpstreamAnswer.Accepted, await next);
        await line.SendAsync(Frames.Accepted(int.MaxValue));
        Assert.Equal(UpstreamAnswer.Accepted, await last);
        Assert.Equal(Http2ErrorCode.None, await line.ReadGoAwayAsync());
    }

    [Fact]
    public async Task Calls_beyond_the_streams_wait_in_order_and_a_cancelled_one_leaves_the_queue()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var calls = new List<Task<UpstreamAnswer>> { Call(transport, 1) };
        var lines = new List<ScriptedLine>();
        for (var i = 0; i < Http2Transport.ConnectionsMax; i++)
        {
            lines.Add(await peer.AcceptAsync((MaxConcurrentStreams, 1)));
            Assert.Equal(i + 1, (await lines[i].ReadRequestAsync()).Message.Length);
            calls.Add(Call(transport, i + 2));
        }

        var cancelled = Call(transport, 99, impatience.Token);
        var behind = Call(transport, 6);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);

        await lines[2].SendAsync(Frames.Accepted(1));
        Assert.Equal(5, (await lines[2].ReadRequestAsync()).Message.Length);
        await lines[2].SendAsync(Frames.Accepted(3));
        Assert.Equal(6, (await lines[2].ReadRequestAsync()).Message.Length);
        await lines[2].SendAsync(Frames.Accepted(5));
        Assert.Equal(UpstreamAnswer.Accepted, await behind);

        // More streams are allowed at any time.
        var more = Call(transport, 7);
        await lines[2].ReadRequestAsync();
        var most = Call(transport, 8);
        await lines[0].SendAsync(Frames.Settings((MaxConcurrentStreams, 2)));
        Assert.Equal(8, (await lines[0].ReadRequestAsync()).Message.Length);
        await lines[0].SendAsync(Frames.Accepted(1), Frames.Accepted(3));
        await lines[2].SendAsync(Frames.Accepted(7));
        Assert.Equal([UpstreamAnswer.Accepted, UpstreamAnswer.Accepted], await Task.WhenAll(more, most));
    }

    [Fact]
    public async Task A_lower_limit_of_streams_sends_calls_that_have_not_left_to_another_connection()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var large = Call(transport, 70_000);
        var line = await peer.AcceptAsync((InitialWindowSize, 1_000_000));
        for (var received = 0; received < 65_535;)
        {
            received += await line.ReadNextAsync() is { Type: 0 } data ? data.Payload.Length : 0;
        }

        // The connection's window is used up, so this one waits with everything.
        var waiting = Call(transport, 10);
        await line.SendAsync(Frames.Settings((MaxConcurrentStreams, 1)), Frames.WindowUpdate(0, 1_000_000));

        var second = await peer.AcceptAsync();
        Assert.Equal(TestBodies.Bytes(10), (await second.ReadRequestAsync()).Message);
        await second.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await waiting);
        Assert.True((await line.ReadNextAsync()).EndsStream);
        await line.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await large);
    }

    [Fact]
    public async Task Request_headers_longer_than_a_frame_continue_and_those_beyond_the_peers_limit_do_not_leave()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var metadata = new RequestMetadata([("authorization", new string('a', 20_000))]);
        var call = transport.CallAsync(Signal.Metrics, TestBodies.Body(1), metadata, Cancellation).AsTask();
        var line = await peer.AcceptAsync();
        var headers = await line.ReadNextAsync();
        var continuation = await line.ReadNextAsync();
        Assert.Equal((1, 0, 16_384), (headers.Type, headers.Flags, headers.Payload.Length));
        Assert.Equal((9, 4, headers.StreamId), (continuation.Type, continuation.Flags, continuation.StreamId));
        var fields = new HpackDecoder(64 << 10).Read(headers.Payload.Concat(continuation.Payload).ToArray());
        var read = new Dictionary<string, string>();
        while (fields.TryNext())
        {
            read[System.Text.Encoding.UTF8.GetString(fields.Name)] = System.Text.Encoding.UTF8.GetString(fields.Value);
        }

        Assert.Null(fields.Error);
        Assert.Equal(new string('a', 20_000), read["authorization"]);
        Assert.Equal("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", read[":path"]);
        Assert.Equal(peer.Endpoint.Authority, read[":authority"]);

        await line.ReadNextAsync();
        await line.SendAsync(Frames.Settings((MaxHeaderListSize, 8192)), Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await call);
        Assert.Equal(StatusCode.ResourceExhausted, (await transport.CallAsync(Signal.Traces, TestBodies.Body(1), metadata, Cancellation)).Reply.Status);
        var endless = new RequestMetadata([("authorization", new string('a', 60_000))]);
        Assert.Equal(StatusCode.ResourceExhausted, (await transport.CallAsync(Signal.Traces, TestBodies.Body(1), endless, Cancellation)).Reply.Status);
    }

    [Fact]
    public async Task A_silent_peer_is_asked_and_then_given_up()
    {
        var time = new FakeTimeProvider();
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(time);
        var call = Call(transport, 10);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();

        time.Advance(TimeSpan.FromSeconds(25));
        Assert.Equal(6, (await line.ReadNextAsync()).Type);
        await line.SendAsync(Frames.Frame(6, 1, 0, new byte[8]));

        // Alive after all: the wait starts again.
        await line.SendAsync(Frames.Ping(1));
        Assert.Equal((6, 1), await line.ReadNextAsync() is var pong ? (pong.Type, pong.Flags) : default);
        time.Advance(TimeSpan.FromSeconds(25));
        Assert.Equal((6, 0), await line.ReadNextAsync() is var ping ? (ping.Type, ping.Flags) : default);
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(15));

        var answer = await call;
        Assert.Equal((UpstreamOutcome.ConnectionLost, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status));
        Assert.Contains("ping", answer.Reply.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_idle_connection_is_left_in_peace()
    {
        var time = new FakeTimeProvider();
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(time);
        var call = Call(transport, 10);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();
        await line.SendAsync(Frames.Accepted(1));
        await call;

        time.Advance(TimeSpan.FromHours(1));

        var next = Call(transport, 10);
        Assert.Equal((1, 3), await line.ReadNextAsync() is var headers ? (headers.Type, headers.StreamId) : default);
        await line.ReadNextAsync();
        await line.SendAsync(Frames.Accepted(3));
        Assert.Equal(UpstreamAnswer.Accepted, await next);
    }

    [Fact]
    public async Task The_connections_window_is_given_back_as_answers_are_taken()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var block = new byte[16_384];
        ScriptedLine? line = null;
        var returned = 0;
        for (var round = 0; round < 8; round++)
        {
            var call = Call(transport, 10);
            line ??= await peer.AcceptAsync();
            var (streamId, _) = await ReadRequestPastUpdatesAsync();
            await line.SendAsync(Frames.Headers(streamId, Frames.OkHeaders), Frames.Data(streamId, [0, 0, 0x40, 0, 0]));
            for (var i = 0; i < 256; i++)
            {
                await line.SendAsync(Frames.Data(streamId, block));
            }

            await line.SendAsync(Frames.Headers(streamId, Frames.OkTrailers, endsStream: true));
            Assert.Equal(4 << 20, (await call).Reply.Body.Length);
        }

        // 32 MiB went through a window of 16.
        Assert.InRange(returned, 24 << 20, 32 << 20);

        async Task<(int StreamId, byte[] Message)> ReadRequestPastUpdatesAsync()
        {
            var headers = await line.ReadNextAsync();
            while (headers.Type == 8)
            {
                Assert.Equal(0, headers.StreamId);
                returned += (headers.Payload[0] << 24) | (headers.Payload[1] << 16) | (headers.Payload[2] << 8) | headers.Payload[3];
                headers = await line.ReadNextAsync();
            }

            Assert.Equal(1, headers.Type);
            return (headers.StreamId, (await line.ReadNextAsync()).Payload);
        }
    }

    [Fact]
    public async Task Closing_the_transport_fails_running_and_later_calls_and_says_goodbye()
    {
        await using var peer = new ScriptedPeer();
        var transport = peer.Transport();
        var call = Call(transport, 10);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();

        var closing = transport.DisposeAsync();

        Assert.Equal(StatusCode.Unavailable, (await call).Reply.Status);
        Assert.Equal(Http2ErrorCode.None, await line.ReadGoAwayAsync());
        await closing;
        Assert.Equal(StatusCode.Unavailable, (await Call(transport, 10)).Reply.Status);
        await transport.DisposeAsync();
    }

    private static Task<UpstreamAnswer> Call(Http2Transport transport, int length, CancellationToken? cancellation = null) =>
        transport.CallAsync(Signal.Traces, TestBodies.Body(length), RequestMetadata.Empty, cancellation ?? Cancellation).AsTask();

    private static async Task<(UpstreamAnswer Answer, ScriptedLine Line)> AnswerToAsync(Func<int, byte[][]> frames)
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var call = Call(transport, 10);
        var line = await peer.AcceptAsync();
        var (streamId, _) = await line.ReadRequestAsync();
        await line.SendAsync(frames(streamId));
        return (await call, line);
    }
}
