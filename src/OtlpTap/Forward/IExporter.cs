using OtlpTap.Buffers;
using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>
/// A place that telemetry goes to: an upstream, a file, the console, or one of these with something in front of it (a
/// queue, retries, a spool). One that stands around another does not dispose it: a place may have several in front of it,
/// and whoever put them together disposes them, from the front to the back.
/// </summary>
internal interface IExporter : IAsyncDisposable
{
    /// <summary>The component id in the configuration, as <c>otlp_grpc/tempo</c>: label of the metrics and name in the log.</summary>
    string Id { get; }

    /// <summary>Whether the last thing known of the place is that it takes data. False before anything is known.</summary>
    bool IsReachable { get; }

    /// <summary>
    /// Takes over one reference to <paramref name="payload"/> and one hold of its in-flight credit; both go back when nothing
    /// reads the bytes any more, which may be after the returned task has ended.
    /// </summary>
    /// <exception cref="OperationCanceledException">The caller's own <paramref name="cancellation"/> fired; nothing else is ever thrown.</exception>
    Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation);

    /// <summary>Finds out whether the place takes data, without sending any.</summary>
    ValueTask<bool> ProbeAsync(CancellationToken cancellation);

    /// <summary>Ends when nothing is in flight or queued in memory. Nothing is refused meanwhile: who drains has stopped what sends before.</summary>
    /// <exception cref="OperationCanceledException">The deadline came first.</exception>
    Task DrainAsync(CancellationToken deadline);
}
