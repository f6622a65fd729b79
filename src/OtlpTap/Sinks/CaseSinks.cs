using OtlpTap.Corpus;
using OtlpTap.Metrics;
using Prometheus;

namespace OtlpTap.Sinks;

using OtlpTap.Recorder;

/// <summary>All sinks. Told of each case that is written, on the corpus's thread, which never waits for one.</summary>
internal sealed class CaseSinks : IAsyncDisposable
{
    private readonly SinkLane[] _lanes;

    public CaseSinks(IReadOnlyList<SinkOptions> sinks, Recorder recorder, string version, IMetricFactory metrics, TimeProvider time, ILogger<CaseSinks> logger)
    {
        var traces = new CaseTraces(recorder);
        _lanes = [.. sinks.Select(options => new SinkLane(options.Name, options.QueueBytesMax, Create(options, traces, version, time, logger), new SinkMetrics(metrics, options.Name), time, logger))];
    }

    /// <summary>As <see cref="CaseHandler"/>.</summary>
    public void Written(Capture capture, CaseResult result)
    {
        if (_lanes.Length == 0)
        {
            return;
        }

        var name = result.Outcome switch
        {
            CaseOutcome.Written => "case.created",
            CaseOutcome.Regressed => "case.regressed",
            _ => "case.updated",
        };
        var item = new SinkItem(result.Path, capture.TraceId, name, CaseTraces.BytesOf(result.Path, capture.TraceId));
        foreach (var lane in _lanes)
        {
            lane.Offer(item);
        }
    }

    /// <inheritdoc cref="SinkLane.DrainAsync"/>
    public Task DrainAsync(CancellationToken deadline) => Task.WhenAll(_lanes.Select(lane => lane.DrainAsync(deadline)));

    /// <summary>Sets the gauges. For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        foreach (var lane in _lanes)
        {
            lane.PublishMetrics();
        }
    }

    /// <summary>After they were drained.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var lane in _lanes)
        {
            await lane.DisposeAsync();
        }
    }

    private static ICaseSink Create(SinkOptions options, CaseTraces traces, string version, TimeProvider time, ILogger logger) => options.Kind switch
    {
        SinkKind.File => new FileSink(options, traces, time),
        SinkKind.Webhook => new WebhookSink(options, new SinkConnection(options, time, logger), version, time),
        SinkKind.OtlpGrpc => new OtlpGrpcSink(options, traces, time),
        _ => new OtlpSink(options, traces, new SinkConnection(options, time, logger)),
    };
}
