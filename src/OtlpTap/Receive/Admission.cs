using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>
/// Stands before gRPC, which reads a message whole before anything of ours sees it, while Kestrel opens the flow-control
/// window for what was looked at: a few hundred senders of 64 MiB each would fill the memory outside of every bound.
/// The frame header tells the length first:
/// <code>
///   | compressed, 1 byte | length, 4 bytes big-endian | message ...     (gRPC over HTTP/2, "Length-Prefixed-Message")
/// </code>
/// A plain message that is there as a whole is let through at once; its payload takes credit in the next moment. Any
/// other is waited for here. It holds credit for what has come, not for what it declares, so that a sender must really
/// send what it makes the tap hold; and it has to come in a time that its length explains. A compressed message is
/// decompressed here, into a payload with credit (see <see cref="GzipMessage"/>). Refusals are written here, as
/// trailers-only responses, without the cost of an exception: they come in masses when the upstream stalls.
/// </summary>
internal sealed class Admission(ByteBudget inFlight, PayloadPool payloads, ReceiveOptions options, ReceiveMetrics metrics, TimeProvider time)
{
    private const string GrpcContentType = "application/grpc";

    /// <summary>Kestrel keeps what has come in blocks of this size (<c>BlockPoolFactory</c>): one byte holds one.</summary>
    private const int BlockBytes = 64 << 10;

    // A message of 0 bytes: what gRPC reads where the payload is there already.
    private static readonly ReadOnlySequence<byte> EmptyMessage = new(new byte[Payload.FrameHeaderLength]);

    public Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        // What is no gRPC has no such frame, and must not get gRPC's answer: its HTTP status would say success. It is
        // answered 404 or 415 further on, and its body is never read.
        if (http.Request.ContentType?.StartsWith(GrpcContentType, StringComparison.OrdinalIgnoreCase) != true)
        {
            return next(http);
        }

        var reader = http.Request.BodyReader;
        if (reader.TryRead(out var read))
        {
            var isReady = read.IsCompleted && !IsCompressed(read.Buffer) && !IsTooLarge(read.Buffer);
            reader.AdvanceTo(read.Buffer.Start);
            if (isReady)
            {
                return next(http);
            }
        }

        return ArriveAsync(http, reader, next);
    }

    private async Task ArriveAsync(HttpContext http, PipeReader reader, RequestDelegate next)
    {
        using var arrival = new Arrival(inFlight);
        if (await RefusalOfAsync(http, reader, arrival) is { } refused)
        {
            Refuse(http, refused);
            return;
        }

        http.Features.Set(arrival);
        await next(http);
    }

    /// <summary>Waits until the message is there as a whole, and decompressed. Why it is refused, or null.</summary>
    private async ValueTask<Refused?> RefusalOfAsync(HttpContext http, PipeReader reader, Arrival arrival)
    {
        if (!arrival.TryHold(ReceiveOptions.RequestOverheadBytes))
        {
            return Because(Refusal.InFlightFull);
        }

        using var late = new CancellationTokenSource(options.ArrivalGrace, time);
        try
        {
            return await ReadToEndAsync(http, reader, arrival, late);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested)
        {
            Consume(reader);
            return Because(Refusal.ArrivedTooSlowly);
        }
    }

    /// <param name="late">Its time is set once the length is known. A sender that goes away ends the read by itself.</param>
    private async ValueTask<Refused?> ReadToEndAsync(HttpContext http, PipeReader reader, Arrival arrival, CancellationTokenSource late)
    {
        var length = -1L;
        while (true)
        {
            var read = await reader.ReadAsync(late.Token);
            var buffer = read.Buffer;
            if (length < 0 && TryReadLength(buffer, out var declared))
            {
                length = declared;
                late.CancelAfter(options.ArrivalGrace + TimeSpan.FromSeconds((double)length / options.ArrivalBytesPerSecondMin));
            }

            var refused = length > options.MessageBytesMax ? TooLarge() // before the body is read; gRPC would say the same, but count nothing
                : !arrival.TryHold(HeldBytes(buffer)) ? Because(Refusal.InFlightFull)
                : null;
            if (refused is not null)
            {
                reader.AdvanceTo(buffer.Start);
                Consume(reader);
                return refused;
            }

            // Complete, not only of its length: gRPC would wait for the end of the stream, and nothing would bound that.
            if (read.IsCompleted)
            {
                refused = IsGzip(http, buffer) ? Inflate(http, buffer, arrival) : null;
                reader.AdvanceTo(arrival.Payload is null ? buffer.Start : buffer.End);
                return refused;
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>
    /// Takes what has come of a message that is refused. Kestrel's count of the connection's window is wrong for what a
    /// stream leaves looked at and unread: the next large request would end the connection with FLOW_CONTROL_ERROR.
    /// </summary>
    private static void Consume(PipeReader reader)
    {
        if (reader.TryRead(out var left))
        {
            reader.AdvanceTo(left.Buffer.End);
        }
    }

    private Refused? Inflate(HttpContext http, in ReadOnlySequence<byte> buffer, Arrival arrival)
    {
        if (!TryReadLength(buffer, out var length) || buffer.Length != Payload.FrameHeaderLength + length)
        {
            return Malformed("the request is not one message of the length that it declares");
        }

        switch (GzipMessage.Inflate(buffer.Slice(Payload.FrameHeaderLength), arrival, HeldBytes(buffer), payloads, options.MessageBytesMax))
        {
            case InflateOutcome.TooLarge:
                return TooLarge();

            case InflateOutcome.Malformed:
                return Malformed("the message is marked as gzip but cannot be decompressed");

            case InflateOutcome.InFlightFull:
                return Because(Refusal.InFlightFull);

            case InflateOutcome.Inflated:
            default:
                arrival.Shrink(ReceiveOptions.RequestOverheadBytes + arrival.Payload!.Length);
                http.Features.Set<IRequestBodyPipeFeature>(new InsteadOfBody(PipeReader.Create(EmptyMessage)));
                return null;
        }
    }

    private static Refused Because(Refusal refusal) => new(refusal, Refusals.Reply(refusal));

    private Refused TooLarge() => new(Refusal.TooLarge, Refusals.TooLarge(options.MessageBytesMax));

    private static Refused Malformed(string problem) => new(Refusal.Malformed, Refusals.Malformed(problem));

    // One byte holds a block; the slack of the last one is not worth counting.
    private static long HeldBytes(in ReadOnlySequence<byte> buffer) =>
        ReceiveOptions.RequestOverheadBytes + (buffer.IsEmpty ? 0 : Math.Max(buffer.Length, BlockBytes));

    // Any other encoding is left to gRPC, which refuses it and says which ones are taken.
    private static bool IsGzip(HttpContext http, in ReadOnlySequence<byte> buffer) =>
        IsCompressed(buffer) && string.Equals(http.Request.Headers["grpc-encoding"], "gzip", StringComparison.OrdinalIgnoreCase);

    private static bool IsCompressed(in ReadOnlySequence<byte> buffer) => !buffer.IsEmpty && buffer.FirstSpan[0] == 1;

    private bool IsTooLarge(in ReadOnlySequence<byte> buffer) => TryReadLength(buffer, out var length) && length > options.MessageBytesMax;

    private static bool TryReadLength(in ReadOnlySequence<byte> buffer, out uint length)
    {
        Span<byte> header = stackalloc byte[Payload.FrameHeaderLength];
        if (buffer.Length < header.Length)
        {
            length = 0;
            return false;
        }

        buffer.Slice(0, header.Length).CopyTo(header);
        length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        return true;
    }

    private void Refuse(HttpContext http, Refused refused)
    {
        if (ExportRoute.TryFind(http.Request.Path, out var signal))
        {
            metrics.RequestRefused(signal, refused.Refusal);
        }

        var headers = http.Response.Headers;
        headers.ContentType = GrpcContentType;
        headers["grpc-status"] = ((int)refused.Reply.Status).ToString(CultureInfo.InvariantCulture);
        headers["grpc-message"] = Uri.EscapeDataString(refused.Reply.Message);
        foreach (var trailer in refused.Reply.Trailers)
        {
            headers[trailer.Name] = trailer.Value;
        }
    }

    private sealed record Refused(Refusal Refusal, ExportReply Reply);

    private sealed class InsteadOfBody(PipeReader reader) : IRequestBodyPipeFeature
    {
        public PipeReader Reader { get; } = reader;
    }
}
