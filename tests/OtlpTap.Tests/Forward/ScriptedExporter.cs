using System.Threading.Channels;
using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward;

/// <summary>One export that the test answers.</summary>
internal sealed class ScriptedExport(byte[] message, RequestMetadata metadata)
{
    private readonly TaskCompletionSource<ExportReply> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public byte[] Message => message;

    public RequestMetadata Metadata => metadata;

    public Task<ExportReply> Task => _reply.Task;

    public void Succeed() => Reply(ExportReply.Accepted);

    public void Reply(ExportReply reply) => _reply.TrySetResult(reply);

    public void Fail(StatusCode status, TimeSpan? retryAfter = null) => Reply(new ExportReply(
        status, "scripted", default, retryAfter is { } delay ? [StatusDetails.Trailer(StatusDetails.RetryInfo(status, "scripted", delay))] : []));

    public void Throw(Exception exception) => _reply.TrySetException(exception);
}

/// <summary>A destination whose every export waits for the test, and that keeps the payload until then, whether or not the caller still waits.</summary>
internal sealed class ScriptedExporter : IExporter
{
    private readonly Channel<ScriptedExport> _exports = Channel.CreateUnbounded<ScriptedExport>();
    private int _inFlight;

    public string Id => "scripted";

    public bool IsReachable { get; set; }

    public int InFlight => Volatile.Read(ref _inFlight);

    public bool HasUntaken => _exports.Reader.TryPeek(out _);

    public int Disposals { get; private set; }

    /// <summary>When set, answers every export.</summary>
    public Func<byte[], Task<ExportReply>>? Always { get; set; }

    public async Task<ScriptedExport> TakeAsync() => await _exports.Reader.ReadAsync(Deadline.Token());

    public Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _inFlight);
        var export = new ScriptedExport(payload.Message.ToArray(), metadata);
        var ended = EndAsync(export, payload);
        if (Always is null)
        {
            _exports.Writer.TryWrite(export);
        }

        return ended.WaitAsync(cancellation);
    }

    public ValueTask<bool> ProbeAsync(CancellationToken cancellation) => ValueTask.FromResult(IsReachable);

    public Task DrainAsync(CancellationToken deadline) => Task.CompletedTask;

    public ValueTask DisposeAsync()
    {
        Disposals++;
        return ValueTask.CompletedTask;
    }

    private async Task<ExportReply> EndAsync(ScriptedExport export, Payload payload)
    {
        try
        {
            return await (Always is { } always ? always(export.Message) : export.Task);
        }
        finally
        {
            Assert.Equal(export.Message, payload.Message.ToArray());
            payload.ReturnCredit();
            payload.Release();
            Interlocked.Decrement(ref _inFlight);
        }
    }
}
