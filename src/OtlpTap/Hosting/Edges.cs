using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http;
using OtlpTap.Buffers;
using OtlpTap.Configuration;
using OtlpTap.Forward;
using OtlpTap.Metrics;
using OtlpTap.Receive;
using OtlpTap.Web;

namespace OtlpTap.Hosting;

/// <summary>What listens in a configuration, and who answers there. Made anew for each; the way from a receiver to its pipelines stays.</summary>
internal sealed class Edges(Server server, ByteBudget inFlight, PayloadPool payloads, PostFeedback feedback, TapMetrics metrics, ListenerMetrics listenerMetrics, Func<ListenerName, EndPoint?> boundTo, ILoggerFactory logs, TimeProvider time)
{
    // Only ever grows by the receivers that configurations name.
    private readonly ConcurrentDictionary<string, ReceiverPipelines> _receivers = new(StringComparer.Ordinal);

    /// <summary>Requests of receivers that were there before go to this line from now on.</summary>
    public void ChangeTo(Line line)
    {
        foreach (var (id, pipelines) in line.Receivers)
        {
            if (_receivers.TryGetValue(id, out var receiver))
            {
                receiver.Current = pipelines;
            }
        }
    }

    /// <param name="line">Where requests of receivers that are new go to.</param>
    /// <param name="admin">Answers on the admin port.</param>
    /// <exception cref="ListenException">Tokens or passwords cannot be read.</exception>
    public IReadOnlyList<ListenerPlan> Plan(TapOptions options, Line line, RequestDelegate admin, Readiness readiness)
    {
        var plans = new ListenerPlans(listenerMetrics, logs.CreateLogger<ListenerSet>(), time);
        var keepGzip = options.Exporters.Any(TakesGzip);
        foreach (var receiver in options.Receivers)
        {
            var pipelines = _receivers.GetOrAdd(receiver.Id, static (id, line) => new ReceiverPipelines(line.Receivers[id]), line);
            var http = receiver.Http is { } httpOptions ? HttpOptions(receiver, httpOptions, options.Processor, keepGzip) : null;
            plans.Receiver(
                receiver,
                receiver.Grpc is { } grpc ? credentialHeader => Grpc(receiver.Id, grpc, options.Processor, keepGzip, pipelines, credentialHeader) : null,
                http is null ? null : credentialHeader => Http(receiver.Id, http, options.Processor.Feedback.Explicit.IsEnabled, pipelines, credentialHeader),
                http is null ? null : next => new HttpFront(http, next).InvokeAsync);
        }

        var service = options.Service;
        plans.Admin(service.Admin, admin);
        if (service.HealthCheck is { } health)
        {
            plans.Health(health, HealthCheckPage.Create(health.Path, health.HealthyBody, health.UnhealthyBody, readiness, time));
        }

        if (service.MetricsEndpoint is { } endpoint)
        {
            plans.Metrics(endpoint, service.Admin.Hosts, server.Route(pages => pages.MapMetrics(metrics, time)));
        }

        return plans.All;
    }

    private static bool TakesGzip(ExporterOptions exporter) => exporter switch
    {
        OtlpGrpcExporterOptions grpc => grpc.Forward.Compression == Compression.Gzip,
        OtlpHttpExporterOptions http => http.Forward.Compression == Compression.Gzip,
        _ => false,
    };

    private RequestDelegate Grpc(string receiver, GrpcReceiverOptions grpc, TapProcessorOptions processor, bool keepGzip, ReceiverPipelines pipelines, string? credentialHeader)
    {
        var receive = new ReceiveOptions
        {
            MessageBytesMax = grpc.MaxReceiveMessageBytes,
            MessageBytesMaxKey = $"receivers.{receiver}.protocols.grpc.max_recv_msg_size_mib",
            KeepGzip = keepGzip,
            ForwardedHeaders = processor.ForwardHeaders,
        };
        var service = new ExportService(
            pipelines,
            inFlight,
            new ForwardedHeaders(receive, credentialHeader),
            metrics.Receive,
            new ReceiverMetrics(metrics.Factory, receiver, ReceiverMetrics.Grpc),
            metrics.MemoryLimiter,
            time);
        return new GrpcHandler(new Admission(inFlight, payloads, receive, metrics.Receive, time), new ReceiverScope(service, server.Services), server.Grpc).InvokeAsync;
    }

    private HttpReceiveOptions HttpOptions(ReceiverOptions receiver, HttpReceiverOptions http, TapProcessorOptions processor, bool keepGzip) => new()
    {
        Limits = new ReceiveOptions
        {
            MessageBytesMax = http.MaxRequestBodyBytes,
            MessageBytesMaxKey = $"receivers.{receiver.Id}.protocols.http.max_request_body_size",
            KeepGzip = keepGzip,
            ForwardedHeaders = processor.ForwardHeaders,
        },
        Paths = http.Paths,
        Cors = http.Cors,
        ResponseHeaders = http.ResponseHeaders,
        Encodings = http.CompressionAlgorithms,
        GrpcPlace = () => RightPort.Of("OTLP/gRPC", receiver.Grpc is null ? null : boundTo(ListenerName.Grpc(receiver.Id))),
    };

    private RequestDelegate Http(string receiver, HttpReceiveOptions receive, bool hasFeedback, ReceiverPipelines pipelines, string? credentialHeader)
    {
        var export = new HttpExportHandler(
            pipelines,
            receive,
            inFlight,
            payloads,
            new ForwardedHeaders(receive.Limits, credentialHeader),
            metrics.Receive,
            new ReceiverMetrics(metrics.Factory, receiver, ReceiverMetrics.Http),
            metrics.MemoryLimiter,
            time);
        if (!hasFeedback)
        {
            return export.InvokeAsync;
        }

        var people = new FeedbackHandler(feedback, receive, new FeedbackSender(credentialHeader), inFlight, payloads, metrics.Feedback, time);
        return http => people.IsFor(http.Request) ? people.InvokeAsync(http) : export.InvokeAsync(http);
    }
}
