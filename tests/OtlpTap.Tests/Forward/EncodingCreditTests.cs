using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward;

/// <summary>What a message becomes on its way out is memory of the request, too.</summary>
public sealed class EncodingCreditTests : IAsyncDisposable
{
    private const int RequestBytes = 100_000;

    private readonly PayloadPool _pool = new();
    private readonly ScriptedTransport _line = new();

    public ValueTask DisposeAsync() => _line.DisposeAsync();

    public static TheoryData<string, bool> Forms => new() { { "Gzip", false }, { "Zstd", false }, { "None", true }, { "Gzip", true }, { "Zstd", true } };

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task What_is_made_of_a_message_counts_for_as_long_as_the_call_takes(string compression, bool isJson)
    {
        var budget = new ByteBudget(64 << 20);
        await using var transport = Transport(compression, isJson, budget);
        var request = Lend(budget, Noise(RequestBytes));
        var held = budget.TakenBytes;

        var answer = transport.CallAsync(Signal.Traces, new UpstreamBody(request), RequestMetadata.Empty, Deadline.Token()).AsTask();
        var call = await _line.TakeAsync();
        Assert.InRange(budget.TakenBytes - held, RequestBytes / 2, 3 * RequestBytes);
        call.Succeed();

        Assert.Equal(StatusCode.OK, (await answer.InTime()).Reply.Status);
        Assert.Equal(held, budget.TakenBytes);
        request.Release();
        Assert.Equal(0, budget.TakenBytes);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Without_room_for_JSON_the_sender_is_told_to_come_again(int joined)
    {
        var budget = new ByteBudget(2 * RequestBytes);
        await using var transport = Transport("None", isJson: true, budget);
        Assert.True(budget.TryTake(1)); // someone else's
        var request = Lend(budget, Noise(RequestBytes / joined));
        var held = budget.TakenBytes;

        var answer = await transport.CallAsync(Signal.Traces, new UpstreamBody(Enumerable.Repeat(request, joined).ToArray()), RequestMetadata.Empty, Deadline.Token());

        Assert.Equal((UpstreamOutcome.NotSent, StatusCode.Unavailable), (answer.Outcome, answer.Reply.Status));
        Assert.True(FailureKind.TryGetRetryDelay(answer.Reply, out _));
        Assert.Equal(held, budget.TakenBytes);
        Assert.False(_line.HasUntaken);
    }

    [Fact]
    public async Task Without_room_for_the_compressed_form_it_goes_as_it_is()
    {
        var budget = new ByteBudget(RequestBytes + 100);
        await using var transport = Transport("Gzip", isJson: false, budget);
        Assert.True(budget.TryTake(1));
        var request = Lend(budget, new byte[RequestBytes]);

        var answer = transport.CallAsync(Signal.Traces, new UpstreamBody(request), RequestMetadata.Empty, Deadline.Token()).AsTask();
        var call = await _line.TakeAsync();
        Assert.Equal(RequestBytes, call.Message.Length);
        call.Succeed();

        Assert.Equal(StatusCode.OK, (await answer.InTime()).Reply.Status);
    }

    [Fact]
    public async Task A_request_that_is_alone_is_sent_whatever_the_bound()
    {
        var budget = new ByteBudget(100);
        await using var transport = Transport("Gzip", isJson: true, budget);
        var request = Lend(budget, Noise(RequestBytes));

        var answer = transport.CallAsync(Signal.Traces, new UpstreamBody(request), RequestMetadata.Empty, Deadline.Token()).AsTask();
        (await _line.TakeAsync()).Succeed();

        Assert.Equal(StatusCode.OK, (await answer.InTime()).Reply.Status);
        request.Release();
        Assert.Equal(0, budget.TakenBytes);
    }

    [Fact]
    public async Task What_JSON_cannot_hold_is_refused_instead_of_being_cut_and_acknowledged()
    {
        var budget = new ByteBudget(64 << 20);
        await using var transport = Transport("None", isJson: true, budget);
        var value = new AnyValue { StringValue = "the point" };
        for (var depth = 0; depth <= OtlpJson.AnyValueDepthMax; depth++)
        {
            value = new AnyValue { ArrayValue = new ArrayValue { Values = { value } } };
        }

        var message = new TraceBuilder().Span("chat");
        message.LastSpan.Attributes.Add(new KeyValue { Key = "deep", Value = value });
        var request = Lend(budget, message.ToBytes());
        var held = budget.TakenBytes;

        var answer = await transport.CallAsync(Signal.Traces, new UpstreamBody(request), RequestMetadata.Empty, Deadline.Token());

        Assert.Equal((UpstreamOutcome.NotWritable, StatusCode.InvalidArgument), (answer.Outcome, answer.Reply.Status));
        Assert.True(FailureKind.MayLieInOneMember(answer));
        Assert.Equal(held, budget.TakenBytes);
    }

    private EncodingTransport Transport(string compression, bool isJson, ByteBudget budget) =>
        new(_line, new BodyEncoder(Enum.Parse<Compression>(compression), isJson, _pool, budget));

    private Payload Lend(ByteBudget budget, byte[] message)
    {
        var payload = _pool.Rent(message.Length);
        message.CopyTo(payload.Writable);
        Assert.True(budget.TryTake(message.Length));
        payload.AttachCredit(budget, message.Length);
        return payload;
    }

    // Base64 of noise compresses to three quarters: what is rented for it is kept.
    private static byte[] Noise(int bytes)
    {
        var noise = new byte[bytes / 8 * 6];
        new Random(1).NextBytes(noise);
        return new TraceBuilder().Span("chat", ("text", Convert.ToBase64String(noise))).ToBytes();
    }
}
