using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Buffers;
using OtlpTap.Configuration;
using OtlpTap.Hosting;
using OtlpTap.Metrics;
using OtlpTap.Receive;
using OtlpTap.Tests.Forward;
using Prometheus;

namespace OtlpTap.Tests.Hosting;

/// <summary>A set of listeners with handlers of the test's own.</summary>
internal sealed class RunningListeners : IAsyncDisposable
{
    public static readonly TimeSpan Drain = TimeSpan.FromSeconds(20);

    private readonly Server _server;
    private readonly TimeProvider _time;

    public RunningListeners(TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        Metrics = new ListenerMetrics(Prometheus.Metrics.WithCustomRegistry(Registry));
        _server = new Server(new ExportMethodProvider(new ExportMarshaller(new PayloadPool())), NullLoggerFactory.Instance, _time);
        Set = new ListenerSet(_server, Metrics, Log, _time);
    }

    public CollectorRegistry Registry { get; } = Prometheus.Metrics.NewCustomRegistry();

    public ListenerMetrics Metrics { get; }

    public ListLogger<ListenerSet> Log { get; } = new();

    public ListenerSet Set { get; }

    public static ListenAddress AnyPort => new("127.0.0.1", 0);

    /// <summary>Answers with the protocol and scheme of the request, and with <paramref name="name"/>.</summary>
    public static RequestDelegate Echo(string name = "") => http => http.Response.WriteAsync($"{http.Request.Protocol} {http.Request.Scheme} {name}".TrimEnd());

    public static ListenerPlan Http(string receiver = "otlp", RequestDelegate? handler = null, HttpReceiverOptions? options = null) =>
        new(ListenerSettings.Of(ListenerName.Http(receiver), options ?? new HttpReceiverOptions { Endpoint = AnyPort }), handler ?? Echo());

    public ListenerPlans Plans() => new(Metrics, Log, _time);

    public Task<Task> ApplyAsync(params ListenerPlan[] plans) => Set.ApplyAsync(plans, Drain, Deadline.Token());

    public IPEndPoint Http1Of(string receiver = "otlp") => (IPEndPoint)Set.BoundTo(ListenerName.Http(receiver))!;

    /// <summary>One GET, with a version of HTTP that is not negotiated.</summary>
    public async Task<string> GetAsync(HttpClient client, string receiver = "otlp", int version = 2, string scheme = "http")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{scheme}://{Http1Of(receiver)}/"))
        {
            Version = version == 2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var response = await client.SendAsync(request, Deadline.Token());
        return await response.Content.ReadAsStringAsync(Deadline.Token());
    }

    public double Metric(string name, string listener) => MetricText.Value(Registry, $"{name}{{listener=\"{listener}\"}}");

    public async ValueTask DisposeAsync()
    {
        await Set.DisposeAsync();
        await _server.DisposeAsync();
    }
}
