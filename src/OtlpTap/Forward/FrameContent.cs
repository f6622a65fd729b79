using System.Buffers;
using System.Net;

namespace OtlpTap.Forward;

/// <summary>An <see cref="UpstreamBody"/> as request content, which can tell when its bytes are not read any more.</summary>
/// <remarks>
/// HTTP/2 is full duplex: an answer may arrive, and the call end, while the body is still being written. The payloads go
/// back to their pool after the call, so the call has to wait for the writer too.
/// </remarks>
internal sealed class FrameContent(UpstreamBody body) : HttpContent
{
    // SocketsHttpHandler makes a DATA frame of every write, at most 16 KiB each, and copies it: joined requests are
    // gathered first, or each of a hundred small ones would cost a frame and a turn in the connection's write queue.
    private const int GatherBytes = 16 << 10;

    private int _writers;
    private TaskCompletionSource? _unread;

    /// <summary>Completes when no writer is at work. Asked after the call has ended or was aborted, so that none will start.</summary>
    public Task WhenUnreadAsync()
    {
        if (Volatile.Read(ref _writers) == 0)
        {
            return Task.CompletedTask;
        }

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
        // gRPC clients send no content-length.
        length = 0;
        return false;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        WriteAsync(stream, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        WriteAsync(stream, cancellationToken);

    private async Task WriteAsync(Stream stream, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _writers);
        try
        {
            if (body.Count == 1)
            {
                await stream.WriteAsync(body[0].Frame, cancellation);
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

    private async Task WriteJoinedAsync(Stream stream, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(GatherBytes);
        try
        {
            body.WriteFrameHeader(buffer);
            var filled = Buffers.Payload.FrameHeaderLength;
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
