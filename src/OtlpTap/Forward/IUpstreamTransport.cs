using OtlpTap.Otlp;

namespace OtlpTap.Forward;

/// <summary>The line to one upstream: carries gRPC calls over HTTP/2, keeps the connections, and nothing else (no queue, no retry, no clock).</summary>
internal interface IUpstreamTransport : IAsyncDisposable
{
    /// <summary>
    /// Sends <paramref name="body"/> as the one message of a unary call and reads the answer whole.
    /// Whatever the network or the upstream does comes back as a value; the only exception is
    /// <see cref="OperationCanceledException"/>, when <paramref name="cancellation"/> fires (the stream is then reset).
    /// The caller owns the payloads: once the returned task has completed, in whichever way, they are not read any more.
    /// </summary>
    ValueTask<UpstreamAnswer> CallAsync(Signal signal, UpstreamBody body, RequestMetadata metadata, CancellationToken cancellation);

    /// <summary>
    /// Sees whether the upstream is there without a call, which a backend would log and count: null when a connection is
    /// up and takes calls, made now where there was none; otherwise why none can be made. Throws as
    /// <see cref="CallAsync"/> does; <paramref name="cancellation"/> ends the waiting, not the attempt to connect.
    /// What stands behind a proxy that accepts connections, calls alone can show.
    /// </summary>
    ValueTask<UpstreamAnswer?> ProbeAsync(CancellationToken cancellation);
}
