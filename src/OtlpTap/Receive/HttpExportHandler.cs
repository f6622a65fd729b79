using System.Buffers;
using System.Collections.Immutable;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Pipeline;

namespace OtlpTap.Receive;

/// <summary>
/// The OTLP/HTTP edge (https://opentelemetry.io/docs/specs/otlp/, "OTLP/HTTP"): protobuf and JSON on one port, compressed
/// or not, over HTTP/1.1 and HTTP/2. What can be refused by the head of a request is, before its body is asked for; the
/// rest arrives under the same bounds as over gRPC. Then it is the same bytes as from there, on the same way.
/// </summary>
/// <param name="counts">Of this receiver over HTTP.</param>
/// <param name="limiter">Told of what the bound on bytes in flight refuses.</param>
internal sealed class HttpExportHandler(
    ReceiverPipelines receiver,
    HttpReceiveOptions options,
    ByteBudget inFlight,
    PayloadPool payloads,
    ForwardedHeaders forwarded,
    ReceiveMetrics metrics,
    ReceiverMetrics counts,
    MemoryLimiterMetrics limiter,
    TimeProvider time)
{
    private static readonly ImmutableArray<string> EncodingsInOrder = ["zstd", "gzip", "snappy", "x-snappy-framed", "deflate", "zlib"];

    private readonly HttpRoutes _routes = new(options.Paths);
    private readonly string _methods = options.Cors is null ? "POST" : "POST, OPTIONS";
    private readonly WholeBody _body = new(options.Limits, time);
    private readonly string _acceptedEncodings = string.Join(", ", EncodingsInOrder.Where(name => options.Encodings.Contains(name)).DefaultIfEmpty("identity"));

    /// <summary>The answer to one request, whatever it is; behind <see cref="HttpFront"/>.</summary>
    public async Task InvokeAsync(HttpContext http)
    {
        var type = HttpMediaTypes.Of(http.Request.ContentType);
        try
        {
            if (RefusalOfHead(http, type, out var signal, out var coding) is { } refused)
            {
                await (IsMeantForGrpc(http.Request) ? WriteWrongPortAsync(http, type) : HttpReply.WriteErrorAsync(http, type, refused));
                return;
            }

            await ExportAsync(http, signal, type, coding);
        }
        catch (BadHttpRequestException broken) when (!http.Response.HasStarted && !http.RequestAborted.IsCancellationRequested)
        {
            await HttpReply.WriteErrorAsync(http, type, ReplyTo(broken));
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException && http.RequestAborted.IsCancellationRequested)
        {
            // The sender went away: nobody waits for an answer.
        }
    }

    /// <summary>What is wrong with a request, as far as its head tells; null when its body is wanted.</summary>
    private ExportReply? RefusalOfHead(HttpContext http, HttpMediaType type, out Signal signal, out ContentCoding coding)
    {
        coding = ContentCoding.Identity;
        var request = http.Request;
        if (!_routes.TryFind(request.Path.Value, out signal))
        {
            return NotFound($"nothing is received at {request.Path.Value}");
        }

        if (!receiver.Current.Has(signal))
        {
            return NotFound(NoPipeline(signal));
        }

        if (!HttpMethods.IsPost(request.Method))
        {
            http.Response.Headers.Allow = _methods;
            return Refuse(signal, Unsupported(StatusCodes.Status405MethodNotAllowed, StatusCode.Unimplemented, $"the method is {request.Method}; OTLP is sent by POST"));
        }

        if (type == HttpMediaType.Unknown)
        {
            http.Response.Headers["Accept-Post"] = "application/x-protobuf, application/json";
            return Refuse(signal, Unsupported(StatusCodes.Status415UnsupportedMediaType, StatusCode.InvalidArgument, "the content type is neither application/x-protobuf nor application/json"));
        }

        if (!ContentCodings.TryFind(request.Headers.ContentEncoding, options.Encodings, out coding))
        {
            http.Response.Headers.AcceptEncoding = _acceptedEncodings;
            return Refuse(signal, Unsupported(StatusCodes.Status415UnsupportedMediaType, StatusCode.InvalidArgument, $"the content encoding is none of those that are taken: {_acceptedEncodings}"));
        }

        if (request.ContentLength > options.Limits.MessageBytesMax)
        {
            return Refuse(signal, Refused.Because(Refusal.TooLarge, options.Limits));
        }

        // Who asks first is not invited to send what would be refused. Who does not is sending already, and may find room.
        return !StringValues.IsNullOrEmpty(request.Headers.Expect) && inFlight.TakenBytes > 0
            && inFlight.TakenBytes + ReceiveOptions.RequestOverheadBytes + (request.ContentLength ?? 0) > inFlight.LimitBytes
            ? Refuse(signal, Refused.Because(Refusal.InFlightFull, options.Limits))
            : null;
    }

    private async Task ExportAsync(HttpContext http, Signal signal, HttpMediaType type, ContentCoding coding)
    {
        using var arrival = new Arrival(inFlight);
        var reader = http.Request.BodyReader;
        if (await ArriveAsync(http, arrival) is { } refusal)
        {
            if (refusal == Refusal.TooLarge)
            {
                await _body.DiscardAsync(reader, arrival);
            }

            await HttpReply.WriteErrorAsync(http, type, Refuse(signal, Refused.Because(refusal, options.Limits)));
            return;
        }

        // A reload may have taken the pipeline away while the body came.
        var pipelines = receiver.Current;
        if (!pipelines.Has(signal))
        {
            WholeBody.Consume(reader);
            await HttpReply.WriteErrorAsync(http, type, NotFound(NoPipeline(signal)));
            return;
        }

        var received = time.GetTimestamp();
        reader.TryRead(out var read);
        var refused = Unpack(read.Buffer, signal, type, coding, arrival);
        reader.AdvanceTo(read.Buffer.End);
        if (refused is not null)
        {
            await HttpReply.WriteErrorAsync(http, type, Refuse(signal, refused));
            return;
        }

        var payload = arrival.TakeInflated()!;
        var metadata = forwarded.Read(http.Request.Headers);
        metrics.RequestReceived(signal, payload.Length);
        var reply = Arrival.TryAdmit(inFlight, arrival, payload, metadata)
            ? await ForwardAsync(pipelines[signal], signal, payload, metadata, received, http.RequestAborted)
            : RefuseForRoom(signal, payload);
        metrics.RequestAnswered(signal, reply.Status, time.GetElapsedTime(received));
        await HttpReply.WriteAsync(http, signal, type, reply);
    }

    private async Task<ExportReply> ForwardAsync(
        ExportPipeline pipeline, Signal signal, Payload payload, RequestMetadata metadata, long received, CancellationToken cancellation)
    {
        ReceivedItems items = default;
        try
        {
            var reply = await pipeline.ExportAsync(payload, metadata, received, cancellation, out items);
            counts.Answered(signal, items.Received, items.Rejected, reply.Status == StatusCode.OK);
            return reply;
        }
        catch (Exception failure)
        {
            counts.NotAnswered(signal, items.Received, hasSenderLeft: failure is OperationCanceledException);
            throw;
        }
    }

    private ExportReply RefuseForRoom(Signal signal, Payload payload)
    {
        var items = ItemCount.Of(signal, payload.Span);
        payload.Release();
        counts.Refused(signal, items);
        limiter.Refused(signal, items);
        return Refuse(signal, Refused.Because(Refusal.InFlightFull, options.Limits));
    }

    /// <summary>Waits for the body, unless it is there already, as small ones are. Why it is refused, or null.</summary>
    private ValueTask<Refusal?> ArriveAsync(HttpContext http, Arrival arrival)
    {
        var reader = http.Request.BodyReader;
        if (reader.TryRead(out var read))
        {
            var isReady = read.IsCompleted && read.Buffer.Length <= options.Limits.MessageBytesMax && arrival.TryHold(WholeBody.HeldBytes(read.Buffer));
            reader.AdvanceTo(read.Buffer.Start);
            if (isReady)
            {
                return default;
            }
        }

        return _body.ArriveAsync(reader, arrival, http.Request.ContentLength ?? -1, lengthIn: null);
    }

    /// <summary>Makes the payload of what has come: decompressed, and protobuf. Why it is refused, or null.</summary>
    private Refused? Unpack(in ReadOnlySequence<byte> body, Signal signal, HttpMediaType type, ContentCoding coding, Arrival arrival)
    {
        var held = WholeBody.HeldBytes(body);
        var refused = coding == ContentCoding.Identity || body.IsEmpty
            ? UnpackPlain(body, signal, type, arrival, held)
            : UnpackCompressed(body, signal, type, coding, arrival, held);
        if (refused is null)
        {
            arrival.Settle();
        }

        return refused;
    }

    private Refused? UnpackPlain(in ReadOnlySequence<byte> body, Signal signal, HttpMediaType type, Arrival arrival, long held)
    {
        if (HttpMediaTypes.IsProtobuf(type))
        {
            var payload = payloads.Rent((int)body.Length);
            body.CopyTo(payload.Writable);
            arrival.Inflated(payload);
            return null;
        }

        if (!OnePiece.TryTake(body, arrival, held, payloads, out var json))
        {
            return Refused.Because(Refusal.InFlightFull, options.Limits);
        }

        using (json)
        {
            return JsonMessage.Read(signal, json.Span, arrival, json.HeldBytes, payloads, options.Limits);
        }
    }

    private Refused? UnpackCompressed(in ReadOnlySequence<byte> body, Signal signal, HttpMediaType type, ContentCoding coding, Arrival arrival, long held)
    {
        var outcome = CompressedMessage.Inflate(coding, body, arrival, held, payloads, options.Limits.MessageBytesMax);
        if (outcome != InflateOutcome.Inflated)
        {
            return Refused.Because(outcome, coding, options.Limits);
        }

        if (HttpMediaTypes.IsProtobuf(type))
        {
            if (options.Limits.KeepGzip && coding == ContentCoding.Gzip)
            {
                CompressedMessage.Keep(body, arrival, held, payloads);
            }

            return null;
        }

        var json = arrival.TakeInflated()!;
        var refused = JsonMessage.Read(signal, json.Span, arrival, held + json.Length, payloads, options.Limits);
        json.Release();
        return refused;
    }

    private ExportReply Refuse(Signal signal, Refused refused)
    {
        metrics.RequestRefused(signal, refused.Refusal);
        return refused.Refusal == Refusal.TooLarge ? WithHttpStatus(refused.Reply, StatusCodes.Status413PayloadTooLarge) : refused.Reply;
    }

    private ExportReply Refuse(Signal signal, ExportReply unsupported)
    {
        metrics.RequestRefused(signal, Refusal.Unsupported);
        return unsupported;
    }

    // By the path: what comes to one of OTLP/HTTP is told that its content type is the wrong one.
    private bool IsMeantForGrpc(HttpRequest request) =>
        !_routes.TryFind(request.Path.Value, out _) && (Admission.IsGrpc(request) || ExportRoute.TryFind(request.Path, out _));

    private Task WriteWrongPortAsync(HttpContext http, HttpMediaType type)
    {
        var reply = NotFound($"this is the OTLP/HTTP port: {options.GrpcPlace()}");
        if (ExportRoute.TryFind(http.Request.Path, out var signal))
        {
            Refuse(signal, reply);
        }

        if (!HttpProtocol.IsHttp2(http.Request.Protocol) || !Admission.IsGrpc(http.Request))
        {
            return HttpReply.WriteErrorAsync(http, type, reply);
        }

        GrpcReply.Write(http, reply);
        return Task.CompletedTask;
    }

    private static string NoPipeline(Signal signal) => $"{signal.ToString().ToLowerInvariant()} have no pipeline with this receiver in this configuration";

    private static ExportReply NotFound(string message) => Unsupported(StatusCodes.Status404NotFound, StatusCode.Unimplemented, message);

    private static ExportReply Unsupported(int httpStatus, StatusCode status, string message) => new(status, message, default, []) { HttpStatus = httpStatus };

    private static ExportReply WithHttpStatus(ExportReply reply, int httpStatus) => new(reply.Status, reply.Message, reply.Body, [.. reply.Trailers]) { HttpStatus = httpStatus };

    // Kestrel's own limits and what it makes of broken HTTP. Its 408 for a body that comes too slowly would be no reason to try again.
    private static ExportReply ReplyTo(BadHttpRequestException broken) => broken.StatusCode == StatusCodes.Status408RequestTimeout
        ? Refusals.Reply(Refusal.ArrivedTooSlowly)
        : new ExportReply(StatusCode.InvalidArgument, broken.Message, default, []) { HttpStatus = broken.StatusCode };
}
