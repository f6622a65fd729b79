using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Pipeline;

namespace OtlpTap.Receive;

/// <summary>
/// The OTLP/gRPC edge of one receiver: takes a request with its bytes in hand through the pipeline and gives the answer
/// back as it is. A signal without a pipeline is UNIMPLEMENTED, as a Collector without that pipeline answers.
/// </summary>
/// <param name="receiver">Whose listener this is.</param>
/// <param name="counts">Of the receiver whose pipelines these are.</param>
/// <param name="limiter">Told of what the bound on bytes in flight refuses.</param>
internal sealed class ExportService(
    ReceiverPipelines receiver,
    ByteBudget inFlight,
    ForwardedHeaders headers,
    ReceiveMetrics metrics,
    ReceiverMetrics counts,
    MemoryLimiterMetrics limiter,
    TimeProvider time)
{
    public async Task<ExportReply> ExportAsync(Signal signal, Payload payload, ServerCallContext call)
    {
        var pipelines = receiver.Current;
        if (!pipelines.Has(signal))
        {
            payload.Release();
            throw new RpcException(new Status(StatusCode.Unimplemented, "no pipeline takes this signal from this receiver"));
        }

        var received = time.GetTimestamp();
        var http = call.GetHttpContext();
        var arrival = http.Features.Get<Arrival>();
        if (arrival?.TakeInflated() is { } inflated)
        {
            payload.Release();
            payload = inflated;
        }

        var metadata = headers.Read(http.Request.Headers);
        metrics.RequestReceived(signal, payload.Length);

        if (!Arrival.TryAdmit(inFlight, arrival, payload, metadata))
        {
            var refused = ItemCount.Of(signal, payload.Span);
            payload.Release();
            counts.Refused(signal, refused);
            limiter.Refused(signal, refused);
            metrics.RequestRefused(signal, Refusal.InFlightFull);
            metrics.RequestAnswered(signal, StatusCode.Unavailable, time.GetElapsedTime(received));
            throw AsException(Refusals.Reply(Refusal.InFlightFull));
        }

        ReceivedItems items = default;
        ExportReply reply;
        try
        {
            reply = await pipelines[signal].ExportAsync(payload, metadata, received, call.CancellationToken, out items);
        }
        catch (Exception failure)
        {
            counts.NotAnswered(signal, items.Received, hasSenderLeft: failure is OperationCanceledException);
            throw;
        }

        counts.Answered(signal, items.Received, items.Rejected, reply.Status == StatusCode.OK);
        metrics.RequestAnswered(signal, reply.Status, time.GetElapsedTime(received));
        if (reply.Status != StatusCode.OK)
        {
            throw AsException(reply);
        }

        foreach (var trailer in reply.Trailers)
        {
            AddTo(call.ResponseTrailers, trailer);
        }

        return reply;
    }

    private static RpcException AsException(ExportReply reply)
    {
        var trailers = new Grpc.Core.Metadata();
        foreach (var trailer in reply.Trailers)
        {
            AddTo(trailers, trailer);
        }

        return new RpcException(new Status(reply.Status, reply.Message), trailers);
    }

    private static void AddTo(Grpc.Core.Metadata trailers, ReplyTrailer trailer)
    {
        if (!trailer.Name.EndsWith(Grpc.Core.Metadata.BinaryHeaderSuffix, StringComparison.Ordinal))
        {
            trailers.Add(trailer.Name, trailer.Value);
        }
        else if (Base64Trailer.TryDecode(trailer.Value, out var bytes))
        {
            trailers.Add(trailer.Name, bytes);
        }
    }
}
