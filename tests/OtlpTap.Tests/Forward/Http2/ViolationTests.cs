using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Forward.Http2;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward.Http2;

/// <summary>The transport against a peer that breaks the protocol, by mistake or on purpose.</summary>
public sealed class ViolationTests
{
    private static CancellationToken Cancellation => Deadline.Token();

    /// <summary>What a peer says on a connection on which stream 1 is open, and the code it is told.</summary>
    private static readonly Dictionary<string, (Http2ErrorCode Code, byte[][] Frames)> ViolationFrames = new()
    {
        ["a frame longer than announced"] = (Http2ErrorCode.FrameSizeError, [Frames.Frame(0x70, 0, 0, new byte[16_385])]),
        ["DATA on stream 0"] = (Http2ErrorCode.ProtocolError, [Frames.Data(0, [1])]),
        ["DATA on an even stream"] = (Http2ErrorCode.ProtocolError, [Frames.Data(2, [1])]),
        ["DATA on an idle stream"] = (Http2ErrorCode.ProtocolError, [Frames.Data(3, [1])]),
        ["DATA shorter than its padding"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(0, 0x8, 1, 3, 0, 0)]),
        ["DATA without its padding length"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(0, 0x8, 1)]),
        ["HEADERS on stream 0"] = (Http2ErrorCode.ProtocolError, [Frames.Headers(0, Frames.OkHeaders)]),
        ["HEADERS on an idle stream"] = (Http2ErrorCode.ProtocolError, [Frames.Headers(7, Frames.OkHeaders)]),
        ["HEADERS shorter than their padding"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(1, 0xC, 1, 9, 0x88)]),
        ["HEADERS shorter than their priority"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(1, 0x24, 1, 0, 0, 0, 0)]),
        ["another frame inside a header block"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(1, 0, 1, 0x88), Frames.Ping(1)]),
        ["CONTINUATION of another stream"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(1, 0, 1, 0x88), Frames.Frame(9, 4, 3)]),
        ["CONTINUATION alone"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(9, 4, 1, 0x88)]),
        ["a header block without end"] = (Http2ErrorCode.EnhanceYourCalm, [Frames.Frame(1, 0, 1, 0x88), .. Enumerable.Repeat(Frames.Frame(9, 0, 1, new byte[16_384]), 4)]),
        ["empty CONTINUATIONs without end"] = (Http2ErrorCode.EnhanceYourCalm, [Frames.Frame(1, 0, 1, 0x88), .. Enumerable.Repeat(Frames.Frame(9, 0, 1), 70)]),
        ["a broken header block"] = (Http2ErrorCode.CompressionError, [Frames.Headers(1, [0x80])]),
        ["a broken header block of a closed stream"] = (Http2ErrorCode.CompressionError, [Frames.Reset(1, Http2ErrorCode.Cancel), Frames.Headers(1, [0xFF, 0xFF])]),
        ["PRIORITY on stream 0"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(2, 0, 0, new byte[5])]),
        ["PRIORITY of a broken length"] = (Http2ErrorCode.FrameSizeError, [Frames.Frame(2, 0, 1, new byte[4])]),
        ["RST_STREAM on stream 0"] = (Http2ErrorCode.ProtocolError, [Frames.Reset(0, Http2ErrorCode.Cancel)]),
        ["RST_STREAM on an idle stream"] = (Http2ErrorCode.ProtocolError, [Frames.Reset(5, Http2ErrorCode.Cancel)]),
        ["RST_STREAM of a broken length"] = (Http2ErrorCode.FrameSizeError, [Frames.Frame(3, 0, 1, 0, 0, 8)]),
        ["SETTINGS on a stream"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(4, 0, 1)]),
        ["SETTINGS of a broken length"] = (Http2ErrorCode.FrameSizeError, [Frames.Frame(4, 0, 0, new byte[5])]),
        ["SETTINGS that acknowledge and set"] = (Http2ErrorCode.FrameSizeError, [Frames.Frame(4, 1, 0, new byte[6])]),
        ["push switched on"] = (Http2ErrorCode.ProtocolError, [Frames.Settings((2, 1))]),
        ["an initial window of 2^31"] = (Http2ErrorCode.FlowControlError, [Frames.Settings((4, 0x8000_0000))]),
        ["an initial window that lifts a stream beyond 2^31-1"] = (Http2ErrorCode.FlowControlError, [Frames.WindowUpdate(1, 0x7FFE_0000), Frames.Settings((4, 0x7FFF_FFFF))]),
        ["a frame size too small"] = (Http2ErrorCode.ProtocolError, [Frames.Settings((5, 16_383))]),
        ["a frame size too large"] = (Http2ErrorCode.ProtocolError, [Frames.Settings((5, 16_777_216))]),
        ["PUSH_PROMISE"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(5, 4, 1, 0, 0, 0, 2, 0x82)]),
        ["PING on a stream"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(6, 0, 1, new byte[8])]),
        ["PING of a broken length"] = (Http2ErrorCode.FrameSizeError, [Frames.Frame(6, 0, 0, new byte[7])]),
        ["GOAWAY on a stream"] = (Http2ErrorCode.ProtocolError, [Frames.Frame(7, 0, 1, new byte[8])]),
        ["GOAWAY of a broken length"] = (Http2ErrorCode.FrameSizeError, [Frames.Frame(7, 0, 0, new byte[7])]),
        ["WINDOW_UPDATE of a broken length"] = (Http2ErrorCode.FrameSizeError, [Frames.Frame(8, 0, 0, 0, 0, 1)]),
        ["WINDOW_UPDATE of 0"] = (Http2ErrorCode.ProtocolError, [Frames.WindowUpdate(0, 0)]),
        ["WINDOW_UPDATE on an idle stream"] = (Http2ErrorCode.ProtocolError, [Frames.WindowUpdate(9, 1)]),
        ["a connection window beyond 2^31-1"] = (Http2ErrorCode.FlowControlError, [Frames.WindowUpdate(0, 0x7FFF_0000), Frames.WindowUpdate(0, 0x7FFF_FFFF)]),
        ["a flood of PINGs"] = (Http2ErrorCode.EnhanceYourCalm, [.. Enumerable.Repeat(Frames.Ping(1), 2100)]),
        ["a flood of acknowledgements"] = (Http2ErrorCode.EnhanceYourCalm, [.. Enumerable.Repeat(Frames.SettingsAck, 2100)]),
        ["a flood of SETTINGS"] = (Http2ErrorCode.EnhanceYourCalm, [.. Enumerable.Repeat(Frames.Settings((4, 70_000)), 2100)]),
        ["a flood of empty DATA"] = (Http2ErrorCode.EnhanceYourCalm, [Frames.Headers(1, Frames.OkHeaders), .. Enumerable.Repeat(Frames.Data(1, []), 2100)]),
        ["a flood of unknown frames"] = (Http2ErrorCode.EnhanceYourCalm, [.. Enumerable.Repeat(Frames.Frame(99, 0, 0), 2100)]),
        ["a flood on a closed stream"] = (Http2ErrorCode.EnhanceYourCalm, [Frames.Reset(1, Http2ErrorCode.Cancel), .. Enumerable.Repeat(Frames.Data(1, [1]), 2100)]),
    };

    /// <summary>Answers that are malformed in themselves: the call fails, the connection goes on.</summary>
    private static readonly Dictionary<string, (StatusCode Status, byte[][] Frames)> BrokenAnswerFrames = new()
    {
        ["no :status"] = (StatusCode.Internal, [Frames.Headers(1, Frames.Block(("content-type", "application/grpc")))]),
        ["two :status"] = (StatusCode.Internal, [Frames.Headers(1, [0x88, 0x88])]),
        [":status behind a regular field"] = (StatusCode.Internal, [Frames.Headers(1, [.. Frames.Block(("a", "b")), 0x88])]),
        [":status of letters"] = (StatusCode.Internal, [Frames.Headers(1, Frames.Block((":status", "2OO")))]),
        [":status of one digit"] = (StatusCode.Internal, [Frames.Headers(1, Frames.Block((":status", "2")))]),
        ["an unknown pseudo-header"] = (StatusCode.Internal, [Frames.Headers(1, Frames.Block((":status", "200"), (":path", "/")))]),
        ["a name in capitals"] = (StatusCode.Internal, [Frames.Headers(1, Frames.Block((":status", "200"), ("Server", "x")))]),
        ["an empty name"] = (StatusCode.Internal, [Frames.Headers(1, Frames.Block((":status", "200"), ("", "x")))]),
        ["a line break in a value"] = (StatusCode.Internal, [Frames.Headers(1, Frames.Block((":status", "200"), ("x", "a\r\nb: c")))]),
        ["a connection header"] = (StatusCode.Internal, [Frames.Headers(1, Frames.Block((":status", "200"), ("connection", "close")))]),
        ["an interim answer that ends the stream"] = (StatusCode.Internal, [Frames.Headers(1, Frames.Block((":status", "103")), endsStream: true)]),
        ["a switch of protocols"] = (StatusCode.Internal, [Frames.Headers(1, Frames.Block((":status", "101")))]),
        ["interim answers without end"] = (StatusCode.Internal, [.. Enumerable.Repeat(Frames.Headers(1, Frames.Block((":status", "103"))), 17)]),
        ["trailers that do not end the stream"] = (StatusCode.Internal, [Frames.Headers(1, Frames.OkHeaders), Frames.Headers(1, Frames.OkTrailers)]),
        [":status in the trailers"] = (StatusCode.Internal, [Frames.Headers(1, Frames.OkHeaders), Frames.Headers(1, [0x88], endsStream: true)]),
        ["DATA in front of the headers"] = (StatusCode.Internal, [Frames.Data(1, [0])]),
        ["headers beyond the limit"] = (StatusCode.ResourceExhausted, [Frames.Headers(1, [0x88, 0x40, .. Frames.Block(("x", new string('v', 4000)))[1..], .. Enumerable.Repeat((byte)0xBE, 30)])]),
        ["a compressed message"] = (StatusCode.Internal, [Frames.Headers(1, Frames.OkHeaders), Frames.Data(1, [1, 0, 0, 0, 0])]),
        ["a message beyond the limit"] = (StatusCode.ResourceExhausted, [Frames.Headers(1, Frames.OkHeaders), Frames.Data(1, [0, 0xFF, 0xFF, 0xFF, 0xFF])]),
        ["two messages"] = (StatusCode.Internal, [Frames.Headers(1, Frames.OkHeaders), Frames.Data(1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]),
        ["a message cut short"] = (StatusCode.Internal, [Frames.Headers(1, Frames.OkHeaders), Frames.Data(1, [0, 0, 0, 0, 2, 1]), Frames.Headers(1, Frames.OkTrailers, endsStream: true)]),
        ["a prefix cut short"] = (StatusCode.Internal, [Frames.Headers(1, Frames.OkHeaders), Frames.Data(1, [0, 0, 0]), Frames.Headers(1, Frames.OkTrailers, endsStream: true)]),
        ["no grpc-status"] = (StatusCode.Unknown, [Frames.Headers(1, Frames.OkHeaders), Frames.Data(1, [0, 0, 0, 0, 0], endsStream: true)]),
        ["a grpc-status of letters"] = (StatusCode.Unknown, [Frames.Headers(1, Frames.OkHeaders), Frames.Headers(1, Frames.Block(("grpc-status", "ok")), endsStream: true)]),
        ["no gRPC"] = (StatusCode.Unavailable, [Frames.Headers(1, Frames.Block((":status", "503"), ("content-type", "text/html"))), Frames.Data(1, new byte[10_000], endsStream: true)]),
        ["a stream's window update of 0"] = (StatusCode.Internal, [Frames.WindowUpdate(1, 0)]),
        ["a stream's window beyond 2^31-1"] = (StatusCode.Internal, [Frames.WindowUpdate(1, 0x7FFF_FFFF)]),
    };

    public static TheoryData<string> Violations => [.. ViolationFrames.Keys];

    public static TheoryData<string> BrokenAnswers => [.. BrokenAnswerFrames.Keys];

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task A_violation_ends_the_connection_with_its_code_and_the_next_call_gets_another(string violation)
    {
        var (code, frames) = ViolationFrames[violation];
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(new FakeTimeProvider());
        var call = Call(transport);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();

        await line.SendAsync(frames);

        var answer = await call;
        Assert.Equal((UpstreamOutcome.ConnectionLost, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status));
        Assert.Equal(code, await line.ReadGoAwayAsync());
        Assert.Null(await line.TryReadFrameAsync());

        var next = Call(transport);
        var another = await peer.AcceptAsync();
        await another.ReadRequestAsync();
        await another.SendAsync(Frames.Accepted(1));
        Assert.Equal(UpstreamAnswer.Accepted, await next);
    }

    [Theory]
    [MemberData(nameof(BrokenAnswers))]
    public async Task A_broken_answer_fails_its_call_alone(string answerOf)
    {
        var (status, frames) = BrokenAnswerFrames[answerOf];
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var broken = Call(transport);
        var line = await peer.AcceptAsync();
        await line.ReadRequestAsync();
        var neighbour = Call(transport);
        await line.ReadRequestAsync();

        await line.SendAsync(frames);
        await line.SendAsync(Frames.Accepted(3));

        var answer = await broken;
        Assert.NotEqual(UpstreamOutcome.Answered, answer.Outcome);
        Assert.Equal(status, answer.Reply.Status);
        Assert.Contains(peer.Endpoint.Authority, answer.Reply.Message, StringComparison.Ordinal);
        Assert.Equal(UpstreamAnswer.Accepted, await neighbour);
    }

    [Fact]
    public async Task Answers_that_together_pass_the_connections_window_end_the_connection()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(new FakeTimeProvider());
        var calls = Enumerable.Range(0, 5).Select(_ => Call(transport)).ToArray();
        var line = await peer.AcceptAsync();
        for (var i = 0; i < calls.Length; i++)
        {
            await line.ReadRequestAsync();
        }

        var block = new byte[16_384];
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < calls.Length; i++)
            {
                await line.SendAsync(Frames.Headers((2 * i) + 1, Frames.OkHeaders), Frames.Data((2 * i) + 1, [0, 0, 0x40, 0, 0]));
                for (var j = 0; j < 255; j++)
                {
                    await line.SendAsync(Frames.Data((2 * i) + 1, block));
                }
            }
        }, Cancellation);

        Assert.All(await Task.WhenAll(calls), answer => Assert.Equal(UpstreamOutcome.ConnectionLost, answer.Outcome));
        Assert.Contains("window", (await calls[0]).Reply.Message, StringComparison.Ordinal);
        try
        {
            await sending;
        }
        catch (IOException)
        {
            // The transport may close before everything is said.
        }
    }

    [Fact]
    public async Task A_peer_that_speaks_http_1_is_told_apart_before_any_request_leaves()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var call = Call(transport);
        var line = await peer.AcceptSilentlyAsync();
        await line.ReadPrefaceAsync();
        await line.SendAsync("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"u8.ToArray());

        var answer = await call;

        Assert.Equal((UpstreamOutcome.ConnectFailed, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status));
        Assert.Contains("not an HTTP/2 server", answer.Reply.Message, StringComparison.Ordinal);
        Assert.Null(await line.TryReadFrameAsync());
    }

    [Fact]
    public async Task A_peer_that_closes_or_goes_away_at_once_is_not_reached()
    {
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport();
        var first = Call(transport);
        (await peer.AcceptSilentlyAsync()).Dispose();
        Assert.Equal(UpstreamOutcome.ConnectFailed, (await first).Outcome);

        var second = Call(transport);
        var line = await peer.AcceptSilentlyAsync();
        await line.ReadPrefaceAsync();
        await line.SendAsync(Frames.Settings(), Frames.GoAway(0, Http2ErrorCode.EnhanceYourCalm));
        var answer = await second;
        Assert.Equal((UpstreamOutcome.ConnectFailed, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status));
    }

    [Fact]
    public async Task A_peer_that_says_nothing_is_given_up_after_the_connect_timeout()
    {
        var time = new FakeTimeProvider();
        await using var peer = new ScriptedPeer();
        await using var transport = peer.Transport(time);
        var call = Call(transport);
        var line = await peer.AcceptSilentlyAsync();
        await line.ReadPrefaceAsync();

        time.Advance(TimeSpan.FromSeconds(3));

        var answer = await call;
        Assert.Equal(UpstreamOutcome.ConnectFailed, answer.Outcome);
        Assert.Contains("within 3 s", answer.Reply.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_connection_and_an_unknown_host_fail_all_waiting_calls()
    {
        var peer = new ScriptedPeer();
        await peer.DisposeAsync();
        await using var refused = peer.Transport();
        await using var unknown = peer.Transport(configure: options => options with { Endpoint = new UpstreamEndpoint("no-such-host.invalid", 4317, UseTls: false) });

        var answers = await Task.WhenAll(Call(refused), Call(refused), Call(unknown));

        Assert.All(answers, answer => Assert.Equal((UpstreamOutcome.ConnectFailed, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status)));
        Assert.Contains("no-such-host.invalid:4317", answers[2].Reply.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whatever_bytes_come_every_call_ends_with_a_value()
    {
        var random = new Random(9113);
        await using var peer = new ScriptedPeer();
        for (var round = 0; round < 300; round++)
        {
            await using var transport = peer.Transport();
            var call = Call(transport);
            var line = await peer.AcceptAsync();
            await line.ReadRequestAsync();
            try
            {
                for (var i = random.Next(1, 30); i > 0; i--)
                {
                    await line.SendAsync(RandomFrame(random));
                }
            }
            catch (IOException)
            {
                // Closed on us in the middle: that is one of the right answers.
            }

            line.Dispose();
            var answer = await call;
            Assert.NotNull(answer.Reply);
        }
    }

    private static byte[] RandomFrame(Random random)
    {
        if (random.Next(8) == 0)
        {
            var noise = new byte[random.Next(1, 200)];
            random.NextBytes(noise);
            return noise;
        }

        byte[][] payloads = [Frames.OkHeaders, Frames.OkTrailers, [0, 0, 0, 0, 0], new byte[random.Next(40)], [0x88, 0xBE, 0xBF], Frames.UInt32((uint)random.Next())];
        var payload = (byte[])payloads[random.Next(payloads.Length)].Clone();
        if (payload.Length > 0 && random.Next(3) == 0)
        {
            payload[random.Next(payload.Length)] = (byte)random.Next(256);
        }

        // Neither GOAWAY nor a refusal: those rightly move the call to another connection, which no one takes here.
        int[] types = [0, 0, 1, 1, 1, 2, 4, 5, 6, 8, 9, 10, random.Next(10, 256)];
        return Frames.Frame(types[random.Next(types.Length)], random.Next(256), random.Next(3) == 0 ? random.Next(4) : 1, payload);
    }

    private static Task<UpstreamAnswer> Call(Http2Transport transport) =>
        transport.CallAsync(Signal.Traces, TestBodies.Body(10), RequestMetadata.Empty, Cancellation).AsTask();
}
