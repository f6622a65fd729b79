using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Pipeline;
using OtlpTap.Receive;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Tests.Forward;
using Prometheus;

namespace OtlpTap.Tests.Receive;

/// <summary>One request as it left the tap.</summary>
internal sealed record Exported(Signal Signal, byte[] Message, byte[]? Gzip, (string Name, string Value)[] Metadata);

/// <summary>The OTLP/HTTP edge on a real server, with a pipeline for each signal and an upstream that the test plays.</summary>
internal sealed class HttpEdge : IAsyncDisposable
{
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly Upstream _upstream = new();
    private readonly ListLogger<HttpEdge> _log = new();
    private readonly Forwarder _forwarder;
    private readonly WebApplication _server;

    private HttpEdge(HttpReceiveOptions options, TimeProvider time, long inFlightBytes, Signal? without)
    {
        InFlight = new ByteBudget(inFlightBytes);
        var factory = Prometheus.Metrics.WithCustomRegistry(_registry);
        var metrics = new ReceiveMetrics(factory);
        var failures = new FailureMetrics(factory, []);
        var payloads = new PayloadPool();
        var scans = new ScanResultPool();
        var forward = new ForwardOptions { Endpoint = "upstream.test:4317", Insecure = true };
        Assert.True(UpstreamEndpoint.TryParse(forward.Endpoint, forward.Insecure, out var endpoint, out var problem), problem);
        _forwarder = new Forwarder("otlp_grpc/test", endpoint, _upstream, forward, new ForwardMetrics(factory, "otlp_grpc/test"), time, NullLogger<Forwarder>.Instance);
        var pipelines = new ExportPipelines(signal => signal == without ? null : new ExportPipeline(signal, new RequestScanner(CompiledRules.None), scans, payloads, null, _forwarder, [], metrics, failures));
        var handler = new HttpExportHandler(new ReceiverPipelines(pipelines), options, InFlight, payloads, new ForwardedHeaders(options.Limits), metrics, new ReceiverMetrics(factory, "otlp", ReceiverMetrics.Http), new MemoryLimiterMetrics(factory), time);
        var front = new HttpFront(options, handler.InvokeAsync);

        var knowledge = new PriorKnowledge(TimeSpan.FromMinutes(1), TimeProvider.System);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            knowledge.Open(kestrel);
            kestrel.Listen(IPAddress.Loopback, 0, knowledge.Use);
        });
        builder.Services.AddSingleton<IConnectionListenerFactory>(knowledge);
        builder.Services.AddSingleton<ILoggerFactory>(new OneLogger(_log));
        _server = builder.Build();
        _server.Run(front.InvokeAsync);
    }

    public ByteBudget InFlight { get; }

    public ConcurrentQueue<Exported> Exported => _upstream.Exported;

    /// <summary>What the server has logged as an error: our own mistakes.</summary>
    public IEnumerable<string> Errors => _log.Messages.Where(line => line.Contains("unhandled", StringComparison.OrdinalIgnoreCase));

    public Uri Address { get; private set; } = null!;

    public HttpClient Client { get; } = new() { Timeout = Deadline.Span };

    /// <summary>What the upstream answers; full success unless the test says otherwise.</summary>
    public Func<Task<ExportReply>> Answer
    {
        set => _upstream.Answer = value;
    }

    public static async Task<HttpEdge> StartAsync(HttpReceiveOptions? options = null, TimeProvider? time = null, long inFlightBytes = 256 << 20, Signal? without = null)
    {
        var edge = new HttpEdge(options ?? new HttpReceiveOptions(), time ?? TimeProvider.System, inFlightBytes, without);
        await edge._server.StartAsync();
        edge.Address = new Uri(edge._server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Last());
        return edge;
    }

    public void AnswerWith(ExportReply reply) => Answer = () => Task.FromResult(reply);

    public double Metric(string series) => MetricText.Value(_registry, series);

    public HttpRequestMessage Request(byte[]? body, string contentType = "application/x-protobuf", string? encoding = null, string path = "/v1/traces", string method = "POST", int version = 1)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), new Uri(Address, path))
        {
            Version = version == 1 ? HttpVersion.Version11 : HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            if (contentType.Length > 0)
            {
                request.Content.Headers.TryAddWithoutValidation("content-type", contentType);
            }

            if (encoding is not null)
            {
                request.Content.Headers.TryAddWithoutValidation("content-encoding", encoding);
            }
        }

        return request;
    }

    public async Task<HttpResponseMessage> PostAsync(byte[]? body, string contentType = "application/x-protobuf", string? encoding = null, string path = "/v1/traces", string method = "POST", int version = 1)
    {
        using var request = Request(body, contentType, encoding, path, method, version);
        return await Client.SendAsync(request, Deadline.Token());
    }

    /// <summary>A connection to write to by hand.</summary>
    public async Task<NetworkStream> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, Address.Port);
        return new NetworkStream(socket, ownsSocket: true);
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(bytes);
        }

        return buffer.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.StopAsync();
        await _server.DisposeAsync();
        await _forwarder.DisposeAsync();
        Assert.Equal(0, InFlight.TakenBytes);
        Assert.True(!Errors.Any(), string.Join('\n', Errors));
    }

    private sealed class Upstream : IUpstreamTransport
    {
        public ConcurrentQueue<Exported> Exported { get; } = new();

        public Func<Task<ExportReply>> Answer { get; set; } = () => Task.FromResult(ExportReply.Accepted);

        public async ValueTask<UpstreamAnswer> CallAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation)
        {
            // Asked for before the export is seen: a test may change it then, for those that come later.
            var answer = Answer;
            for (var i = 0; i < body.Count; i++)
            {
                Exported.Enqueue(new Exported(signal, body[i].Message.ToArray(), body[i].Gzip?.Message.ToArray(), metadata.Entries.ToArray()));
            }

            return new UpstreamAnswer(UpstreamOutcome.Answered, await answer().WaitAsync(cancellation));
        }

        public ValueTask<UpstreamAnswer?> ProbeAsync(CancellationToken cancellation) => default;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class OneLogger(ILogger log) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => log;

        public void Dispose()
        {
        }
    }
}
