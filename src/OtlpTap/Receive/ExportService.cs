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
internal sealed class ExportService(
    ReceiverPipelines receiver, ByteBudget inFlight, ForwardedHeaders headers, ReceiveMetrics metrics, TimeProvider time)
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
            payload.Release();
            metrics.RequestRefused(signal, Refusal.InFlightFull);
            metrics.RequestAnswered(signal, StatusCode.Unavailable, time.GetElapsedTime(received));
            throw AsException(Refusals.Reply(Refusal.InFlightFull));
        }

        var reply = await pipelines[signal].ExportAsync(payload, metadata, received, call.CancellationToken);
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
