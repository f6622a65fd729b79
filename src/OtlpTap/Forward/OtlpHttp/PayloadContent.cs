using System.Buffers;
using System.Net;

namespace OtlpTap.Forward.OtlpHttp;

/// <summary>An <see cref="UpstreamBody"/> as request content, which can tell when its bytes are not read any more.</summary>
/// <remarks>
/// HTTP/2 is full duplex: an answer may arrive, and the call end, while the body is still being written. The payloads go
/// back to their pool after the call, so the call has to wait for the writer too.
/// </remarks>
internal sealed class PayloadContent(UpstreamBody body) : HttpContent
{
    // Over HTTP/2, SocketsHttpHandler makes a DATA frame of every write: joined requests are gathered first, or each of a
    // hundred small ones would cost a frame and a turn in the connection's write queue.
    private const int GatherBytes = 16 << 10;

    private readonly CancellationTokenSource _writing = new();
    private int _writers;
    private TaskCompletionSource? _unread;

    /// <summary>Ends a writer that is still at work, and completes when none is. For after the call, when none will start.</summary>
    public Task StopReadingAsync()
    {
        if (Volatile.Read(ref _writers) == 0)
        {
            return Task.CompletedTask;
        }

        // The handler does not do it: it goes on waiting for the window of a stream whose answer is complete.
        _writing.Cancel();
        var unread = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _unread, unread);
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _writers) == 0)
        {
            unread.TrySetResult();
        }

        return unread.Task;
    }

    protected override bool TryComputeLength(out long length)
    {
        length = body.MessageLength;
        return true;
    }

    // The token that comes with the stream is the stream's own, which ends its writes without being handed back to it.
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        SerializeToStreamAsync(stream, context);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        var cancellation = _writing.Token;
        Interlocked.Increment(ref _writers);
        try
        {
            if (body.Count == 1)
            {
                await stream.WriteAsync(body[0].Message, cancellation);
            }
            else
            {
                await WriteJoinedAsync(stream, cancellation);
            }
        }
        finally
        {
            if (Interlocked.Decrement(ref _writers) == 0)
            {
                Volatile.Read(ref _unread)?.TrySetResult();
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _writing.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task WriteJoinedAsync(Stream stream, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(GatherBytes);
        try
        {
            var filled = 0;
            for (var i = 0; i < body.Count; i++)
            {
                var rest = body[i].Message;
                while (!rest.IsEmpty)
                {
                    if (filled == GatherBytes)
                    {
                        await stream.WriteAsync(buffer.AsMemory(0, filled), cancellation);
                        filled = 0;
                    }

                    var part = rest[..Math.Min(rest.Length, GatherBytes - filled)];
                    part.CopyTo(buffer.AsMemory(filled));
                    filled += part.Length;
                    rest = rest[part.Length..];
                }
            }

            await stream.WriteAsync(buffer.AsMemory(0, filled), cancellation);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
