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
/// other is waited for here (see <see cref="WholeBody"/>). A compressed message is decompressed here, into a payload with
/// credit (see <see cref="CompressedMessage"/>). Refusals are written here, as
/// trailers-only responses, without the cost of an exception: they come in masses when the upstream stalls.
/// </summary>
internal sealed class Admission(ByteBudget inFlight, PayloadPool payloads, ReceiveOptions options, ReceiveMetrics metrics, TimeProvider time)
{
    private const string GrpcContentType = "application/grpc";

    // A message of 0 bytes: what gRPC reads where the payload is there already.
    private static readonly ReadOnlySequence<byte> EmptyMessage = new(new byte[Payload.FrameHeaderLength]);

    private static readonly Func<ReadOnlySequence<byte>, long> LengthIn = static buffer => TryReadLength(buffer, out var length) ? length : -1;

    private readonly WholeBody _body = new(options, time);

    /// <summary>Whether a request is gRPC's, by its content type: <c>application/grpc</c>, <c>application/grpc+proto</c>.</summary>
    public static bool IsGrpc(HttpRequest request) => request.ContentType?.StartsWith(GrpcContentType, StringComparison.OrdinalIgnoreCase) == true;

    public Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        // What is no gRPC has no such frame, and must not get gRPC's answer: its HTTP status would say success. It is
        // answered 404 or 415 further on, and its body is never read.
        if (!IsGrpc(http.Request))
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
        if (await _body.ArriveAsync(reader, arrival, length: -1, LengthIn) is { } refusal)
        {
            return Refused.Because(refusal, options);
        }

        // An encoding that is not taken is left to gRPC, which refuses it and says which ones are.
        reader.TryRead(out var read);
        var refused = IsCompressed(read.Buffer) && ContentCodings.TryFindGrpc(http.Request.Headers["grpc-encoding"], out var coding)
            ? Inflate(http, coding, read.Buffer, arrival)
            : null;
        reader.AdvanceTo(arrival.Payload is null && refused is null ? read.Buffer.Start : read.Buffer.End);
        return refused;
    }

    private Refused? Inflate(HttpContext http, ContentCoding coding, in ReadOnlySequence<byte> buffer, Arrival arrival)
    {
        if (!TryReadLength(buffer, out var length) || buffer.Length != Payload.FrameHeaderLength + length)
        {
            return Refused.Malformed("the request is not one message of the length that it declares");
        }

        var message = buffer.Slice(Payload.FrameHeaderLength);
        var held = WholeBody.HeldBytes(buffer);
        var outcome = CompressedMessage.Inflate(coding, message, arrival, held, payloads, options.MessageBytesMax);
        if (outcome == InflateOutcome.Inflated)
        {
            if (options.KeepGzip && coding == ContentCoding.Gzip)
            {
                CompressedMessage.Keep(message, arrival, held, payloads);
            }

            arrival.Settle();
            http.Features.Set<IRequestBodyPipeFeature>(new InsteadOfBody(PipeReader.Create(EmptyMessage)));
        }

        return Refused.Because(outcome, coding, options);
    }

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

    private sealed class InsteadOfBody(PipeReader reader) : IRequestBodyPipeFeature
    {
        public PipeReader Reader { get; } = reader;
    }
}
