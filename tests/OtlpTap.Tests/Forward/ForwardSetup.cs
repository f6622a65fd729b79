using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Forward.Http2;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Tests.Forward;

/// <summary>A forwarder with everything it needs, and the books: what was lent to it, and whether all came back.</summary>
internal sealed class ForwardSetup : IAsyncDisposable
{
    private readonly PayloadPool _pool = new();

    // For what is made of the requests on the way, so that the books on what was lent stay exact.
    private readonly PayloadPool _encoderPool = new();
    private readonly ByteBudget _encoderBudget = new(1 << 30);
    private readonly ByteBudget _budget = new(1 << 30);
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly HashSet<Payload> _lent = new(ReferenceEqualityComparer.Instance);

    public ForwardSetup(IUpstreamTransport transport, ForwardOptions options, TimeProvider? time = null)
    {
        Assert.True(UpstreamEndpoint.TryParse(options.Endpoint, options.Insecure, out var endpoint, out var problem), problem);
        Forwarder = new Forwarder(
            "otlp_grpc/test",
            endpoint,
            transport,
            options,
            new ForwardMetrics(Prometheus.Metrics.WithCustomRegistry(_registry), "otlp_grpc/test"),
            time ?? TimeProvider.System,
            NullLogger<Forwarder>.Instance);
    }

    private ForwardSetup(Func<PayloadPool, ByteBudget, ForwardMetrics, Forwarder> create, string exporter) =>
        Forwarder = create(_encoderPool, _encoderBudget, new ForwardMetrics(Prometheus.Metrics.WithCustomRegistry(_registry), exporter));

    public Forwarder Forwarder { get; }

    /// <summary>As the tap itself puts it together from an exporter's options.</summary>
    public static ForwardSetup Of(OtlpHttpExporterOptions exporter, TimeProvider? time = null, ILoggerFactory? logs = null) =>
        new((pool, budget, metrics) => Forwarders.Create(exporter, pool, budget, metrics, time ?? TimeProvider.System, logs ?? NullLoggerFactory.Instance), exporter.Id);

    /// <inheritdoc cref="Of(OtlpHttpExporterOptions, TimeProvider, ILoggerFactory)"/>
    public static ForwardSetup Of(OtlpGrpcExporterOptions exporter, TimeProvider? time = null, ILoggerFactory? logs = null) =>
        new((pool, budget, metrics) => Forwarders.Create(exporter, pool, budget, metrics, time ?? TimeProvider.System, logs ?? NullLoggerFactory.Instance), exporter.Id);

    public long CreditOut => _budget.TakenBytes;

    public static ForwardSetup Scripted(IUpstreamTransport transport, TimeProvider? time = null, Func<ForwardOptions, ForwardOptions>? with = null)
    {
        var options = new ForwardOptions { Endpoint = "upstream.test:4317", Insecure = true };
        return new ForwardSetup(transport, with?.Invoke(options) ?? options, time);
    }

    public static ForwardSetup Over(StubUpstream stub, TimeProvider? time = null, Func<ForwardOptions, ForwardOptions>? with = null) =>
        To(stub.Endpoint, time, with);

    public static ForwardSetup To(string endpointText, TimeProvider? time = null, Func<ForwardOptions, ForwardOptions>? with = null)
    {
        var options = new ForwardOptions { Endpoint = endpointText, Insecure = true };
        options = with?.Invoke(options) ?? options;
        Assert.True(UpstreamEndpoint.TryParse(options.Endpoint, options.Insecure, out var endpoint, out var problem), problem);
        var transport = new Http2Transport(UpstreamOptions.From(options, endpoint), time ?? TimeProvider.System, NullLogger<Http2Transport>.Instance);
        return new ForwardSetup(transport, options, time);
    }

    public Payload Lend(ReadOnlySpan<byte> message, int items = 0)
    {
        var payload = _pool.Rent(message.Length);
        payload.ItemCount = items;
        message.CopyTo(payload.Writable);
        Assert.True(_budget.TryTake(message.Length));
        payload.AttachCredit(_budget, message.Length);
        lock (_lent)
        {
            _lent.Add(payload);
        }

        return payload;
    }

    /// <summary>With the sender's own gzip form beside it, as the receiver keeps it.</summary>
    public Payload LendWithGzip(ReadOnlySpan<byte> message, ReadOnlySpan<byte> gzip)
    {
        var payload = Lend(message);
        var compressed = _pool.Rent(gzip.Length);
        gzip.CopyTo(compressed.Writable);
        payload.AttachGzip(compressed);
        lock (_lent)
        {
            _lent.Add(compressed);
        }

        return payload;
    }

    public Task<ExportReply> SendAsync(string message, RequestMetadata? metadata = null) =>
        SendAsync(Encoding.UTF8.GetBytes(message), metadata);

    public Task<ExportReply> SendAsync(ReadOnlySpan<byte> message, RequestMetadata? metadata = null, Signal signal = Signal.Traces) =>
        Forwarder.ExportAsync(signal, Lend(message), metadata ?? RequestMetadata.Empty, CancellationToken.None);

    /// <summary>For an agent that gives up when <paramref name="leaving"/> fires.</summary>
    public Task<ExportReply> SendUntilAsync(string message, CancellationToken leaving) =>
        SendUntilAsync(message, RequestMetadata.Empty, leaving);

    public Task<ExportReply> SendUntilAsync(string message, RequestMetadata metadata, CancellationToken leaving) =>
        Forwarder.ExportAsync(Signal.Traces, Lend(Encoding.UTF8.GetBytes(message)), metadata, leaving);

    /// <summary>The text that /metrics would show.</summary>
    public async Task<string> MetricsAsync()
    {
        using var text = new MemoryStream();
        await _registry.CollectAndExportAsTextAsync(text);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    /// <summary>All that was lent is back: the credit in the budget, the arrays in the pool.</summary>
    public async Task AssertAllCameBackAsync()
    {
        await Forwarder.DrainAsync(Deadline.Token());
        Assert.Equal(0, _budget.TakenBytes);
        Assert.Equal(_lent.Sum(payload => (long)payload.Capacity), _pool.RetainedBytes);
    }

    public async ValueTask DisposeAsync()
    {
        await Forwarder.DisposeAsync();
        await AssertAllCameBackAsync();
    }
}
