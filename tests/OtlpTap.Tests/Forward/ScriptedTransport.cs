using System.Threading.Channels;
using Grpc.Core;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward;

/// <summary>One call that the tap made and that the test answers.</summary>
internal sealed class ScriptedCall(Signal signal, byte[][] members, RequestMetadata metadata, CancellationToken cancellation)
{
    private readonly TaskCompletionSource<UpstreamAnswer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Signal Signal => signal;

    public byte[][] Members => members;

    public byte[] Message => [.. members.SelectMany(member => member)];

    public RequestMetadata Metadata => metadata;

    public Task<UpstreamAnswer> Answer => _answer.Task;

    public void Succeed() => End(UpstreamAnswer.Accepted);

    public void Reply(StatusCode status, string message = "", byte[]? body = null, params ReplyTrailer[] trailers) =>
        End(new UpstreamAnswer(UpstreamOutcome.Answered, new ExportReply(status, message, body, trailers)));

    public void End(UpstreamAnswer answer) => _answer.TrySetResult(answer);

    public void Throw(Exception exception) => _answer.TrySetException(exception);

    public void WatchCancellation() => cancellation.Register(() => _answer.TrySetCanceled(cancellation));
}

/// <summary>A transport without a network: each call waits until the test has taken and answered it.</summary>
internal sealed class ScriptedTransport : IUpstreamTransport
{
    private readonly Channel<ScriptedCall> _calls = Channel.CreateUnbounded<ScriptedCall>();
    private int _inFlight;
    private int _inFlightMost;

    public int InFlight => Volatile.Read(ref _inFlight);

    public int InFlightMost => Volatile.Read(ref _inFlightMost);

    public bool HasUntaken => _calls.Reader.TryPeek(out _);

    /// <summary>When set, answers every call at once.</summary>
    public Func<ScriptedCall, UpstreamAnswer>? Always { get; set; }

    /// <summary>The next call, in the order they were made.</summary>
    public async Task<ScriptedCall> TakeAsync() => await _calls.Reader.ReadAsync(Deadline.Token());

    public async ValueTask<UpstreamAnswer> CallAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation)
    {
        var call = new ScriptedCall(signal, [.. Enumerable.Range(0, body.Count).Select(i => body[i].Message.ToArray())], metadata, cancellation);
        call.WatchCancellation();
        var inFlight = Interlocked.Increment(ref _inFlight);
        InterlockedMax(ref _inFlightMost, inFlight);
        try
        {
            if (Always is { } always)
            {
                // Leaves the caller's thread, as a real call does.
                await Task.Yield();
                return always(call);
            }

            await _calls.Writer.WriteAsync(call, CancellationToken.None);
            return await call.Answer;
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
        }
    }

    public ValueTask<UpstreamAnswer?> ProbeAsync(CancellationToken cancellation) => default;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static void InterlockedMax(ref int place, int value)
    {
        var seen = Volatile.Read(ref place);
        while (value > seen)
        {
            var found = Interlocked.CompareExchange(ref place, value, seen);
            if (found == seen)
            {
                return;
            }

            seen = found;
        }
    }
}
