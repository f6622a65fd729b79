using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>
/// Counts what was given up, once for each request, where the answer of the exporter inside is the sender's. (A
/// <see cref="Forwarder"/> without anything around it does so itself: see <see cref="Forwarder.LastWord"/>.)
/// </summary>
internal sealed class CountedExporter(IExporter inner, ExporterMetrics metrics) : IExporter
{
    public string Id => inner.Id;

    public bool IsReachable => inner.IsReachable;

    public async Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation)
    {
        var items = payload.ItemCount;
        var reply = await inner.ExportAsync(signal, payload, metadata, cancellation);
        if (reply.Status != StatusCode.OK)
        {
            metrics.SendFailed(signal, items);
        }

        return reply;
    }

    public ValueTask<bool> ProbeAsync(CancellationToken cancellation) => inner.ProbeAsync(cancellation);

    public Task DrainAsync(CancellationToken deadline) => inner.DrainAsync(deadline);

    /// <summary>Nothing of its own: the exporter inside is its owner's.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
