using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// The two directions of a connected line. Each is used by one caller at a time. Both may throw what
/// <see cref="IsFailure"/> names; after <see cref="Dispose"/> pending operations end that way soon.
/// </summary>
internal abstract class ByteChannel : IDisposable
{
    /// <summary>Pieces up to this length are better copied than sent by reference.</summary>
    public abstract int CopyBytesMax { get; }

    /// <returns>0 when the peer has closed its side.</returns>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> destination);

    /// <summary>Completes when all bytes are with the kernel, and nothing of the batch is touched any more.</summary>
    public abstract ValueTask SendAsync(SendBatch batch);

    public abstract void Dispose();

    public static bool IsFailure(Exception exception) =>
        exception is SocketException or IOException or ObjectDisposedException or OperationCanceledException;
}

/// <summary>Cleartext: a send is one system call, gathering copied and referenced bytes.</summary>
internal sealed class PlainChannel(Socket socket) : ByteChannel
{
    public override int CopyBytesMax => 4096;

    public override ValueTask<int> ReceiveAsync(Memory<byte> destination) => socket.ReceiveAsync(destination, SocketFlags.None);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask SendAsync(SendBatch batch)
    {
        var segments = batch.Segments;
        if (segments.Count > 1)
        {
            await socket.SendAsync(segments, SocketFlags.None);
            return;
        }

        Memory<byte> rest = segments[0];
        while (!rest.IsEmpty)
        {
            rest = rest[await socket.SendAsync(rest, SocketFlags.None)..];
        }
    }

    public override void Dispose() => socket.Dispose();
}

/// <summary>TLS: everything is copied into one buffer, which the stream encrypts in records of 16 KiB.</summary>
internal sealed class TlsChannel(Socket socket, SslStream stream) : ByteChannel
{
    public override int CopyBytesMax => SendBatch.CopyAlways;

    public override ValueTask<int> ReceiveAsync(Memory<byte> destination) => stream.ReadAsync(destination);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask SendAsync(SendBatch batch) => await stream.WriteAsync(batch.Segments[0]);

    public override void Dispose()
    {
        // The socket first: disposing the stream alone would try to send a farewell and may find a write under way.
        socket.Dispose();
        stream.Dispose();
    }
}
