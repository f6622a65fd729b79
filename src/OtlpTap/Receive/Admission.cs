using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Receive;

/// <summary>
/// Decides before a message has arrived whether there is room for it. gRPC reads a message whole before anything of
/// ours sees it, and Kestrel opens the flow-control window for what was looked at; without this a few hundred senders
/// of 64 MiB each would fill the memory outside of every bound. The frame header tells the length first:
/// <code>
///   | compressed, 1 byte | length, 4 bytes big-endian | message ...     (gRPC over HTTP/2, "Length-Prefixed-Message")
/// </code>
/// A message that is there as a whole is let through at once: it fits into the windows, which are a bound themselves,
/// and its payload takes credit in the next moment. Any other reserves its declared length first. Refusals are written
/// here, as a trailers-only response, without the cost of an exception: they come in masses when the upstream stalls.
/// </summary>
internal sealed class Admission(ByteBudget inFlight, ReceiveOptions options, ReceiveMetrics metrics)
{
    private const string GrpcContentType = "application/grpc";

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
            var isReady = IsWhole(read) && !IsTooLarge(read);
            reader.AdvanceTo(read.Buffer.Start);
            if (isReady)
            {
                return next(http);
            }
        }

        return ReserveAsync(http, reader, next);
    }

    private async Task ReserveAsync(HttpContext http, PipeReader reader, RequestDelegate next)
    {
        var read = await reader.ReadAtLeastAsync(Payload.FrameHeaderLength, http.RequestAborted);
        var whole = IsWhole(read);
        var tooLarge = IsTooLarge(read);
        TryReadLength(read.Buffer, out var length);
        reader.AdvanceTo(read.Buffer.Start);

        // Said before the body is read; gRPC would say the same, but count nothing.
        if (tooLarge)
        {
            Refuse(http, Refusal.TooLarge, Refusals.TooLarge(options.MessageBytesMax));
            return;
        }

        if (whole)
        {
            await next(http);
            return;
        }

        if (!inFlight.TryTake(length))
        {
            Refuse(http, Refusal.InFlightFull, Refusals.Reply(Refusal.InFlightFull));
            return;
        }

        using var reservation = new Reservation(inFlight, length);
        http.Features.Set(reservation);
        await next(http);
    }

    private bool IsTooLarge(in ReadResult read) => TryReadLength(read.Buffer, out var length) && length > options.MessageBytesMax;

    private static bool IsWhole(in ReadResult read) =>
        read.IsCompleted || (TryReadLength(read.Buffer, out var length) && read.Buffer.Length >= Payload.FrameHeaderLength + length);

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

    private void Refuse(HttpContext http, Refusal refusal, ExportReply reply)
    {
        if (ExportRoute.TryFind(http.Request.Path, out var signal))
        {
            metrics.RequestRefused(signal, refusal);
        }

        var headers = http.Response.Headers;
        headers.ContentType = GrpcContentType;
        headers["grpc-status"] = ((int)reply.Status).ToString(CultureInfo.InvariantCulture);
        headers["grpc-message"] = Uri.EscapeDataString(reply.Message);
        foreach (var trailer in reply.Trailers)
        {
            headers[trailer.Name] = trailer.Value;
        }
    }
}
