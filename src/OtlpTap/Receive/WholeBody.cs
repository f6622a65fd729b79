using System.Buffers;
using System.IO.Pipelines;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>
/// Waits until a request's body is there as a whole. It holds credit for what has come, not for what it declares, so that
/// a sender must really send what it makes the tap hold; and at each moment so much must have come as explains the time
/// it took. (Time for a declared length would be a gift to who declares 64 MiB and sends a byte now and then.)
/// </summary>
internal sealed class WholeBody(ReceiveOptions options, TimeProvider time)
{
    /// <summary>Of a message that is refused: a few windows of a connection (4 MiB), beyond which its sender is on its own.</summary>
    private const int DiscardBytesMax = 16 << 20;

    private static readonly TimeSpan DiscardTimeMax = TimeSpan.FromSeconds(1);

    /// <summary>Kestrel keeps what has come in blocks of this size (<c>BlockPoolFactory</c>): one byte holds one.</summary>
    private const int BlockBytes = 64 << 10;

    /// <summary>
    /// Why it is refused; null when it is there, and then the reader is at its start. What has come of a body that is
    /// refused is consumed.
    /// </summary>
    /// <param name="length">What the sender has declared; below zero where it has not.</param>
    /// <param name="lengthIn">Reads the length from what has come, for a body that begins with it; below zero while it is not there.</param>
    public async ValueTask<Refusal?> ArriveAsync(PipeReader reader, Arrival arrival, long length, Func<ReadOnlySequence<byte>, long>? lengthIn)
    {
        if (!arrival.TryHold(ReceiveOptions.RequestOverheadBytes))
        {
            return Refusal.InFlightFull;
        }

        // A read that is cancelled by a token stays begun to Kestrel's HTTP/1.1; this one ends.
        using var late = new CancellationTokenSource(TimeFor(0), time);
        var waking = late.Token.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), reader);
        Refusal? refusal;
        try
        {
            refusal = await ReadToEndAsync(reader, arrival, length, lengthIn, late);
        }
        finally
        {
            // Waits for one that is waking the reader now: whoever reads next must not be woken.
            await waking.DisposeAsync();
        }

        if (refusal is not null || late.IsCancellationRequested)
        {
            Consume(reader);
            return refusal ?? Refusal.ArrivedTooSlowly;
        }

        return null;
    }

    // One byte holds a block; the slack of the last one is not worth counting.
    public static long HeldBytes(in ReadOnlySequence<byte> buffer) =>
        ReceiveOptions.RequestOverheadBytes + (buffer.IsEmpty ? 0 : Math.Max(buffer.Length, BlockBytes));

    /// <summary>
    /// Takes what has come of a message that is refused. Kestrel's count of the connection's window is wrong for what a
    /// stream leaves looked at and unread: the next large request would end the connection with FLOW_CONTROL_ERROR.
    /// </summary>
    public static void Consume(PipeReader reader)
    {
        if (reader.TryRead(out var left))
        {
            reader.AdvanceTo(left.Buffer.End);
        }
    }

    /// <summary>
    /// Takes what is still on its way of a message that is refused as too large, within a bound: what comes for a stream that
    /// has its answer would end the connection in the way that <see cref="Consume"/> tells of, with the neighbours on it.
    /// </summary>
    public async ValueTask DiscardAsync(PipeReader reader, Arrival arrival)
    {
        arrival.Shrink(ReceiveOptions.RequestOverheadBytes);
        using var late = new CancellationTokenSource(DiscardTimeMax, time);
        var waking = late.Token.UnsafeRegister(static reader => ((PipeReader)reader!).CancelPendingRead(), reader);
        try
        {
            for (var bytes = 0L; bytes < DiscardBytesMax && !late.IsCancellationRequested;)
            {
                var read = await reader.ReadAsync(CancellationToken.None);
                bytes += read.Buffer.Length;
                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || read.IsCanceled)
                {
                    break;
                }
            }
        }
        finally
        {
            await waking.DisposeAsync();
        }
    }

    /// <param name="late">Its time is set anew with all that comes. A sender that goes away ends the read by itself.</param>
    private async ValueTask<Refusal?> ReadToEndAsync(
        PipeReader reader, Arrival arrival, long length, Func<ReadOnlySequence<byte>, long>? lengthIn, CancellationTokenSource late)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var read = await reader.ReadAsync(CancellationToken.None);
            var buffer = read.Buffer;
            if (read.IsCanceled)
            {
                reader.AdvanceTo(buffer.End);
                return Refusal.ArrivedTooSlowly;
            }

            if (length < 0 && lengthIn is not null)
            {
                length = lengthIn(buffer);
            }

            Refusal? refused = length > options.MessageBytesMax ? Refusal.TooLarge // before the body is read; gRPC would say the same, but count nothing
                : lengthIn is null && buffer.Length > options.MessageBytesMax ? Refusal.TooLarge
                : !arrival.TryHold(HeldBytes(buffer)) ? Refusal.InFlightFull
                : null;
            if (refused is not null)
            {
                reader.AdvanceTo(buffer.End);
                return refused;
            }

            // Complete, not only of its length: gRPC would wait for the end of the stream, and nothing would bound that.
            if (read.IsCompleted)
            {
                reader.AdvanceTo(buffer.Start);
                return null;
            }

            var left = TimeFor(buffer.Length) - time.GetElapsedTime(started);
            late.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private TimeSpan TimeFor(long length) => options.ArrivalGrace + TimeSpan.FromSeconds((double)length / options.ArrivalBytesPerSecondMin);
}
